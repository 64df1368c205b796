// By tables: slicing by eight (Kounavis and Berry 2008): eight bytes a step, one table lookup each. Table k holds the
// checksum of a byte that k zero bytes follow.
#include "gateway/capture/crc32c.h"

#include <array>
#include <cstring>

namespace understudy {

namespace {

using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  constexpr uint32_t kReflected = 0x82F63B78;
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? kReflected : 0);
    tables[0][byte] = value;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t value = tables[k - 1][byte];
      tables[k][byte] = (value >> 8) ^ tables[0][value & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

uint32_t four_bytes(const unsigned char* bytes) {  // little-endian
  return bytes[0] | uint32_t{bytes[1]} << 8 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[3]} << 24;
}

// One function is compiled for the instruction and called where the processor has it; nothing else in this file is.
#if defined(__x86_64__)
bool has_instruction() {
  static const bool has = __builtin_cpu_supports("sse4.2");
  return has;
}

__attribute__((target("sse4.2"))) uint32_t by_instruction(std::string_view bytes, uint32_t before) {
  const char* at = bytes.data();
  size_t left = bytes.size();
  uint64_t value = ~before;
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t eight = 0;
    std::memcpy(&eight, at, sizeof eight);
    value = __builtin_ia32_crc32di(value, eight);
  }
  auto low = static_cast<uint32_t>(value);
  for (; left > 0; ++at, --left) low = __builtin_ia32_crc32qi(low, static_cast<unsigned char>(*at));
  return ~low;
}
#else
bool has_instruction() {
  return false;
}
uint32_t by_instruction(std::string_view bytes, uint32_t before) {
  return crc32c_by_tables(bytes, before);
}
#endif

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t before) {
  return has_instruction() ? by_instruction(bytes, before) : crc32c_by_tables(bytes, before);
}

uint32_t crc32c_by_tables(std::string_view bytes, uint32_t before) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  size_t left = bytes.size();
  uint32_t value = ~before;
  for (; left >= 8; at += 8, left -= 8) {
    const uint32_t low = value ^ four_bytes(at);
    const uint32_t high = four_bytes(at + 4);
    value = kTables[7][low & 0xFF] ^ kTables[6][(low >> 8) & 0xFF] ^ kTables[5][(low >> 16) & 0xFF] ^
            kTables[4][low >> 24] ^ kTables[3][high & 0xFF] ^ kTables[2][(high >> 8) & 0xFF] ^
            kTables[1][(high >> 16) & 0xFF] ^ kTables[0][high >> 24];
  }
  for (; left > 0; ++at, --left) value = (value >> 8) ^ kTables[0][(value ^ *at) & 0xFF];
  return ~value;
}

}  // namespace understudy
