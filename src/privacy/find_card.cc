// Payment cards: written in one run or in the groups that stand on the card, a scheme's range and length, Luhn's check
// digit (ISO/IEC 7812). One number of ten has the right check digit by chance: words before it decide about order
// numbers.
#include <algorithm>
#include <array>

#include "privacy/finders.h"

namespace understudy {

namespace {

constexpr std::string_view kFor[] = {"card",  "visa",   "master", "amex", "american", "credit", "kredit",  "debit",
                                     "carte", "tarjet", "karte",  "cc",   "pan",      "paid",   "payment", "charge",
                                     "cvv",   "cvc",    "expir",  "exp",  "discover", "diners", "jcb",     "maestro"};
constexpr std::string_view kAgainst[] = {
    "iban",   "account",   "konto",   "order",   "invoice",  "track",   "parcel",   "shipment",
    "ref",    "reference", "ticket",  "bestell", "auftrag",  "sendung", "rechnung", "transact",
    "serial", "imei",      "isbn",    "sku",     "id",       "article", "case",     "batch",
    "uuid",   "timestamp", "barcode", "ean",     "commande", "pedido",  "job"};

struct Range {
  int low;  // of the first six digits
  int high;
  size_t shortest;
  size_t longest;
};
constexpr Range kRanges[] = {
    {400000, 499999, 13, 19},                                                      // Visa: 13, 16 or 19
    {510000, 559999, 16, 16}, {222100, 272099, 16, 16},                            // Mastercard
    {340000, 349999, 15, 15}, {370000, 379999, 15, 15},                            // American Express
    {601100, 601199, 16, 19}, {644000, 659999, 16, 19},                            // Discover
    {300000, 305999, 14, 19}, {360000, 369999, 14, 19}, {380000, 399999, 14, 19},  // Diners Club
    {352800, 358999, 16, 19},                                                      // JCB
    {620000, 629999, 16, 19},                                                      // UnionPay
    {500000, 509999, 12, 19}, {560000, 589999, 12, 19}, {670000, 679999, 12, 19},  // Maestro
};

bool is_of_a_scheme(std::string_view digits) {
  int first = 0;
  for (size_t i = 0; i < 6; ++i) first = first * 10 + (digits[i] - '0');
  if (digits[0] == '4') return digits.size() == 13 || digits.size() == 16 || digits.size() == 19;
  return std::any_of(std::begin(kRanges), std::end(kRanges), [&](const Range& range) {
    return first >= range.low && first <= range.high && digits.size() >= range.shortest &&
           digits.size() <= range.longest;
  });
}

bool check_digit_holds(std::string_view digits) {
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    const int digit = digits[digits.size() - 1 - i] - '0';
    sum += i % 2 == 0 ? digit : digit * 2 - (digit > 4 ? 9 : 0);
  }
  return sum % 10 == 0;
}

size_t run_of_digits(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && is_digit(text[end]) && end - begin <= 20) ++end;
  return end - begin;
}

// Groups with the same one separator between them; where they end, or 0.
size_t groups_end(std::string_view text, size_t begin, std::span<const size_t> groups) {
  size_t place = begin;
  char separator = 0;
  for (size_t i = 0; i < groups.size(); ++i) {
    if (i > 0) {
      if (place >= text.size() || (text[place] != ' ' && text[place] != '-')) return 0;
      if (separator != 0 && text[place] != separator) return 0;
      separator = text[place++];
    }
    if (run_of_digits(text, place) != groups[i]) return 0;
    place += groups[i];
  }
  return place;
}

constexpr std::array<size_t, 5> kNineteen = {4, 4, 4, 4, 3};
constexpr std::array<size_t, 4> kSixteen = {4, 4, 4, 4};
constexpr std::array<size_t, 3> kFifteen = {4, 6, 5};
constexpr std::array<size_t, 3> kFourteen = {4, 6, 4};

size_t number_end(std::string_view text, size_t begin) {
  const size_t run = run_of_digits(text, begin);
  if (run >= 12 && run <= 19) return begin + run;
  if (run != 4) return 0;
  for (const std::span<const size_t> groups : {std::span<const size_t>(kNineteen), std::span<const size_t>(kSixteen),
                                               std::span<const size_t>(kFifteen), std::span<const size_t>(kFourteen)}) {
    if (const size_t end = groups_end(text, begin, groups)) return end;
  }
  return 0;
}

// Part of a longer number, a fraction or a name.
bool is_cut_out(std::string_view text, size_t begin, size_t end) {
  if (begin > 0 && (is_word(text[begin - 1]) || text[begin - 1] == '-')) return true;
  if (begin > 1 && (text[begin - 1] == '.' || text[begin - 1] == ',') && is_digit(text[begin - 2])) return true;
  if (end < text.size() && is_word(text[end])) return true;
  return end + 1 < text.size() && (text[end] == '.' || text[end] == '-') && is_digit(text[end + 1]);
}

// Where the next number of enough digits can begin, from the number or the mark at `begin` on; the text's end where
// there is none. Looked at from behind: no number reaches over a letter.
size_t next_long_number(std::string_view text, size_t begin) {
  constexpr size_t kShortest = 12;
  while (text.size() - begin >= kShortest) {
    size_t after_mark = begin + kShortest;
    while (after_mark > begin &&
           (is_digit(text[after_mark - 1]) || text[after_mark - 1] == ' ' || text[after_mark - 1] == '-'))
      --after_mark;
    if (after_mark == begin) return begin;
    begin = after_mark;
  }
  return text.size();
}

}  // namespace

void find_cards(std::string_view text, std::string_view label, Findings& findings) {
  for (size_t i = 0; i < text.size();) {
    if (!is_digit(text[i])) {
      i = next_long_number(text, i);
      while (i < text.size() && !is_digit(text[i])) ++i;
      continue;
    }
    const size_t end = number_end(text, i);
    if (end != 0 && !is_cut_out(text, i, end)) {
      const std::string digits = digits_of(text.substr(i, end - i));
      if (is_of_a_scheme(digits) && check_digit_holds(digits) &&
          hint_at(text, i, end, label, {kFor, kAgainst}) != Hint::kAgainst) {
        findings.push_back({i, end, PrivateKind::kCard});
        i = end;
        continue;
      }
    }
    while (i < text.size() && is_digit(text[i])) ++i;
  }
}

}  // namespace understudy
