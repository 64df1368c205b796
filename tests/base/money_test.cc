#include "base/money.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;

TEST(Money, ReadsAmounts) {
  EXPECT_EQ(Money::parse("5.00 USD").nano(), 5'000'000'000);
  EXPECT_EQ(Money::parse("$0.10").nano(), 100'000'000);
  EXPECT_EQ(Money::parse("-$3").nano(), -3'000'000'000);
  EXPECT_EQ(Money::parse(" 7_100 ").nano(), 7'100'000'000'000);
  EXPECT_EQ(Money::parse("0.000000001").nano(), 1);
  EXPECT_EQ(Money::parse(".5").nano(), 500'000'000);
}

TEST(Money, RefusesWhatIsNoAmountInDollars) {
  for (const char* text :
       {"", "-", "$", ".", "_", "USD", "5 EUR", "€5", "1.2.3", "5,00", "1e3", "0.0000000001", "five", "- 5", "5.0_0"}) {
    EXPECT_THROW(Money::parse(text), Error) << text;
  }
  EXPECT_THROW(Money::parse("9300000000"), Error) << "beyond 64 bits";
}

TEST(Money, PrintsNineDecimalsWhereTheyAreAskedFor) {
  EXPECT_EQ(Money::parse("547.5").nine_decimals(), "547.500000000");
  EXPECT_EQ(Money::parse("-0.000000001").nine_decimals(), "-0.000000001");
  EXPECT_EQ(Money().nine_decimals(), "0.000000000");
}

TEST(Money, PrintsWhatItReads) {
  for (const char* text : {"547.50", "0.000375", "146000.00", "0.00", "-3.20", "0.000000001"})
    EXPECT_EQ(Money::parse(text).decimal(), text);
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const Money money = Money::nano_dollars(static_cast<int64_t>(random.next()));
    EXPECT_EQ(Money::parse(money.decimal()), money) << money.nano();
    EXPECT_EQ(Money::parse(money.nine_decimals()), money) << money.nano();
  }
}

TEST(Money, ShowsItselfToEyes) {
  EXPECT_EQ(Money::parse("146000").display(), "$146,000");
  EXPECT_EQ(Money::parse("547.5").display(), "$547.50");
  EXPECT_EQ(Money::parse("-3.2").display(), "-$3.20");
  EXPECT_EQ(Money::parse("0.00015").display(), "$0.000150");
  EXPECT_EQ(Money::parse("145452.5").display(), "$145,452.50");
  EXPECT_EQ(Money().display(), "$0.00");
}

TEST(Money, SumsAreExactAndOverflowIsAnError) {
  Money sum;
  for (int i = 0; i < 10; ++i) sum += Money::parse("0.1");
  EXPECT_EQ(sum, Money::parse("1"));
  EXPECT_EQ(Money::parse("1.50") * 365, Money::parse("547.50"));
  const Money most = Money::nano_dollars(INT64_MAX);
  EXPECT_THROW(most + Money::nano_dollars(1), Error);
  EXPECT_THROW(Money::nano_dollars(INT64_MIN) - Money::nano_dollars(1), Error);
  EXPECT_THROW(most * 2, Error);
  EXPECT_THROW(most.scaled(2), Error);
  EXPECT_EQ(Money::nano_dollars(3).scaled(0.5), Money::nano_dollars(2)) << "half away from zero";
  EXPECT_EQ(Money::nano_dollars(-3).scaled(0.5), Money::nano_dollars(-2));
}

TEST(TokenPrice, RoundsHalfUpOnceACall) {
  const TokenPrice price = TokenPrice::per_million(Money::parse("0.0375"));
  EXPECT_EQ(price.pico_per_token, 37'500);
  EXPECT_EQ(price.of(1), Money::nano_dollars(38)) << "37.5";
  EXPECT_EQ(price.of(1'000'000), Money::parse("0.0375"));
  EXPECT_EQ(price.of(0), Money());
  EXPECT_EQ(TokenPrice{1}.of(-500), Money()) << "half up, below zero too";
  EXPECT_EQ(TokenPrice{1}.of(-501), Money::nano_dollars(-1));
  EXPECT_THROW(TokenPrice::per_million(Money::nano_dollars(1)), Error);
  EXPECT_THROW(TokenPrice{INT64_MAX}.of(INT64_MAX), Error);
}

double share(const std::string& text) {
  Share value;
  read_value(ConfigNode::parse("a: " + text, "c.yml")["a"], value);
  return value.value;
}

TEST(Share, ReadsPercentAndFraction) {
  EXPECT_DOUBLE_EQ(share("20%"), 0.2);
  EXPECT_DOUBLE_EQ(share("0.2"), 0.2);
  EXPECT_DOUBLE_EQ(share("100%"), 1);
  EXPECT_DOUBLE_EQ(share("99.5%"), 0.995);
  for (const char* text : {"101%", "-1%", "1.1", "x", "20%%", "nan", "[1]"}) EXPECT_THROW(share(text), Error) << text;
}

TEST(Money, AConfigsFaultNamesTheKey) {
  Money value;
  try {
    read_value(ConfigNode::parse("price: 5 EUR", "c.yml")["price"], value);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("c.yml:1: price: \"5 EUR\" is not an amount of money"));
  }
}

}  // namespace
}  // namespace understudy
