// JSON of strangers: read or refused; what is read is written and read again as the same value.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = understudy::try_parse_json(text);
  if (value)
    CHECK(understudy::parse_json(understudy::dump_json(*value), "again") == *value, "the value changed on its way");
  return 0;
}
