// The finders behind find_private(), one file each, and what they share: classes of bytes, and the words around a
// value. Pure functions of the text.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "privacy/redaction.h"

namespace understudy {

using Findings = std::vector<PrivateFinding>;

// Each adds its findings in the text's order; they may overlap another finder's, never one of their own.
void find_secrets(std::string_view text, std::string_view label, Findings& findings);
void find_emails(std::string_view text, Findings& findings);
void find_phones(std::string_view text, std::string_view label, Findings& findings);
void find_ibans(std::string_view text, Findings& findings);
void find_cards(std::string_view text, std::string_view label, Findings& findings);

// Classes of bytes, as bits: the finders ask for several of them at every byte of a text.
inline constexpr uint8_t kDigit = 1, kUpper = 2, kLower = 4, kUnderscore = 8, kDash = 16, kBeyondAscii = 32;
inline constexpr std::array<uint8_t, 256> kByteClasses = [] {
  std::array<uint8_t, 256> classes{};
  for (size_t c = '0'; c <= '9'; ++c) classes[c] = kDigit;
  for (size_t c = 'A'; c <= 'Z'; ++c) classes[c] = kUpper;
  for (size_t c = 'a'; c <= 'z'; ++c) classes[c] = kLower;
  classes['_'] = kUnderscore;
  classes['-'] = kDash;
  for (size_t c = 0x80; c <= 0xFF; ++c) classes[c] = kBeyondAscii;
  return classes;
}();
inline bool is_of(char c, unsigned classes) {
  return (kByteClasses[static_cast<unsigned char>(c)] & classes) != 0;
}

inline bool is_digit(char c) {
  return is_of(c, kDigit);
}
inline bool is_upper(char c) {
  return is_of(c, kUpper);
}
inline bool is_lower(char c) {
  return is_of(c, kLower);
}
inline bool is_alpha(char c) {
  return is_of(c, kUpper | kLower);
}
inline bool is_alnum(char c) {
  return is_of(c, kDigit | kUpper | kLower);
}
// Part of a word: beyond ASCII every byte is.
inline bool is_word(char c) {
  return is_of(c, kDigit | kUpper | kLower | kUnderscore | kBeyondAscii);
}
// Part of what vendors make their keys of.
inline bool is_token_char(char c) {
  return is_of(c, kDigit | kUpper | kLower | kUnderscore | kDash);
}
inline char lower(char c) {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string lowered(std::string_view text);
std::string digits_of(std::string_view text);

// What the words near a value say about it.
enum class Hint { kNone, kFor, kAgainst };
struct HintWords {
  std::span<const std::string_view> for_it;   // lower-case beginnings of words: "phon" is in "phones"
  std::span<const std::string_view> against;  // likewise; whole words where they have three letters or fewer
};
// The nearest such word in the 48 bytes before `begin`, on the same or the line before; else in the label; else
// `for_it` in the 24 bytes after `end`.
Hint hint_at(std::string_view text, size_t begin, size_t end, std::string_view label, const HintWords& words);

}  // namespace understudy
