// Calendar dates as people write them: 25/12/2018, 2018-12-25, 25. Dezember 18, OCT 3, 2016, 20181225, 2018年12月25日.
// Pure functions; no time zones, a time of day beside the date is passed over.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace understudy::evaluation {

struct Date {
  int year = 0;
  int month = 0;  // 1 to 12
  int day = 0;
  bool operator==(const Date&) const = default;
  std::string text() const;  // "2018-12-25"
};

enum class DateOrder { kDayMonthYear, kMonthDayYear, kYearMonthDay };
std::optional<DateOrder> date_order_from(std::string_view word);  // "dmy", "mdy", "ymd"

struct DateFormat {
  // The orders that the task allows for figures alone; the first that gives a real date decides what a value means.
  // Empty: all three, day first. A year of four figures in front and a month by name are read whatever stands here.
  std::vector<DateOrder> orders;
  int pivot = 69;  // two-figure years from here on are of the last century (POSIX)
  bool operator==(const DateFormat&) const = default;
};

// The whole text as one date, with at most a weekday and a time of day beside it. Nothing where it is none.
std::optional<Date> parse_date(std::string_view text, const DateFormat& format);

struct FoundDate {
  Date date;
  size_t begin = 0;  // in the text's characters
  size_t end = 0;
};

// Every date in a text that was normalised with case folding, in any shape and any allowed order: "03/04/18" gives one
// for each order that makes it a real date, in the order of `format.orders`.
std::vector<FoundDate> find_dates(std::u32string_view text, const DateFormat& format);

}  // namespace understudy::evaluation
