// Requests, answers and streams of OpenAI's Responses by strangers: read or refused. A request that was read
// is written and read again as the same value, once it has gone that way and lost what the protocol has no form for.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "gateway/wire/protocol.h"

namespace {

const understudy::Protocol& protocol() {
  return understudy::openai_responses();
}

void check_request(std::string_view body) {
  understudy::ChatRequest request;
  try {
    request = protocol().read_request(protocol().write_request(protocol().read_request(body)));
  } catch (const understudy::Error&) {
    return;
  }
  CHECK(protocol().read_request(protocol().write_request(request)) == request, "the request changed on its way");
}

void check_answer(std::string_view body) {
  try {
    (void)protocol().write_answer(protocol().read_answer(body));
  } catch (const understudy::Error&) {
    return;
  }
}

// Each line is one event.
void check_stream(std::string_view lines) {
  const auto reader = protocol().event_reader();
  try {
    while (!lines.empty()) {
      const size_t end = std::min(lines.find('\n'), lines.size());
      (void)reader->read({"", std::string(lines.substr(0, end))});
      lines.remove_prefix(std::min(lines.size(), end + 1));
    }
  } catch (const understudy::Error&) {
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_request(input);
  check_answer(input);
  check_stream(input);
  return 0;
}
