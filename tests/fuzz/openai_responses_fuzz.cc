// OpenAI's Responses.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/protocol_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  understudy::fuzzing::check_protocol(understudy::openai_responses(), {reinterpret_cast<const char*>(data), size});
  return 0;
}
