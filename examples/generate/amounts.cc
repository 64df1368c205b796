#include "generate/amounts.h"

#include <fmt/format.h>

#include <cmath>

namespace understudy::examples {
namespace {

constexpr std::array<Currency, 16> kCurrencies = {{{"EUR", "€"},
                                                   {"USD", "$"},
                                                   {"GBP", "£"},
                                                   {"CHF", "Fr."},
                                                   {"MYR", "RM"},
                                                   {"BRL", "R$"},
                                                   {"SGD", "S$"},
                                                   {"AUD", "A$"},
                                                   {"CAD", "C$"},
                                                   {"SEK", "kr"},
                                                   {"PLN", "zł"},
                                                   {"CZK", "Kč"},
                                                   {"INR", "₹"},
                                                   {"TRY", "₺"},
                                                   {"MXN", "MX$"},
                                                   {"ZAR", "R"}}};

const Currency& currency_of(std::string_view code) {
  for (const Currency& currency : kCurrencies) {
    if (currency.code == code) return currency;
  }
  return kCurrencies[0];
}

std::string with_thousands(int64_t whole, std::string_view mark) {
  std::string number = std::to_string(whole);
  for (size_t i = number.size(); i > 3;) {
    i -= 3;
    number.insert(i, mark);
  }
  return number;
}

}  // namespace

std::string plain(int64_t cents) {
  return fmt::format("{}{}.{:02}", cents < 0 ? "-" : "", std::abs(cents) / 100, std::abs(cents) % 100);
}

std::string with_marks(int64_t cents, Marks marks) {
  const int64_t whole = std::abs(cents) / 100;
  const std::string decimals = fmt::format("{:02}", std::abs(cents) % 100);
  const std::string minus = cents < 0 ? "-" : "";
  switch (marks) {
    case Marks::kPlain:
      return plain(cents);
    case Marks::kEnglish:
      return minus + with_thousands(whole, ",") + "." + decimals;
    case Marks::kGerman:
      return minus + with_thousands(whole, ".") + "," + decimals;
    case Marks::kFrench:
      return minus + with_thousands(whole, " ") + "," + decimals;
    case Marks::kSwiss:
      return minus + with_thousands(whole, "'") + "." + decimals;
    case Marks::kPlainComma:
      return minus + std::to_string(whole) + "," + decimals;
    case Marks::kNarrow:
      return minus + with_thousands(whole, "\u202F") + "," + decimals;
  }
  return {};
}

Marks random_marks(Random& random, Tongue tongue) {
  if (random.chance(0.15)) return static_cast<Marks>(random.below(kTypedMarks));
  switch (tongue) {
    case Tongue::kEnglish:
    case Tongue::kMalay:
      return random.chance(0.6) ? Marks::kEnglish : Marks::kPlain;
    case Tongue::kFrench:
      return random.chance(0.6) ? Marks::kFrench : Marks::kPlainComma;
    case Tongue::kGerman:
      return random.chance(0.1) ? Marks::kSwiss : random.chance(0.8) ? Marks::kGerman : Marks::kPlainComma;
    default:
      return random.chance(0.7) ? Marks::kGerman : Marks::kPlainComma;
  }
}

const Currency& random_currency(Random& random) {
  return random.pick(kCurrencies);
}

const Currency& random_currency(Random& random, Tongue tongue) {
  constexpr PerTongue<std::string_view> kUsual = {"GBP|USD|AUD|CAD|INR", "EUR|EUR|CHF", "EUR|EUR|CHF", "EUR|MXN",
                                                  "EUR|EUR|CHF",         "EUR",         "EUR|BRL",     "MYR|MYR|SGD"};
  if (random.chance(0.3)) return random_currency(random);
  return currency_of(pick_part(random, kUsual[static_cast<size_t>(tongue)]));
}

SignPlace random_sign_place(Random& random) {
  return static_cast<SignPlace>(random.between(1, 5));
}

std::string written(int64_t cents, const AmountStyle& style) {
  std::string number = with_marks(cents, style.marks);
  if (style.currency == nullptr) return number;
  const std::string sign(style.currency->sign);
  const std::string code(style.currency->code);
  switch (style.place) {
    case SignPlace::kNone:
      return number;
    case SignPlace::kSignBefore:
      return sign + " " + number;
    case SignPlace::kSignAfter:
      return number + " " + sign;
    case SignPlace::kCodeBefore:
      return code + " " + number;
    case SignPlace::kCodeAfter:
      return number + " " + code;
    case SignPlace::kSignTouching:
      return sign + number;
  }
  return number;
}

int64_t random_cents(Random& random, int64_t most, int64_t least) {
  const double low = std::log(static_cast<double>(least));
  return static_cast<int64_t>(std::exp(low + random.uniform() * (std::log(static_cast<double>(most)) - low)));
}

}  // namespace understudy::examples
