#include "base/money.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

namespace understudy {

namespace {

constexpr int64_t kNanoPerDollar = 1'000'000'000;

Error not_money(std::string_view text, std::string_view why) {
  return Error(ErrorCode::kInvalidInput, fmt::format("\"{}\" is not an amount of money: {}", text, why),
               "write 5.00 USD, with at most nine decimals");
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

[[noreturn]] void overflow() {
  throw Error(ErrorCode::kInvalidInput, "an amount of money is beyond 9.2 billion dollars",
              "check the prices and volumes");
}

}  // namespace

Money Money::parse(std::string_view written) {
  std::string_view text = trimmed(written);
  bool negative = false;
  if (!text.empty() && text.front() == '-') {
    negative = true;
    text.remove_prefix(1);
  }
  if (!text.empty() && text.front() == '$') text.remove_prefix(1);
  if (text.size() > 3 && text.substr(text.size() - 3) == "USD") text = trimmed(text.substr(0, text.size() - 3));
  int64_t nano = 0;
  int decimals = -1;
  if (text.find_first_of("0123456789") == std::string_view::npos) throw not_money(written, "no digits");
  for (const char c : text) {
    if (c == '.' && decimals < 0) {
      decimals = 0;
      continue;
    }
    if (c == '_' && decimals < 0) continue;
    if (c < '0' || c > '9') throw not_money(written, "expected digits and at most one point, in USD");
    if (decimals >= 0 && ++decimals > 9) throw not_money(written, "more than nine decimals");
    if (__builtin_mul_overflow(nano, 10, &nano) || __builtin_add_overflow(nano, c - '0', &nano)) overflow();
  }
  for (int i = decimals < 0 ? 0 : decimals; i < 9; ++i) {
    if (__builtin_mul_overflow(nano, 10, &nano)) overflow();
  }
  return Money(negative ? -nano : nano);
}

std::string Money::nine_decimals() const {
  const uint64_t size = nano_ < 0 ? 0 - static_cast<uint64_t>(nano_) : static_cast<uint64_t>(nano_);
  return fmt::format("{}{}.{:09}", nano_ < 0 ? "-" : "", size / kNanoPerDollar, size % kNanoPerDollar);
}

std::string Money::decimal() const {
  std::string text = nine_decimals();
  while (text.back() == '0' && text[text.size() - 3] != '.') text.pop_back();
  return text;
}

std::string Money::display() const {
  const double size = std::fabs(dollars());
  const bool whole = nano_ % kNanoPerDollar == 0;
  std::string digits = size != 0 && size < 0.01 ? fmt::format("{:.6f}", size)
                       : whole && size >= 1000  ? fmt::format("{:.0f}", size)
                                                : fmt::format("{:.2f}", size);
  const size_t point = digits.find('.');
  for (size_t i = point == std::string::npos ? digits.size() : point; i > 3; i -= 3) digits.insert(i - 3, ",");
  return fmt::format("{}${}", nano_ < 0 ? "-" : "", digits);
}

Money Money::operator+(Money other) const {
  int64_t sum = 0;
  if (__builtin_add_overflow(nano_, other.nano_, &sum)) overflow();
  return Money(sum);
}

Money Money::operator-(Money other) const {
  int64_t difference = 0;
  if (__builtin_sub_overflow(nano_, other.nano_, &difference)) overflow();
  return Money(difference);
}

Money Money::operator*(int64_t factor) const {
  int64_t product = 0;
  if (__builtin_mul_overflow(nano_, factor, &product)) overflow();
  return Money(product);
}

Money Money::scaled(double factor) const {
  const long double product = static_cast<long double>(nano_) * static_cast<long double>(factor);
  if (!(std::fabs(product) < 9.2e18L)) overflow();
  return Money(static_cast<int64_t>(std::llround(product)));
}

TokenPrice TokenPrice::per_million(Money price) {
  // nano-dollars per 10^6 tokens = pico-dollars per 10^3 tokens.
  if (price.nano() % 1000 != 0) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("a price of {} a million tokens is finer than a pico-dollar a token", price.decimal()));
  }
  return {price.nano() / 1000};
}

Money TokenPrice::of(int64_t tokens) const {
  const __int128 pico = static_cast<__int128>(pico_per_token) * tokens;
  const __int128 nano = pico >= 0 ? (pico + 500) / 1000 : (pico - 499) / 1000;
  if (nano > INT64_MAX || nano < INT64_MIN) overflow();
  return Money::nano_dollars(static_cast<int64_t>(nano));
}

void read_value(const ConfigNode& node, Money& value) {
  try {
    value = Money::parse(node.as_text());
  } catch (const Error& error) {
    throw node.error(error.message(), error.hint());
  }
}

void read_value(const ConfigNode& node, Share& value) {
  const std::string text = node.as_text();
  char* end = nullptr;
  double number = std::strtod(text.c_str(), &end);
  if (end != text.c_str() && *end == '%' && end[1] == '\0') {
    number /= 100;
    ++end;
  }
  if (end == text.c_str() || *end != '\0' || !(number >= 0 && number <= 1)) {
    throw node.error(fmt::format("expected a share such as 20% (0% to 100%), got \"{}\"", text));
  }
  value.value = number;
}

}  // namespace understudy
