// Rent or own: a pure function from volumes and prices to yearly cost, savings, payback and advice. No chart, no table,
// no file; cli/cost.cc shows the result. Pure and thread-safe.
//
//   rented a request   = (prompt · ((1 − cached_share) · input + cached_share · cached_input) + output · output price)
//   · (1 − batch / 2) rented_per_day     = requests · rented a request own, by the token  = requests · (prompt +
//   output) · per_million own, by the hour   = machines · 24 · per_hour,  machines = ceil(requests · (prompt + output)
//   / (tokens_per_second · 86,400 · utilisation)) owned_per_day      = (1 − escalated) · own + escalated ·
//   rented_per_day owned_per_year     = 365 · owned_per_day + 12 · (retraining + review) payback_days       = one_time
//   / (savings_per_year / 365)
//
// Each day's figure is calculated in extended precision and rounded once, half away from zero, to whole nano-dollars;
// all that follows from it (years, sums, savings) is exact.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "economics/cost_input.h"

namespace understudy {

struct CostAdvice {
  bool move = false;                 // the payback lies within the horizon
  std::vector<std::string> reasons;  // whole sentences; the first is the answer itself
};

struct RentVersusBuy {
  Money rented_per_day;
  Money rented_per_year;
  Money owned_per_day;   // without running costs
  Money owned_per_year;  // with them
  Money running_per_year;
  std::optional<int64_t> machines;      // where hosting is by the hour
  Money savings_per_year;               // negative where owning costs more
  std::optional<double> savings_share;  // of rented_per_year; nothing where that is 0
  Money one_time;
  std::optional<double> payback_days;  // nothing: never
  std::optional<double>
      break_even_requests_per_day;  // the smallest volume whose payback is the horizon; nothing: nowhere
  double horizon_days = 365;
  CostAdvice advice;
};

// `input` as read_cost_input() checked it. Throws kInvalidInput where a figure leaves Money's range.
RentVersusBuy rent_versus_buy(const CostInput& input);

// The contract of `understudy cost --json`: money as decimal strings in USD, absent figures as null.
Json to_json(const RentVersusBuy& result);

}  // namespace understudy
