// The tongues that generated papers are written in, and pieces of text shared by every generator: lists written as
// "a|b|c", letters made upper case. Pure functions, thread-safe.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace understudy::examples {

enum class Tongue { kEnglish, kGerman, kFrench, kSpanish, kItalian, kDutch, kPortuguese, kMalay };
inline constexpr int kTongues = 8;
// One entry a tongue, in the order of the enumeration.
template <class T>
using PerTongue = std::array<T, kTongues>;

Tongue random_tongue(Random& random);

// "a|b|c" as its parts.
std::vector<std::string_view> parts_of(std::string_view list);
// One part of "a|b|c", each as likely as the others.
std::string pick_part(Random& random, std::string_view list);

// Upper case for ASCII letters and for the accented Latin letters of U+00E0 to U+00FE.
std::string upper(std::string_view text);
// The first ASCII letter in upper case.
std::string capital(std::string text);
// Parts joined by a separator.
std::string join(const std::vector<std::string>& parts, std::string_view separator);
// n decimal digits, the first of them not 0.
std::string digits(Random& random, int n);
// A number from low to high, both included, as text.
std::string number_between(Random& random, int low, int high);

}  // namespace understudy::examples
