// Any bytes as a GGUF file, and that file as an adapter: refused with kInvalidInput, or every tensor can be read to its
// end.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "base/error.h"
#include "engine/formats/gguf.h"
#include "engine/formats/peft.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy;
  try {
    const GgufFile file(std::as_bytes(std::span(data, size)), "input");
    volatile uint8_t sum = 0;
    for (const auto& [name, view] : file.tensors()) {
      for (size_t i = 0; i < view.bytes(); ++i) sum = sum + view.as<uint8_t>()[i];
    }
    read_gguf_adapter(file, {.query = 4, .key = 2});
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidInput) std::abort();
  }
  return 0;
}
