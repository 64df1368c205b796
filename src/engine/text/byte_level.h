// GPT-2's printable alphabet for bytes (Radford et al. 2019, encoder.py): a byte-level vocabulary writes every byte as
// one visible character, so that tokens are valid text. Pure functions over constant tables.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace understudy {

// The character that stands for a byte: '!'..'~', 0xA1..0xAC and 0xAE..0xFF stand for themselves, the others for U+0100
// and on, in the order of their value.
char32_t byte_level_char(uint8_t byte);

// The byte that a character stands for; nothing for a character outside the alphabet.
std::optional<uint8_t> byte_of_level_char(char32_t character);

// Bytes written in the alphabet.
std::string to_byte_level(std::string_view bytes);

// The bytes of a token written in the alphabet. A token with any character outside it stands for its own UTF-8 bytes.
std::string from_byte_level(std::string_view token);

}  // namespace understudy
