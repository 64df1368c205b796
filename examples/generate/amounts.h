// Sums of money and the ways in which papers write them: marks of thousands and decimals, signs and codes of
// currencies. Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "generate/tongues.h"

namespace understudy::examples {

enum class Marks {
  kPlain,
  kEnglish,
  kGerman,
  kFrench,
  kSwiss,
  kPlainComma,
  kNarrow
};  // 1234.50 1,234.50 1.234,50 1 234,50 1'234.50 1234,50, and 1 234,50 with a narrow no-break space (U+202F)
inline constexpr int kMarks = 7;
inline constexpr int kTypedMarks = 6;  // those of a typewriter: all but the last

std::string plain(int64_t cents);  // "1234.50", "-0.02"
std::string with_marks(int64_t cents, Marks marks);
Marks random_marks(Random& random, Tongue tongue);  // of a typewriter, mostly one that suits the tongue

struct Currency {
  std::string_view code;  // ISO 4217
  std::string_view sign;  // no two currencies share one
};
const Currency& random_currency(Random& random);
const Currency& random_currency(Random& random, Tongue tongue);  // mostly that of a country where the tongue is spoken

enum class SignPlace { kNone, kSignBefore, kSignAfter, kCodeBefore, kCodeAfter, kSignTouching };
SignPlace random_sign_place(Random& random);  // never kNone

struct AmountStyle {
  Marks marks = Marks::kPlain;
  SignPlace place = SignPlace::kNone;
  const Currency* currency = nullptr;  // may be null with kNone
};
std::string written(int64_t cents, const AmountStyle& style);

// Cents from `least` to about `most`: as many from 10 to 100 as from 1,000 to 10,000.
int64_t random_cents(Random& random, int64_t most = 9'999'99, int64_t least = 50);

}  // namespace understudy::examples
