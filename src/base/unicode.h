// Unicode normal forms for comparing texts (NFKC, case folding), and classes of characters. Over utf8proc; pure
// functions, thread-safe. Not for tokenizing: engine/text has its own rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace understudy {

// NFKC (UAX #15). Invalid UTF-8 becomes U+FFFD first.
std::string nfkc(std::string_view text);
// NFKC with full case folding: "ＴＯＴＡＬ ﬁne Straße" becomes "total fine strasse".
std::string nfkc_casefold(std::string_view text);

enum class CaseFold { kNo, kYes };

// A normalised text that knows where each of its characters came from, so that what is found in it can be shown in the
// original. Normalises one grapheme cluster at a time: a cluster is what NFKC composes within, so the text is that of
// nfkc() wherever a cluster begins with a starter.
struct MappedText {
  std::u32string characters;
  std::vector<uint32_t> first;  // per character: the original's code point where its cluster begins
  std::vector<uint32_t> after;  // and the one after the cluster's end

  size_t size() const { return characters.size(); }
};
MappedText map_nfkc(std::string_view text, CaseFold fold);

// Letters and numbers (general categories L and N), and the vowel signs of scripts that write vowels as marks. Not the
// accents of U+0300 to U+036F: where NFKC leaves one standing (as in a folded "İ"), it does not tell two names apart.
bool is_letter_or_digit(char32_t character);
bool is_letter(char32_t character);
bool is_currency_sign(char32_t character);  // category Sc

// '0' to '9' for a decimal digit of the Arabic, Indic, Thai and other common scripts; any other character as it is.
char32_t ascii_digit(char32_t character);

std::u32string to_utf32(std::string_view text);
std::string to_utf8(std::u32string_view text);

}  // namespace understudy
