#include "economics/rent_versus_buy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/json.h"

namespace understudy {

namespace {

constexpr int64_t kDaysPerYear = 365;

// Nano-dollars, before they are rounded. An x86's long double has 64 bits of mantissa: below a tenth of a nano-dollar
// of error at a billion dollars.
using Nano = long double;

Money rounded(Nano nano) {
  if (!(std::fabs(nano) < 9.2e18L)) {
    throw Error(ErrorCode::kInvalidInput, "a day's cost is beyond 9.2 billion dollars",
                "check requests_per_day, tokens and prices");
  }
  return Money::nano_dollars(std::llround(nano));
}

// "10%" arrives as the double next to a tenth; nine decimals of it are what was meant.
long double exact(Share share) {
  return std::llround(share.value * 1e9) / 1e9L;
}

Nano per_token(Money per_million) {
  return static_cast<Nano>(per_million.nano()) / 1e6L;
}

Nano rented_per_request(const RentedCost& rented) {
  const long double cached = exact(rented.cached_share);
  const Nano fresh_price = per_token(*rented.input_per_million);
  const Nano cached_price = per_token(rented.cached_input_per_million.value_or(*rented.input_per_million));
  const Nano prompt = static_cast<Nano>(*rented.prompt_tokens) * ((1 - cached) * fresh_price + cached * cached_price);
  const Nano output = static_cast<Nano>(*rented.output_tokens) * per_token(*rented.output_per_million);
  return (prompt + output) * (1 - exact(rented.batch) / 2);
}

long double owned_tokens_per_request(const CostInput& input) {
  return static_cast<long double>(input.owned_prompt_tokens()) + static_cast<long double>(input.owned_output_tokens());
}

// Tokens a day that one machine serves.
long double machine_capacity(const OwnedCost& owned) {
  return static_cast<long double>(*owned.tokens_per_second) * 86'400 * exact(*owned.utilisation);
}

Nano machine_per_day(const OwnedCost& owned) {
  return static_cast<Nano>(owned.per_hour->nano()) * 24;
}

int64_t machines_for(const CostInput& input) {
  const long double tokens = static_cast<long double>(input.requests_per_day.value) * owned_tokens_per_request(input);
  const long double machines = std::ceil(tokens / machine_capacity(input.owned));
  if (!(machines < 1e12L)) {
    throw Error(ErrorCode::kInvalidInput, "the work needs more than 10^12 machines",
                "check owned.tokens_per_second and utilisation");
  }
  return static_cast<int64_t>(machines);
}

// What must be saved every day for the horizon to be met exactly.
Nano needed_per_day(const RentVersusBuy& result) {
  return static_cast<Nano>(result.one_time.nano()) / static_cast<long double>(result.horizon_days) +
         static_cast<Nano>(result.running_per_year.nano()) / kDaysPerYear;
}

// By the token, the saving grows evenly with the volume: one division finds where it reaches what is needed.
// By the hour it falls by a machine's price at each new machine and grows evenly between: with k machines of `step`
// requests each, kept · (n · rented − k · machine) reaches `needed` at n(k), and n(k) lies within the k-th step from
// the first k on for which
//   k · (step · rented − machine) >= needed / kept.
// Below that k every step ends too early, so this n is the smallest. A full machine that costs what it saves pays
// nowhere.
std::optional<double> break_even(const CostInput& input, Nano needed) {
  const Nano rented = rented_per_request(input.rented);
  const long double kept = 1 - exact(input.owned.escalated);
  if (!(kept > 0)) return std::nullopt;
  if (input.owned.per_million) {
    const Nano saving = kept * (rented - owned_tokens_per_request(input) * per_token(*input.owned.per_million));
    if (!(saving > 0)) return std::nullopt;
    return static_cast<double>(needed / saving);
  }
  const Nano machine = machine_per_day(input.owned);
  const long double tokens = owned_tokens_per_request(input);
  if (!(rented > 0)) return std::nullopt;
  if (!(tokens > 0)) return static_cast<double>(needed / (kept * rented));  // requests without tokens need no machine
  const Nano saved_by_full_machine = machine_capacity(input.owned) / tokens * rented - machine;
  if (!(saved_by_full_machine > 0)) return std::nullopt;
  const long double machines = std::max(1.0L, std::ceil(needed / kept / saved_by_full_machine));
  return static_cast<double>((needed / kept + machines * machine) / rented);
}

std::string days(double count) {
  const bool plain = count >= 1000 || count == std::floor(count);
  return plain ? fmt::format("{:.0f} days", count) : fmt::format("{:.1f} days", count);
}

std::string requests(double count) {
  return format_whole(static_cast<int64_t>(std::min(count, 9e18))) +
         (count == 1 ? " request a day" : " requests a day");
}

std::string break_even_sentence(const RentVersusBuy& result) {
  if (!result.break_even_requests_per_day)
    return "At these prices no volume brings the one-time costs back within the horizon.";
  return fmt::format("The one-time costs come back within the horizon from {} on.",
                     requests(std::ceil(*result.break_even_requests_per_day)));
}

std::string answer_sentence(const CostInput& input, const RentVersusBuy& result) {
  const std::string volume = requests(static_cast<double>(input.requests_per_day.value));
  const std::string horizon = days(result.horizon_days);
  if (!result.payback_days) {
    return fmt::format(
        "do not fine-tune: at {} owning costs {} a year and renting {}; nothing is saved that could pay back {}.",
        volume, result.owned_per_year.display(), result.rented_per_year.display(), result.one_time.display());
  }
  if (!result.advice.move) {
    return fmt::format(
        "do not fine-tune: at {} the saving of {} a year takes {} to pay back {}, longer than the horizon of {}.",
        volume, result.savings_per_year.display(), days(*result.payback_days), result.one_time.display(), horizon);
  }
  return fmt::format("fine-tune: at {} the saving of {} a year pays back {} in {}, within the horizon of {}.", volume,
                     result.savings_per_year.display(), result.one_time.display(), days(*result.payback_days), horizon);
}

std::vector<std::string> reasons_for(const CostInput& input, const RentVersusBuy& result) {
  std::vector<std::string> reasons = {answer_sentence(input, result), break_even_sentence(result)};
  if (input.owned.escalated.value > 0) {
    reasons.push_back(fmt::format("{:.4g}% of the requests stay with the teacher at the rented price.",
                                  input.owned.escalated.value * 100));
  }
  if (result.machines && input.owned.escalated.value > 0) {
    reasons.push_back(
        "Machines are counted for all requests, and the escalated share of their bill is left to other work; without "
        "other work add it.");
  }
  if (input.owned_output_tokens() != *input.rented.output_tokens) {
    reasons.push_back(
        fmt::format("The owned answers are counted with {} tokens, the rented ones with {}: part of the difference is "
                    "the length of the "
                    "answers, not the price of a token.",
                    input.owned_output_tokens(), *input.rented.output_tokens));
  }
  return reasons;
}

Money owned_per_day(const CostInput& input, const RentVersusBuy& result) {
  const Nano own = result.machines ? static_cast<Nano>(*result.machines) * machine_per_day(input.owned)
                                   : static_cast<Nano>(input.requests_per_day.value) * owned_tokens_per_request(input) *
                                         per_token(*input.owned.per_million);
  const Nano rented = static_cast<Nano>(input.requests_per_day.value) * rented_per_request(input.rented);
  const long double escalated = exact(input.owned.escalated);
  return rounded((1 - escalated) * own + escalated * rented);
}

}  // namespace

RentVersusBuy rent_versus_buy(const CostInput& input) {
  RentVersusBuy result;
  result.horizon_days = input.horizon_days();
  result.one_time = input.one_time.total();
  result.running_per_year = input.running.per_year();
  if (input.owned.per_hour) result.machines = machines_for(input);

  result.rented_per_day = rounded(static_cast<Nano>(input.requests_per_day.value) * rented_per_request(input.rented));
  result.rented_per_year = result.rented_per_day * kDaysPerYear;
  result.owned_per_day = owned_per_day(input, result);
  result.owned_per_year = result.owned_per_day * kDaysPerYear + result.running_per_year;
  result.savings_per_year = result.rented_per_year - result.owned_per_year;

  const auto saved = static_cast<double>(result.savings_per_year.nano());
  if (result.rented_per_year > Money())
    result.savings_share = saved / static_cast<double>(result.rented_per_year.nano());
  if (saved > 0) result.payback_days = static_cast<double>(result.one_time.nano()) * kDaysPerYear / saved;
  result.break_even_requests_per_day = break_even(input, needed_per_day(result));
  result.advice.move = result.payback_days && *result.payback_days <= result.horizon_days;
  result.advice.reasons = reasons_for(input, result);
  return result;
}

Json to_json(const RentVersusBuy& result) {
  const auto figure = [](const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); };
  return Json{
      {"rented_per_day", result.rented_per_day.decimal()},
      {"rented_per_year", result.rented_per_year.decimal()},
      {"owned_per_day", result.owned_per_day.decimal()},
      {"owned_per_year", result.owned_per_year.decimal()},
      {"running_per_year", result.running_per_year.decimal()},
      {"machines", result.machines ? Json(*result.machines) : Json(nullptr)},
      {"savings_per_year", result.savings_per_year.decimal()},
      {"savings_share", figure(result.savings_share)},
      {"one_time", result.one_time.decimal()},
      {"payback_days", figure(result.payback_days)},
      {"break_even_requests_per_day", figure(result.break_even_requests_per_day)},
      {"horizon_days", result.horizon_days},
      {"advice", {{"move", result.advice.move}, {"reasons", result.advice.reasons}}},
  };
}

}  // namespace understudy
