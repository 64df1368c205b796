// OpenAI's embeddings: requests, and what of an answer becomes a value.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/protocol_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  understudy::fuzzing::check_request(understudy::openai_embeddings(), input);
  try {
    (void)understudy::openai_embeddings().read_answer(input);
  } catch (const understudy::Error&) {
    return 0;
  }
  return 0;
}
