// Any bytes as a safetensors file: refused with kInvalidInput, or every tensor can be read to its end.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "base/error.h"
#include "engine/formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy;
  try {
    const SafetensorsFile file(std::as_bytes(std::span(data, size)), "input");
    volatile uint8_t sum = 0;
    for (const auto& [name, view] : file.tensors()) {
      for (size_t i = 0; i < view.bytes(); ++i) sum = sum + view.as<uint8_t>()[i];
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidInput) std::abort();
  }
  return 0;
}
