// Requests of strangers: read, refused or unfinished; and how they are cut into pieces changes nothing.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "net/http_request_reader.h"

namespace {

std::string outcome(std::string_view text, size_t piece) {
  using State = understudy::HttpRequestReader::State;
  understudy::HttpRequestReader reader({.header_bytes = 4096, .body_bytes = 4096, .headers = 20});
  std::string log;
  for (size_t at = 0; at < text.size(); at += piece) {
    reader.feed(text.substr(at, piece));
    State state = reader.read();
    while (state == State::kComplete) {
      const understudy::HttpRequest request = reader.take();
      log += request.method + " " + request.path + "?" + request.query + " " + request.body + "|";
      state = reader.read();
    }
    if (state == State::kFault) return log + "fault";
  }
  return log;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CHECK(outcome(text, size + 1) == outcome(text, 1), "pieces change what is read");
  return 0;
}
