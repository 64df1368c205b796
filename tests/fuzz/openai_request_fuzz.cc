// Chat and completion requests of strangers: read or refused; what is read is written and read again as the same value.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "gateway/wire/protocol.h"

namespace {

void check(const understudy::Protocol& protocol, std::string_view body) {
  understudy::ChatRequest request;
  try {
    request = protocol.read_request(body);
  } catch (const understudy::Error&) {
    return;
  }
  CHECK(protocol.read_request(protocol.write_request(request)) == request, "the request changed on its way");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  check(understudy::openai_chat(), body);
  check(understudy::openai_completions(), body);
  return 0;
}
