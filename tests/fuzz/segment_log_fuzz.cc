// Any bytes as a segment of the capture log: read to the end, every record taken for an exchange.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "gateway/capture/assembler.h"
#include "gateway/capture/segment_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    SegmentReader reader(
        [bytes](uint64_t at, char* into, size_t n) { return at < bytes.size() ? bytes.copy(into, n, at) : 0; }, "fuzz");
    Assembler assembler;
    std::vector<Exchange> exchanges;
    while (const auto record = reader.next()) {
      try {
        assembler.add({record->kind, reader.run(), {1, record->offset}, record->payload}, exchanges);
      } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::kInvalidInput, "a payload's fault is wrong input");
      }
    }
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kInvalidInput, "a newer version is wrong input");
  }
  // The payloads alone too: a mutation seldom meets the checksum.
  try {
    (void)read_exchange_payload(bytes);
  } catch (const Error&) {
  }
  try {
    (void)read_part_payload(bytes);
  } catch (const Error&) {
  }
  return 0;
}
