// Money in whole nano-dollars: adds and compares exactly. Prices per token are whole pico-dollars ($0.0375 a million
// tokens is 37,500), because rounding short calls to micro-dollars was off by up to 22%. Immutable values.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/config_node.h"

namespace understudy {

class Money {
 public:
  constexpr Money() = default;
  static constexpr Money nano_dollars(int64_t amount) { return Money(amount); }
  // "5.00 USD", "5", "$5.00": up to nine decimals. Throws kInvalidInput; other currencies are refused.
  static Money parse(std::string_view text);

  constexpr int64_t nano() const { return nano_; }
  double dollars() const { return static_cast<double>(nano_) * 1e-9; }  // for charts and ratios, never for sums

  // Decimal text in USD without sign or code: at least two decimals, no more than are needed: "547.50", "0.000375".
  std::string decimal() const;
  // The same with nine decimals always, "547.500000000": for what other programs add up.
  std::string nine_decimals() const;
  // For eyes: "$547.50", "$146,000", "-$3.20"; six decimals below a cent.
  std::string display() const;

  // Exact sums; overflow is an Error of kInvalidInput (9.2 billion dollars).
  Money operator+(Money other) const;
  Money operator-(Money other) const;
  Money& operator+=(Money other) { return *this = *this + other; }
  Money operator*(int64_t factor) const;
  // Rounded half away from zero: for shares and yearly figures of a calculation, not for a ledger.
  Money scaled(double factor) const;
  constexpr auto operator<=>(const Money&) const = default;

 private:
  constexpr explicit Money(int64_t nano) : nano_(nano) {}
  int64_t nano_ = 0;
};

// A price of one token in pico-dollars.
struct TokenPrice {
  int64_t pico_per_token = 0;
  static TokenPrice per_million(Money price);
  // Rounds half up to whole nano-dollars.
  Money of(int64_t tokens) const;
  auto operator<=>(const TokenPrice&) const = default;
};

void read_value(const ConfigNode& node, Money& value);

// A share between 0 and 1, written "20%" or 0.2.
struct Share {
  double value = 0;
};
void read_value(const ConfigNode& node, Share& value);

}  // namespace understudy
