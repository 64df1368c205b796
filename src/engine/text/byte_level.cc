#include "engine/text/byte_level.h"

#include <array>

#include "base/utf8.h"

namespace understudy {

namespace {

constexpr char32_t kShifted = 0x100;  // the first character for bytes that are not printable

constexpr bool stands_for_itself(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

struct Alphabet {
  std::array<char32_t, 256> char_of{};
  std::array<int16_t, 324> byte_of{};  // by character; -1: not in the alphabet

  constexpr Alphabet() {
    for (auto& byte : byte_of) byte = -1;
    char32_t next = kShifted;
    for (int byte = 0; byte < 256; ++byte) {
      const char32_t character = stands_for_itself(byte) ? static_cast<char32_t>(byte) : next++;
      char_of[static_cast<size_t>(byte)] = character;
      byte_of[character] = static_cast<int16_t>(byte);
    }
  }
};

constexpr Alphabet kAlphabet;

}  // namespace

char32_t byte_level_char(uint8_t byte) {
  return kAlphabet.char_of[byte];
}

std::optional<uint8_t> byte_of_level_char(char32_t character) {
  if (character >= kAlphabet.byte_of.size() || kAlphabet.byte_of[character] < 0) return std::nullopt;
  return static_cast<uint8_t>(kAlphabet.byte_of[character]);
}

std::string to_byte_level(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char byte : bytes) append_utf8(text, byte_level_char(static_cast<uint8_t>(byte)));
  return text;
}

std::string from_byte_level(std::string_view token) {
  std::string bytes;
  bytes.reserve(token.size());
  for (size_t position = 0; position < token.size();) {
    const auto byte = byte_of_level_char(next_code_point(token, position));
    if (!byte) return std::string(token);
    bytes += static_cast<char>(*byte);
  }
  return bytes;
}

}  // namespace understudy
