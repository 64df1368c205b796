// Event streams of providers: how they are cut into pieces changes nothing, and an event's size has its limit.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "net/event_stream_reader.h"

namespace {

std::string outcome(std::string_view bytes, size_t piece) {
  constexpr size_t kMostBytes = 4096;
  understudy::EventStreamReader reader(kMostBytes);
  std::string log;
  try {
    for (size_t at = 0; at < bytes.size(); at += piece) {
      for (const understudy::ServerSentEvent& event : reader.read(bytes.substr(at, piece))) {
        CHECK(event.name.size() + event.data.size() <= kMostBytes, "an event beyond the limit");
        log += event.name + ":" + event.data + "|";
      }
    }
  } catch (const understudy::Error&) {
    return "too long";
  }
  return log;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CHECK(outcome(bytes, size + 1) == outcome(bytes, 1), "pieces change what is read");
  return 0;
}
