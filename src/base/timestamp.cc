#include "base/timestamp.h"

#include <fmt/format.h>

#include <chrono>

#include "base/error.h"

namespace understudy {

namespace {

constexpr int64_t kDayMs = 86'400'000;

// Takes `digits` digits from the front of `text`; nothing where they are not there.
std::optional<int> take_number(std::string_view& text, size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// Takes a number of two digits that is at most `most`, after one character of `before`.
std::optional<int> take_part(std::string_view& text, std::string_view before, int most) {
  if (!before.empty() && !take(text, before)) return std::nullopt;
  const std::optional<int> value = take_number(text, 2);
  return value && *value <= most ? value : std::nullopt;
}

std::optional<int64_t> take_day(std::string_view& text) {
  const auto year = take_number(text, 4);
  if (!year) return std::nullopt;
  const auto month = take_part(text, "-", 12);
  if (!month) return std::nullopt;
  const auto day = take_part(text, "-", 31);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * kDayMs;
}

// ".123456": whole milliseconds; 0 where there is no fraction.
std::optional<int> take_fraction(std::string_view& text) {
  if (!take(text, ".")) return 0;
  int ms = 0;
  size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; ++digits) {
    if (digits < 3) ms = ms * 10 + (text.front() - '0');
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 3; ++digits) ms *= 10;
  return ms;
}

std::optional<int64_t> take_offset(std::string_view& text) {
  if (take(text, "Zz")) return 0;
  const bool west = !text.empty() && text.front() == '-';
  const auto hours = take_part(text, "+-", 23);
  if (!hours) return std::nullopt;
  const auto minutes = take_part(text, ":", 59);
  if (!minutes) return std::nullopt;
  return (west ? -1 : 1) * (*hours * 60 + *minutes) * INT64_C(60'000);
}

}  // namespace

int64_t now_ms() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

std::string format_utc(int64_t ms) {
  const int64_t days = ms >= 0 ? ms / kDayMs : (ms + 1) / kDayMs - 1;
  constexpr int64_t kFirstDay = -719'528;  // 0000-01-01
  constexpr int64_t kLastDay = 2'932'896;  // 9999-12-31
  if (days < kFirstDay || days > kLastDay) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{} ms since 1970: expected an instant of the years 0 to 9999", ms));
  }
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  const auto in_day = static_cast<int>(ms - days * kDayMs);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), in_day / 3'600'000,
                     in_day / 60'000 % 60, in_day / 1000 % 60, in_day % 1000);
}

std::optional<int64_t> parse_utc(std::string_view text) {
  const auto day = take_day(text);
  if (!day || text.empty()) return day;
  const auto hours = take_part(text, "Tt ", 23);
  if (!hours) return std::nullopt;
  const auto minutes = take_part(text, ":", 59);
  if (!minutes) return std::nullopt;
  const auto seconds = take_part(text, ":", 60);
  if (!seconds) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  return *day + (*hours * INT64_C(60) + *minutes) * 60'000 + *seconds * 1000 + *fraction - *offset;
}

}  // namespace understudy
