// What the rent-versus-buy sum is asked: volumes, prices, one-time and running costs, as cost.yml writes them. Plain
// values and the table of keys; the sum itself is economics/rent_versus_buy.h. Immutable after reading.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/config_fields.h"
#include "base/money.h"
#include "base/units.h"

namespace understudy {

// "300 USD/month"; "300 USD" means the same.
struct MonthlyCost {
  Money per_month;
};
void read_value(const ConfigNode& node, MonthlyCost& value);

// A provider's model, paid by the token. Token counts are per request.
struct RentedCost {
  std::optional<int64_t> prompt_tokens;           // required
  std::optional<int64_t> output_tokens;           // required
  std::optional<Money> input_per_million;         // required
  std::optional<Money> output_per_million;        // required
  Share cached_share;                             // of the prompt's tokens that the provider reads from its cache
  std::optional<Money> cached_input_per_million;  // required where cached_share is not 0
  Share batch;                                    // share of the requests sent as batch, at half price
};

// The own specialist, hosted either by the token (per_million) or on machines by the hour (the three below it).
struct OwnedCost {
  std::optional<int64_t> prompt_tokens;     // after pruning the static prompt; as rented where absent
  std::optional<int64_t> output_tokens;     // as rented where absent
  std::optional<Money> per_million;         // of prompt and output tokens alike
  std::optional<Money> per_hour;            // of one machine, billed 24 hours a day
  std::optional<double> tokens_per_second;  // of one machine at full load, prompt and output together; measured
  std::optional<Share> utilisation;         // share of that which the day's ups and downs leave
  Share escalated;                          // share that stays with the teacher, paid at the rented price
};

struct OneTimeCost {
  Money data;
  Money compute;
  Money evaluation;
  Money total() const { return data + compute + evaluation; }
};

struct RunningCost {
  MonthlyCost retraining;
  MonthlyCost review;
  Money per_year() const { return (retraining.per_month + review.per_month) * 12; }
};

struct CostInput {
  Count requests_per_day;
  RentedCost rented;
  OwnedCost owned;
  OneTimeCost one_time;
  RunningCost running;
  std::chrono::nanoseconds horizon = std::chrono::hours(24 * 365);  // a year is 365 days

  int64_t owned_prompt_tokens() const { return owned.prompt_tokens.value_or(*rented.prompt_tokens); }
  int64_t owned_output_tokens() const { return owned.output_tokens.value_or(*rented.output_tokens); }
  double horizon_days() const { return std::chrono::duration<double, std::ratio<86400>>(horizon).count(); }
};

const Fields<CostInput>& cost_fields();

// Reads and checks: what is required is there, one way of hosting is given and complete, nothing is zero that is
// divided by. Throws kInvalidInput with file, line and key.
CostInput read_cost_input(const ConfigNode& node);

// The hosting's part of that check, for a sum that does without hosting's price too. `owned`: the node `cost` is of.
void check_hosting_or_none(const ConfigNode& owned, const OwnedCost& cost);

}  // namespace understudy
