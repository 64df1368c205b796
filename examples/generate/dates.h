// Days of the calendar and the many ways in which papers write them. Numeric notations put the day first or the year
// first, never the month, so that each has one reading. Pure functions, thread-safe.
#pragma once

#include <string>

#include "generate/tongues.h"

namespace understudy::examples {

struct Day {
  int year = 2000;
  int month = 1;  // 1 to 12
  int day = 1;    // 1 to 31
};

Day random_day(Random& random);             // 2010 to 2027
Day early_day(Random& random);              // the same, from the 1st to the 9th of a month
Day later(Random& random, const Day& day);  // 7 to 60 days after, every month taken as of at least that many days
int days_in_month(int year, int month);

std::string iso(const Day& day);  // "2024-03-05"

inline constexpr int kDateNotations = 22;
// The day in one of the notations, 0 to kDateNotations - 1; names of months are the tongue's.
std::string written(const Day& day, int notation, Tongue tongue);
// A notation that suits the tongue: invoices of a country seldom use all.
int random_date_notation(Random& random, Tongue tongue);
// A notation with the month in words and the day unpadded: "3 avril 2023", "Apr 3, 2023".
int random_spelt_notation(Random& random);
// A notation as tills print it: mostly numeric, two-digit years among them.
int random_till_notation(Random& random);

// "14:29:00", "03:09:12 PM", "9:05".
std::string random_time(Random& random);

}  // namespace understudy::examples
