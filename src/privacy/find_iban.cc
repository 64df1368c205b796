// International bank account numbers: a country, its length (SWIFT's registry of ISO 13616), check digits.
#include <algorithm>

#include "privacy/finders.h"

namespace understudy {

namespace {

struct Country {
  std::string_view code;
  size_t length;
};
constexpr Country kCountries[] = {
    {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22}, {"BH", 22},
    {"BI", 27}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24}, {"DE", 22}, {"DJ", 27},
    {"DK", 18}, {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18}, {"FO", 18}, {"FR", 27}, {"GB", 22},
    {"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27}, {"GT", 28}, {"HR", 21}, {"HU", 28}, {"IE", 22}, {"IL", 23},
    {"IQ", 23}, {"IS", 26}, {"IT", 27}, {"JO", 30}, {"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LC", 32}, {"LI", 21},
    {"LT", 20}, {"LU", 20}, {"LV", 21}, {"LY", 25}, {"MC", 27}, {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MR", 27},
    {"MT", 31}, {"MU", 30}, {"NL", 18}, {"NO", 15}, {"PK", 24}, {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29},
    {"RO", 24}, {"RS", 22}, {"SA", 24}, {"SC", 31}, {"SD", 18}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27},
    {"TL", 23}, {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20},
};

size_t length_of(char first, char second) {
  const char code[] = {first, second};
  for (const Country& country : kCountries) {
    if (country.code == std::string_view(code, 2)) return country.length;
  }
  return 0;
}

char upper(char c) {
  return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
}

// ISO 7064, mod 97-10: the first four at the end, letters as 10 to 35, remainder 1.
bool check_digits_hold(std::string_view iban) {
  int remainder = 0;
  for (size_t i = 0; i < iban.size(); ++i) {
    const char c = iban[(i + 4) % iban.size()];
    remainder = is_digit(c) ? (remainder * 10 + (c - '0')) % 97 : (remainder * 100 + (c - 'A' + 10)) % 97;
  }
  return remainder == 1;
}

// Where the number that begins here ends; 0 where there is none. Between groups stands one space, no-break space or
// hyphen.
size_t iban_end(std::string_view text, size_t begin) {
  if (begin + 4 >= text.size() || !is_digit(text[begin + 2]) || !is_digit(text[begin + 3])) return 0;
  const size_t length = length_of(upper(text[begin]), upper(text[begin + 1]));
  std::string iban;
  size_t place = begin;
  while (iban.size() < length && place < text.size()) {
    if (is_alnum(text[place])) {
      iban += upper(text[place++]);
      continue;
    }
    const size_t gap = text[place] == ' ' || text[place] == '-' ? 1 : text.substr(place).starts_with("\u00A0") ? 2 : 0;
    if (gap == 0 || place + gap >= text.size() || !is_alnum(text[place + gap])) return 0;
    place += gap;
  }
  if (length == 0 || iban.size() < length || (place < text.size() && is_word(text[place]))) return 0;
  return check_digits_hold(iban) ? place : 0;
}

}  // namespace

void find_ibans(std::string_view text, Findings& findings) {
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    if (!is_alpha(text[i]) || !is_alpha(text[i + 1]) || (i > 0 && is_alnum(text[i - 1]))) continue;
    const size_t end = iban_end(text, i);
    if (end == 0) continue;
    findings.push_back({i, end, PrivateKind::kIban});
    i = end - 1;
  }
}

}  // namespace understudy
