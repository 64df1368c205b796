// OpenAI's chat completions and completions.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/protocol_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  understudy::fuzzing::check_protocol(understudy::openai_chat(), input);
  understudy::fuzzing::check_protocol(understudy::openai_completions(), input);
  return 0;
}
