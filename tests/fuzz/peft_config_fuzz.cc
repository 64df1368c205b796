// Any bytes as adapter_config.json: refused with kInvalidInput, or what is read is written and read again as the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "engine/formats/peft.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const Json written = PeftConfig::from_json(parse_json(text, "input"), "input").to_json();
    if (PeftConfig::from_json(written, "written").to_json() != written) std::abort();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidInput || error.message().starts_with("written")) std::abort();
  }
  return 0;
}
