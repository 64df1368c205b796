#include "generate/dates.h"

#include <fmt/format.h>

#include "base/error.h"

namespace understudy::examples {
namespace {

constexpr PerTongue<std::string_view> kMonths = {
    "January|February|March|April|May|June|July|August|September|October|November|December",
    "Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember",
    "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre",
    "enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre",
    "gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|settembre|ottobre|novembre|dicembre",
    "januari|februari|maart|april|mei|juni|juli|augustus|september|oktober|november|december",
    "janeiro|fevereiro|março|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro",
    "January|February|March|April|May|June|July|August|September|October|November|December",
};
constexpr PerTongue<std::string_view> kShortMonths = {
    "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec",        "Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez",
    "janv|févr|mars|avr|mai|juin|juil|août|sept|oct|nov|déc", "ene|feb|mar|abr|may|jun|jul|ago|sep|oct|nov|dic",
    "gen|feb|mar|apr|mag|giu|lug|ago|set|ott|nov|dic",        "jan|feb|mrt|apr|mei|jun|jul|aug|sep|okt|nov|dec",
    "jan|fev|mar|abr|mai|jun|jul|ago|set|out|nov|dez",        "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC",
};

std::string month_of(const PerTongue<std::string_view>& names, int month, Tongue tongue) {
  return std::string(parts_of(names[static_cast<size_t>(tongue)])[static_cast<size_t>(month - 1)]);
}

// The everyday long form: "5. März 2024", "5 de marzo de 2024", "5 March 2024".
std::string long_form(const Day& d, Tongue tongue) {
  const std::string month = month_of(kMonths, d.month, tongue);
  switch (tongue) {
    case Tongue::kGerman:
      return fmt::format("{}. {} {}", d.day, month, d.year);
    case Tongue::kSpanish:
    case Tongue::kPortuguese:
      return fmt::format("{} de {} de {}", d.day, month, d.year);
    default:
      return fmt::format("{} {} {}", d.day, month, d.year);
  }
}

}  // namespace

int days_in_month(int year, int month) {
  if (month == 2) return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

Day random_day(Random& random) {
  Day day;
  day.year = static_cast<int>(random.between(2010, 2027));
  day.month = static_cast<int>(random.between(1, 12));
  day.day = static_cast<int>(random.between(1, days_in_month(day.year, day.month)));
  return day;
}

Day early_day(Random& random) {
  Day day = random_day(random);
  day.day = static_cast<int>(random.between(1, 9));
  return day;
}

Day later(Random& random, const Day& start) {
  Day day = start;
  day.day += static_cast<int>(random.between(7, 60));
  while (day.day > days_in_month(day.year, day.month)) {
    day.day -= days_in_month(day.year, day.month);
    if (++day.month > 12) {
      day.month = 1;
      ++day.year;
    }
  }
  return day;
}

std::string iso(const Day& d) {
  return fmt::format("{:04}-{:02}-{:02}", d.year, d.month, d.day);
}

std::string written(const Day& d, int notation, Tongue tongue) {
  const int yy = d.year % 100;
  const std::string name = month_of(kMonths, d.month, tongue);
  const std::string brief = month_of(kShortMonths, d.month, tongue);
  switch (notation) {
    case 0:
      return iso(d);
    case 1:
      return fmt::format("{:02}/{:02}/{}", d.day, d.month, d.year);
    case 2:
      return fmt::format("{:02}.{:02}.{}", d.day, d.month, d.year);
    case 3:
      return fmt::format("{:02}-{:02}-{}", d.day, d.month, d.year);
    case 4:
      return fmt::format("{:02}/{:02}/{:02}", d.day, d.month, yy);
    case 5:
      return fmt::format("{:02}.{:02}.{:02}", d.day, d.month, yy);
    case 6:
      return fmt::format("{:02}-{:02}-{:02}", d.day, d.month, yy);
    case 7:
      return fmt::format("{}/{:02}/{:02}", d.year, d.month, d.day);
    case 8:
      return fmt::format("{}/{}/{}", d.day, d.month, d.year);
    case 9:
      return fmt::format("{}.{}.{}", d.day, d.month, d.year);
    case 10:
      return long_form(d, tongue);
    case 11:
      return fmt::format("{} {}, {}", name, d.day, d.year);
    case 12:
      return fmt::format("{:02} {} {}", d.day, brief, d.year);
    case 13:
      return fmt::format("{:02}-{}-{}", d.day, brief, d.year);
    case 14:
      return fmt::format("{} {}, {}", brief, d.day, d.year);
    case 15:
      return upper(fmt::format("{:02} {} {}", d.day, brief, d.year));
    case 16:
      return upper(fmt::format("{:02}{}{:02}", d.day, brief, yy));
    case 17:
      return upper(fmt::format("{:02}-{}-{:02}", d.day, brief, yy));
    case 18:
      return upper(fmt::format("{} {}, {}", brief, d.day, d.year));
    case 19:
      return fmt::format("{}. {} {}", d.day, name, d.year);
    case 20:
      return fmt::format("{}{:02}{:02}", d.year, d.month, d.day);
    case 21:
      return fmt::format("{} {} {:02}", d.day, brief, yy);
    default:
      CHECK(false, "a notation of a date is 0 to 21");
  }
  return {};
}

int random_date_notation(Random& random, Tongue tongue) {
  if (random.chance(0.25)) return static_cast<int>(random.below(kDateNotations));
  switch (tongue) {
    case Tongue::kEnglish:
      return static_cast<int>(random.pick(std::array{0, 1, 10, 11, 12, 13, 14}));
    case Tongue::kGerman:
      return static_cast<int>(random.pick(std::array{0, 2, 5, 9, 10, 19}));
    case Tongue::kDutch:
      return static_cast<int>(random.pick(std::array{0, 3, 6, 10, 12}));
    case Tongue::kMalay:
      return random_till_notation(random);
    default:
      return static_cast<int>(random.pick(std::array{0, 1, 3, 4, 8, 10}));
  }
}

int random_spelt_notation(Random& random) {
  return random.pick(std::array{10, 10, 10, 11, 14, 18, 19, 21});
}

int random_till_notation(Random& random) {
  return random.pick(std::array{1, 1, 1, 1, 3, 3, 4, 4, 6, 6, 0, 2, 5, 7, 8, 12, 13, 14, 15, 16, 17, 18, 20});
}

std::string random_time(Random& random) {
  const int hour = static_cast<int>(random.between(0, 23));
  const int minute = static_cast<int>(random.between(0, 59));
  const int second = static_cast<int>(random.between(0, 59));
  const int twelve = hour % 12 == 0 ? 12 : hour % 12;
  const char* half = hour < 12 ? "AM" : "PM";
  switch (random.below(6)) {
    case 0:
      return fmt::format("{:02}:{:02}:{:02}", hour, minute, second);
    case 1:
      return fmt::format("{:02}:{:02}", hour, minute);
    case 2:
      return fmt::format("{:02}:{:02}:{:02} {}", twelve, minute, second, half);
    case 3:
      return fmt::format("{}:{:02}", hour, minute);
    case 4:
      return fmt::format("{:02}:{:02}{}", twelve, minute, half);
    default:
      return fmt::format("{}:{:02}:{:02} {}", twelve, minute, second, half);
  }
}

}  // namespace understudy::examples
