// Phone numbers: with their country (+49 ..., 0049 ...), in North American form, or, where a word says so, any national
// writing. At most 15 digits (ITU-T E.164).
#include <algorithm>

#include "privacy/finders.h"

namespace understudy {

namespace {

constexpr std::string_view kFor[] = {"phone",    "tel",     "téléphone", "tél",      "call",  "mobil", "mob",
                                     "cell",     "fax",     "handy",     "whatsapp", "sms",   "ring",  "dial",
                                     "reach",    "contact", "rufnummer", "anruf",    "móvil", "cel",   "hotline",
                                     "landline", "ph",      "voicemail", "telef"};
constexpr std::string_view kAgainst[] = {
    "iban",    "order",   "invoice", "track",    "parcel",   "shipment", "ref",   "reference", "ticket",
    "bestell", "auftrag", "sendung", "rechnung", "transact", "serial",   "imei",  "isbn",      "sku",
    "id",      "article", "case",    "batch",    "version",  "account",  "konto", "date",      "amount",
    "total",   "price",   "zip",     "ip",       "isin",     "vat",      "tax",   "qty",       "model",
    "room",    "code",    "balance", "size",     "part",     "issue",    "build"};
constexpr size_t kFewest = 7;
constexpr size_t kMost = 15;

struct Candidate {
  size_t begin = 0;
  size_t end = 0;
  size_t digits = 0;
  bool has_gaps = false;
};

bool is_gap(char c) {
  return c == ' ' || c == '-' || c == '.' || c == '/' || c == '(' || c == ')';
}

// From a '+', a '(' or a digit on: digits with at most two marks between them, to the last digit.
Candidate candidate_at(std::string_view text, size_t begin) {
  Candidate found{begin, begin, 0, false};
  size_t gap = text[begin] == '(' ? 1 : 0;
  size_t place = begin + (is_digit(text[begin]) ? 0 : 1);
  for (; place < text.size() && gap <= 2 && found.digits <= kMost; ++place) {
    if (is_digit(text[place])) {
      if (gap > 0 && found.digits > 0) found.has_gaps = true;
      gap = 0;
      ++found.digits;
      found.end = place + 1;
    } else if (is_gap(text[place])) {
      ++gap;
    } else {
      break;
    }
  }
  return found;
}

// (212) 555-0123, 212-555-0123, 212.555.0123, 212 555 0123, all with or without 1 before: the length, or 0. Area code
// and exchange begin with 2 to 9.
size_t north_american_length(std::string_view text) {
  size_t place = 0;
  const auto take_digits = [&](size_t n) {
    for (size_t i = 0; i < n; ++i, ++place) {
      if (place >= text.size() || !is_digit(text[place])) return false;
    }
    return place >= text.size() || !is_digit(text[place]);
  };
  const auto take_gap = [&] {
    if (place >= text.size() || (text[place] != '-' && text[place] != '.' && text[place] != ' ')) return false;
    ++place;
    return true;
  };
  if (text.starts_with("1-") || text.starts_with("1 ") || text.starts_with("1.")) place = 2;
  const bool in_brackets = place < text.size() && text[place] == '(';
  if (in_brackets) ++place;
  if (place >= text.size() || text[place] < '2' || !take_digits(3)) return 0;
  if (in_brackets) {
    if (place >= text.size() || text[place] != ')') return 0;
    ++place;
    if (place < text.size() && text[place] == ' ') ++place;
  } else if (!take_gap()) {
    return 0;
  }
  if (place >= text.size() || text[place] < '2' || !take_digits(3) || !take_gap() || !take_digits(4)) return 0;
  return place;
}

// The sizes of the groups of digits: "192.168.0.1" has {3, 3, 1, 1}.
std::vector<size_t> groups_of(std::string_view text) {
  std::vector<size_t> groups;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!is_digit(text[i])) continue;
    if (i == 0 || !is_digit(text[i - 1])) groups.push_back(0);
    ++groups.back();
  }
  return groups;
}

// Dates, addresses of the internet and decimals are written with the same marks.
bool is_something_else(std::string_view text) {
  const std::vector<size_t> groups = groups_of(text);
  const bool dotted = text.find_first_of(" -/()") == std::string_view::npos;
  if (dotted && groups.size() == 2) return true;
  if (dotted && groups.size() == 4 && std::all_of(groups.begin(), groups.end(), [](size_t n) { return n <= 3; }))
    return true;
  if (groups.size() < 3) return false;
  const bool year_first = groups[0] == 4 && groups[1] <= 2 && groups[2] <= 2;
  const bool year_last = groups[0] <= 2 && groups[1] <= 2 && groups[2] == 4 && groups.size() == 3;
  const char mark = text[groups[0]];
  return (year_first || (year_last && text.front() != '0') || (year_last && mark != ' ')) && mark != '(';
}

bool stands_alone(std::string_view text, size_t begin, size_t end) {
  const auto joins = [](char c) { return is_word(c) || c == '#' || c == '=' || c == '@' || c == '$'; };
  if (begin > 0 && (joins(text[begin - 1]) || (text[begin - 1] == '-' && text[begin] != '+'))) {
    return text[begin - 1] == '=' && text[begin] == '+';
  }
  if (begin > 1 && is_gap(text[begin - 1]) && text[begin - 1] != ' ' && is_digit(text[begin - 2])) return false;
  return end >= text.size() || !(is_word(text[end]) || text[end] == '%');
}

bool is_phone(std::string_view text, const Candidate& found, std::string_view label) {
  const std::string_view number = text.substr(found.begin, found.end - found.begin);
  if (found.digits < kFewest || found.digits > kMost || !stands_alone(text, found.begin, found.end)) return false;
  const Hint hint = hint_at(text, found.begin, found.end, label, {kFor, kAgainst});
  const bool international = number.front() == '+' && number.size() > 1 && number[1] != '0' && number[1] != ' ';
  if (international)
    return found.digits >= 9 || (hint == Hint::kFor && found.digits >= 8) || (found.has_gaps && found.digits >= 8);
  if (hint == Hint::kAgainst || is_something_else(number)) return false;
  if (hint == Hint::kFor) return true;
  return number.starts_with("00") && number.size() > 2 && number[2] != '0' && found.has_gaps && found.digits >= 11;
}

}  // namespace

void find_phones(std::string_view text, std::string_view label, Findings& findings) {
  for (size_t i = 0; i < text.size();) {
    const bool can_begin = is_digit(text[i]) || (i + 1 < text.size() && (text[i] == '+' || text[i] == '(') &&
                                                 (is_digit(text[i + 1]) || text[i + 1] == '('));
    if (!can_begin) {
      ++i;
      continue;
    }
    const size_t length = north_american_length(text.substr(i, 20));
    if (length != 0 && stands_alone(text, i, i + length) &&
        hint_at(text, i, i + length, label, {kFor, kAgainst}) != Hint::kAgainst) {
      findings.push_back({i, i + length, PrivateKind::kPhone});
      i += length;
      continue;
    }
    const Candidate found = candidate_at(text, i);
    if (is_phone(text, found, label)) findings.push_back({i, found.end, PrivateKind::kPhone});
    i = std::max(found.end, i + 1);
    while (i < text.size() && is_digit(text[i]) && is_digit(text[i - 1])) ++i;  // the rest of a number that is too long
  }
}

}  // namespace understudy
