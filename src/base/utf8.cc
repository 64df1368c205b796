#include "base/utf8.h"

#include <utf8proc.h>

#include <cstring>

namespace understudy {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

// Length by the lead byte; 0 for a byte that cannot lead (RFC 3629).
int sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// The second byte carries the rules against overlong forms, surrogates and values above U+10FFFF.
bool second_byte_fits(unsigned char lead, unsigned char second) {
  if (lead == 0xE0) return second >= 0xA0 && second <= 0xBF;
  if (lead == 0xED) return second >= 0x80 && second <= 0x9F;
  if (lead == 0xF0) return second >= 0x90 && second <= 0xBF;
  if (lead == 0xF4) return second >= 0x80 && second <= 0x8F;
  return (second & 0xC0) == 0x80;
}

// Bytes of the valid character at `position`, 0 where there is none.
int valid_length(std::string_view text, size_t position) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const int length = sequence_length(byte(position));
  if (length == 0 || position + static_cast<size_t>(length) > text.size()) return 0;
  if (length > 1 && !second_byte_fits(byte(position), byte(position + 1))) return 0;
  for (int i = 2; i < length; ++i) {
    if ((byte(position + static_cast<size_t>(i)) & 0xC0) != 0x80) return 0;
  }
  return length;
}

// A lower bound of how many characters of ASCII the text begins with: whole words of eight bytes.
size_t ascii_length(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  size_t length = 0;
  for (uint64_t word = 0; text.size() - length >= sizeof word; length += sizeof word) {
    std::memcpy(&word, text.data() + length, sizeof word);
    if ((word & kHighBits) != 0) break;
  }
  return length;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  size_t position = 0;
  while (position < text.size()) {
    position += ascii_length(text.substr(position));
    if (position == text.size()) break;
    const int length = valid_length(text, position);
    if (length == 0) return false;
    position += static_cast<size_t>(length);
  }
  return true;
}

char32_t next_code_point(std::string_view text, size_t& position) {
  const int length = valid_length(text, position);
  if (length == 0) {
    ++position;
    return kReplacement;
  }
  const auto lead = static_cast<unsigned char>(text[position]);
  char32_t code_point = length == 1 ? lead : lead & (0x7F >> length);
  for (int i = 1; i < length; ++i) {
    code_point = (code_point << 6) | (static_cast<unsigned char>(text[position + static_cast<size_t>(i)]) & 0x3F);
  }
  position += static_cast<size_t>(length);
  return code_point;
}

std::vector<char32_t> to_code_points(std::string_view text) {
  std::vector<char32_t> points;
  points.reserve(text.size());
  for (size_t position = 0; position < text.size();) points.push_back(next_code_point(text, position));
  return points;
}

void append_utf8(std::string& text, char32_t c) {
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xC0 | (c >> 6));
    text += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    text += static_cast<char>(0xE0 | (c >> 12));
    text += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | (c >> 18));
    text += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    text += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (c & 0x3F));
  }
}

size_t count_code_points(std::string_view text) {
  size_t count = 0;
  for (size_t position = 0; position < text.size(); ++count) next_code_point(text, position);
  return count;
}

size_t count_columns(std::string_view text) {
  size_t columns = 0;
  for (size_t position = 0; position < text.size();) {
    const int width = utf8proc_charwidth(static_cast<utf8proc_int32_t>(next_code_point(text, position)));
    columns += static_cast<size_t>(width > 0 ? width : 0);
  }
  return columns;
}

size_t incomplete_utf8_tail(std::string_view text) {
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const size_t at = text.size() - back;
    const auto lead = static_cast<unsigned char>(text[at]);
    if ((lead & 0xC0) == 0x80) continue;
    const int length = sequence_length(lead);
    if (length <= static_cast<int>(back)) return 0;
    if (back >= 2 && !second_byte_fits(lead, static_cast<unsigned char>(text[at + 1]))) return 0;
    return back;
  }
  return 0;
}

std::string repair_utf8(std::string_view text) {
  if (is_valid_utf8(text)) return std::string(text);
  std::string repaired;
  for (size_t position = 0; position < text.size();) append_utf8(repaired, next_code_point(text, position));
  return repaired;
}

}  // namespace understudy
