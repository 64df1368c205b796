#include "evaluation/amount.h"

#include <gtest/gtest.h>

#include "base/unicode.h"

namespace understudy::evaluation {
namespace {

std::string amount(std::string_view text, char decimal = 0) {
  const std::optional<Decimal> value = parse_amount(text, {decimal});
  return value ? value->text() : "none";
}

std::vector<std::string> found(std::string_view text, char decimal = 0) {
  std::vector<std::string> values;
  for (const FoundNumber& number : find_numbers(map_nfkc(text, CaseFold::kYes).characters, {decimal})) {
    values.push_back(number.value.text());
  }
  return values;
}

TEST(Amount, ReadsCurrenciesMarksAndSigns) {
  EXPECT_EQ(amount("RM 1,234.50", '.'), "1234.5");
  EXPECT_EQ(amount("$8.20", '.'), "8.2");
  EXPECT_EQ(amount("1.234,50 €", ','), "1234.5");
  EXPECT_EQ(amount("CHF 1'234.50", '.'), "1234.5");
  EXPECT_EQ(amount("1 234,50", ','), "1234.5");
  EXPECT_EQ(amount("(12.00)", '.'), "-12");
  EXPECT_EQ(amount("12.00-", '.'), "-12");
  EXPECT_EQ(amount("-RM 0.02", '.'), "-0.02");
  EXPECT_EQ(amount("\u2212 5,00", ','), "-5");
  EXPECT_EQ(amount("12,-", ','), "12");
  EXPECT_EQ(amount("Rs. 1,00,000/-", '.'), "100000");
  EXPECT_EQ(amount(".50", '.'), "0.5");
  EXPECT_EQ(amount("１２．５０", '.'), "12.5");
  EXPECT_EQ(amount("٣٥.٢٠", '.'), "35.2");
}

TEST(Amount, EqualMinorUnitsHaveOneForm) {
  EXPECT_EQ(parse_amount("9.00", {'.'}), parse_amount("RM9", {'.'}));
  EXPECT_EQ(amount("-0.00", '.'), "0");
  EXPECT_NE(parse_amount("12.00", {'.'}), parse_amount("21.00", {'.'}));
}

TEST(Amount, GuessesTheDecimalMark) {
  EXPECT_EQ(amount("1,234.5"), "1234.5");
  EXPECT_EQ(amount("1.234,5"), "1234.5");
  EXPECT_EQ(amount("1.234"), "1234");
  EXPECT_EQ(amount("0.234"), "0.234");
  EXPECT_EQ(amount("12,50"), "12.5");
  EXPECT_EQ(amount("1.234.567"), "1234567");
}

TEST(Amount, RefusesWhatIsNone) {
  for (const char* text : {"", "twelve", "12.00 5.00", "12 apples", "1,23.4", "--5", "(5", "1.2.3", "12%"}) {
    EXPECT_EQ(amount(text, '.'), "none") << text;
  }
  EXPECT_EQ(amount(std::string(500, '9'), '.'), "none");
}

TEST(Amount, NumbersHaveExponentsAndNoCurrency) {
  EXPECT_EQ(parse_number("1.5e3", {'.'})->text(), "1500");
  EXPECT_EQ(parse_number("25e-3", {'.'})->text(), "0.025");
  EXPECT_FALSE(parse_number("$5", {'.'}));
}

TEST(Amount, FindsEveryReading) {
  EXPECT_EQ(found("NO.53 55,57 & 9.00", '.'), (std::vector<std::string>{"53", "55", "57", "9"}));
  EXPECT_EQ(found("total 1.234"), (std::vector<std::string>{"1.234", "1234"}));
  EXPECT_EQ(found("1 234 567,80 kr", ','),
            (std::vector<std::string>{"1", "1234", "1234567.8", "234", "234567.8", "567.8"}));
  EXPECT_EQ(found("25.12.2018", '.'), (std::vector<std::string>{"25", "12", "2018"}));
}

TEST(Amount, SeesSignsBesideFoundNumbers) {
  const auto negative = [](std::string_view text) {
    return find_numbers(map_nfkc(text, CaseFold::kYes).characters, {'.'}).at(0).may_be_negative;
  };
  EXPECT_TRUE(negative("-RM 0.02"));
  EXPECT_TRUE(negative("12.00-"));
  EXPECT_TRUE(negative("(12.00)"));
  EXPECT_FALSE(negative("RM 0.02"));
}

}  // namespace
}  // namespace understudy::evaluation
