// Amounts of money and numbers as people write them, read exactly: "RM 1,234.50", "(12.00)", "1.234,5-", "€ 12". Values
// are decimal, never floating point, so that 0.10 equals 0.1 and nothing else. Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace understudy::evaluation {

// An exact decimal in normal form: no leading zeros, no zeros at the end of the fraction, zero is not negative. Two
// amounts are equal in minor units, whatever the currency's are, exactly when their normal forms are.
struct Decimal {
  bool negative = false;
  std::string digits;  // of the whole and the fraction; empty for zero
  int scale = 0;       // how many of them are the fraction
  bool operator==(const Decimal&) const = default;

  double value() const;
  std::string text() const;  // "-1234.5"
};

struct NumberFormat {
  char decimal = 0;  // '.' or ','; 0: guessed
  bool operator==(const NumberFormat&) const = default;
};

// The whole text as an amount: currency signs and codes and white space are stripped, ( ) and a minus before or after
// make it negative. Thousands stand in groups of three (or two and at last three, as in India), between them the mark
// that is not the decimal one, an apostrophe or a space. Guessing: of two kinds of marks the last is the decimal one;
// one mark with exactly three digits behind it and one to three before it, no zero, separates thousands. Nothing where
// it is no amount.
std::optional<Decimal> parse_amount(std::string_view text, NumberFormat format);

// The same without a currency, and with exponents ("1.5e3").
std::optional<Decimal> parse_number(std::string_view text, NumberFormat format);

// A number that stands in a text: [begin, end) in its characters.
struct FoundNumber {
  Decimal value;                 // not negative
  bool may_be_negative = false;  // a minus or a parenthesis stands by it: either reading is there
  size_t begin = 0;
  size_t end = 0;
};

// All numbers of a text that was normalised with case folding (map_nfkc), with every reading that the format allows:
// without a decimal mark "1.234" is both. Groups parted by spaces count as one number and as several.
std::vector<FoundNumber> find_numbers(std::u32string_view text, NumberFormat format);

}  // namespace understudy::evaluation
