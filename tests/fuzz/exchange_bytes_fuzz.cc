// A record of the segment log or the store: read or refused; what is read is written and read again as the same value.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "records/exchange_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::string written;
  try {
    written = understudy::to_bytes(understudy::exchange_from_bytes(bytes));
  } catch (const understudy::Error&) {
    return 0;
  }
  CHECK(understudy::to_bytes(understudy::exchange_from_bytes(written)) == written, "the exchange changed on its way");
  return 0;
}
