#include "economics/rent_versus_buy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "base/random.h"

namespace understudy {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;

CostInput reference() {
  CostInput input;
  input.requests_per_day.value = 10'000;
  input.rented.prompt_tokens = 2000;
  input.rented.output_tokens = 2000;
  input.rented.input_per_million = Money::parse("5");
  input.rented.output_per_million = Money::parse("15");
  input.rented.cached_input_per_million = Money::parse("0.50");
  input.owned.prompt_tokens = 500;
  input.owned.output_tokens = 1000;
  input.owned.per_million = Money::parse("0.10");
  input.one_time = {Money::parse("5000"), Money::parse("100"), Money::parse("2000")};
  return input;
}

CostInput by_the_hour(CostInput input, const char* per_hour = "0.40", double tokens_per_second = 800,
                      double utilisation = 0.4) {
  input.owned.per_million.reset();
  input.owned.per_hour = Money::parse(per_hour);
  input.owned.tokens_per_second = tokens_per_second;
  input.owned.utilisation = Share{utilisation};
  return input;
}

TEST(RentVersusBuy, TheReferenceCaseComesOutToTheCent) {
  const RentVersusBuy result = rent_versus_buy(reference());
  EXPECT_EQ(result.rented_per_day.decimal(), "400.00");
  EXPECT_EQ(result.rented_per_year.decimal(), "146000.00");
  EXPECT_EQ(result.owned_per_day.decimal(), "1.50");
  EXPECT_EQ(result.owned_per_year.decimal(), "547.50");
  EXPECT_EQ(result.savings_per_year.decimal(), "145452.50");
  EXPECT_EQ(result.one_time.decimal(), "7100.00");
  EXPECT_NEAR(*result.savings_share, 0.99625, 1e-12);
  EXPECT_NEAR(*result.payback_days, 7100 / 398.5, 1e-9);
  EXPECT_NEAR(*result.break_even_requests_per_day, 7100 / 365.0 / 0.03985, 1e-9);
  EXPECT_TRUE(result.advice.move);
  EXPECT_THAT(result.advice.reasons.front(), AllOf(StartsWith("fine-tune"), HasSubstr("17.8 days")));
}

TEST(RentVersusBuy, AHundredRequestsADayDoNotPay) {
  CostInput input = reference();
  input.requests_per_day.value = 100;
  const RentVersusBuy result = rent_versus_buy(input);
  EXPECT_FALSE(result.advice.move);
  EXPECT_NEAR(*result.payback_days, 1781.68, 0.01);
  EXPECT_THAT(result.advice.reasons.front(), AllOf(StartsWith("do not fine-tune"), HasSubstr("100 requests a day"),
                                                   HasSubstr("1782 days"), HasSubstr("365 days")));
  EXPECT_THAT(result.advice.reasons, Contains(HasSubstr("from 489 requests a day on")));
}

TEST(RentVersusBuy, CacheAndBatchLowerTheRent) {
  CostInput input = reference();
  input.rented.cached_share.value = 0.9;
  // 2000 · (0.1 · $5 + 0.9 · $0.50) + 2000 · $15, a million: $0.0319 a request.
  EXPECT_EQ(rent_versus_buy(input).rented_per_day.decimal(), "319.00");
  input.rented.batch.value = 0.5;
  EXPECT_EQ(rent_versus_buy(input).rented_per_day.decimal(), "239.25");
  input.rented.batch.value = 1;
  EXPECT_EQ(rent_versus_buy(input).rented_per_day.decimal(), "159.50");
}

TEST(RentVersusBuy, TheEscalatedShareIsPaidAtTheRentedPrice) {
  CostInput input = reference();
  input.owned.escalated.value = 0.2;
  EXPECT_EQ(rent_versus_buy(input).owned_per_day.decimal(), "81.20");
  input.owned.escalated.value = 1;
  const RentVersusBuy all = rent_versus_buy(input);
  EXPECT_EQ(all.owned_per_day, all.rented_per_day);
  EXPECT_FALSE(all.payback_days);
  EXPECT_FALSE(all.break_even_requests_per_day);
  EXPECT_FALSE(all.advice.move);
}

TEST(RentVersusBuy, MachinesAreBilledWhole) {
  // One machine serves 800 · 86,400 · 0.4 = 27,648,000 tokens a day: 18,432 requests of 1,500.
  CostInput input = by_the_hour(reference());
  EXPECT_EQ(rent_versus_buy(input).machines, 1);
  EXPECT_EQ(rent_versus_buy(input).owned_per_day.decimal(), "9.60");
  input.requests_per_day.value = 18'432;
  EXPECT_EQ(rent_versus_buy(input).machines, 1) << "exactly full";
  input.requests_per_day.value = 18'433;
  EXPECT_EQ(rent_versus_buy(input).machines, 2);
  EXPECT_EQ(rent_versus_buy(input).owned_per_day.decimal(), "19.20");
  input.requests_per_day.value = 0;
  EXPECT_EQ(rent_versus_buy(input).machines, 0);
}

TEST(RentVersusBuy, RunningCostsCountInTheYearAndInThePayback) {
  CostInput input = reference();
  input.running.retraining.per_month = Money::parse("300");
  input.running.review.per_month = Money::parse("700");
  const RentVersusBuy result = rent_versus_buy(input);
  EXPECT_EQ(result.owned_per_day.decimal(), "1.50");
  EXPECT_EQ(result.owned_per_year.decimal(), "12547.50");
  EXPECT_EQ(result.savings_per_year.decimal(), "133452.50");
  EXPECT_NEAR(*result.payback_days, 7100 / (133452.50 / 365), 1e-9);
}

TEST(RentVersusBuy, NothingSavedIsNeverPaidBack) {
  CostInput input = reference();
  input.owned.per_million = Money::parse("100");
  const RentVersusBuy result = rent_versus_buy(input);
  EXPECT_LT(result.savings_per_year, Money());
  EXPECT_FALSE(result.payback_days);
  EXPECT_FALSE(result.break_even_requests_per_day);
  EXPECT_THAT(result.advice.reasons.front(), AllOf(StartsWith("do not fine-tune"), HasSubstr("nothing is saved")));
  EXPECT_THAT(result.advice.reasons, Contains(HasSubstr("no volume")));
}

TEST(RentVersusBuy, AMachineThatCostsMoreThanItSavesPaysNowhere) {
  // A full machine saves 18,432 requests · $0.04 = $737.28 a day.
  const RentVersusBuy dear = rent_versus_buy(by_the_hour(reference(), "30.72"));
  EXPECT_FALSE(dear.break_even_requests_per_day);
  const RentVersusBuy cheap = rent_versus_buy(by_the_hour(reference(), "30.71"));
  ASSERT_TRUE(cheap.break_even_requests_per_day);
}

TEST(RentVersusBuy, SaysThatShorterAnswersAreCounted) {
  EXPECT_THAT(rent_versus_buy(reference()).advice.reasons,
              Contains(AllOf(HasSubstr("1000 tokens"), HasSubstr("2000"))));
  CostInput same = reference();
  same.owned.output_tokens = 2000;
  EXPECT_THAT(rent_versus_buy(same).advice.reasons, ::testing::Not(Contains(HasSubstr("length of the"))));
}

TEST(RentVersusBuy, SaysWhatTheEscalatedShareLeavesOfAMachine) {
  CostInput input = by_the_hour(reference());
  input.owned.escalated.value = 0.25;
  EXPECT_EQ(rent_versus_buy(input).owned_per_day.decimal(), "107.20");
  EXPECT_THAT(rent_versus_buy(input).advice.reasons, Contains(HasSubstr("Machines are counted for all requests")));
}

TEST(RentVersusBuy, RefusesWhatMoneyCannotHold) {
  CostInput input = reference();
  input.requests_per_day.value = 1'000'000'000'000;
  EXPECT_THROW(rent_versus_buy(input), Error);
}

TEST(RentVersusBuy, JsonHasTheContractsNames) {
  const Json json = to_json(rent_versus_buy(reference()));
  EXPECT_EQ(json.at("rented_per_year"), "146000.00");
  EXPECT_EQ(json.at("owned_per_year"), "547.50");
  EXPECT_EQ(json.at("one_time"), "7100.00");
  EXPECT_NEAR(json.at("payback_days").get<double>(), 17.8, 0.05);
  EXPECT_EQ(json.at("advice").at("move"), true);
  EXPECT_FALSE(json.at("advice").at("reasons").empty());
  CostInput never = reference();
  never.owned.escalated.value = 1;
  const Json nothing = to_json(rent_versus_buy(never));
  EXPECT_TRUE(nothing.at("payback_days").is_null());
  EXPECT_TRUE(nothing.at("break_even_requests_per_day").is_null());
}

// A point that a person might write, by the token or by the hour.
CostInput random_input(Random& random) {
  CostInput input = reference();
  input.requests_per_day.value = random.between(1, 50'000);
  input.rented.prompt_tokens = random.between(1, 5000);
  input.rented.output_tokens = random.between(1, 3000);
  input.rented.input_per_million = Money::nano_dollars(random.between(0, 10) * 1'000'000'000);
  input.rented.output_per_million = Money::nano_dollars(random.between(1, 60) * 500'000'000);
  input.rented.cached_share.value = static_cast<double>(random.below(101)) / 100;
  input.rented.batch.value = static_cast<double>(random.below(101)) / 100;
  input.owned.escalated.value = static_cast<double>(random.below(100)) / 100;
  input.owned.per_million = Money::nano_dollars(random.between(0, 2000) * 1'000'000);
  input.running.review.per_month = Money::nano_dollars(random.between(0, 500) * 1'000'000'000);
  input.horizon = std::chrono::hours(24 * random.between(10, 700));
  if (random.chance(0.5)) {
    input = by_the_hour(input, "0.40", random.uniform(100, 5000), random.uniform(0.1, 0.9));
    input.owned.per_hour = Money::nano_dollars(random.between(1, 4000) * 1'000'000);
  }
  return input;
}

// The sum at a volume that need not be whole, from the formulas of the header in plain doubles.
double payback_at(const CostInput& input, double requests) {
  const double fresh = 1 - input.rented.cached_share.value;
  const double prompt = static_cast<double>(*input.rented.prompt_tokens) *
                        (fresh * input.rented.input_per_million->dollars() +
                         (1 - fresh) * input.rented.cached_input_per_million->dollars());
  const double output = static_cast<double>(*input.rented.output_tokens) * input.rented.output_per_million->dollars();
  const double rented = requests * (prompt + output) / 1e6 * (1 - input.rented.batch.value / 2);
  const double tokens = requests * static_cast<double>(input.owned_prompt_tokens() + input.owned_output_tokens());
  double own = 0;
  if (input.owned.per_hour) {
    const double filled = tokens / (*input.owned.tokens_per_second * 86'400 * input.owned.utilisation->value);
    own = std::ceil(filled - 1e-9) * 24 * input.owned.per_hour->dollars();
  } else {
    own = tokens / 1e6 * input.owned.per_million->dollars();
  }
  const double saved = (1 - input.owned.escalated.value) * (rented - own) - input.running.per_year().dollars() / 365;
  return input.one_time.total().dollars() / saved;
}

TEST(RentVersusBuy, AtTheBreakEvenVolumeThePaybackIsTheHorizon) {
  int n_found = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const CostInput input = random_input(random);
    const auto volume = rent_versus_buy(input).break_even_requests_per_day;
    if (!volume) continue;
    ++n_found;
    EXPECT_NEAR(payback_at(input, *volume) / input.horizon_days(), 1, 1e-6)
        << "seed " << seed << ", volume " << *volume;
    // The smallest: no volume on a grid below it pays back in time.
    for (int i = 1; i < 200; ++i) {
      const double payback = payback_at(input, *volume * i / 200);
      EXPECT_FALSE(payback > 0 && payback < input.horizon_days() * (1 - 1e-9))
          << "seed " << seed << ", volume " << *volume * i / 200;
    }
  }
  EXPECT_GT(n_found, 200);
}

TEST(RentVersusBuy, WhereNoBreakEvenIsFoundNoVolumePays) {
  int n_nowhere = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const CostInput input = random_input(random);
    if (rent_versus_buy(input).break_even_requests_per_day) continue;
    ++n_nowhere;
    for (double requests = 1; requests < 1e9; requests *= 1.7) {
      const double payback = payback_at(input, requests);
      EXPECT_FALSE(payback > 0 && payback <= input.horizon_days()) << "seed " << seed << ", volume " << requests;
    }
  }
  EXPECT_GT(n_nowhere, 5);
}

TEST(RentVersusBuy, MoreEscalationOrADearerHostNeverSavesMore) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    CostInput input = random_input(random);
    const RentVersusBuy before = rent_versus_buy(input);
    CostInput dearer = input;
    if (dearer.owned.per_hour) dearer.owned.per_hour = *dearer.owned.per_hour + Money::parse("0.01");
    if (dearer.owned.per_million) dearer.owned.per_million = *dearer.owned.per_million + Money::parse("0.01");
    EXPECT_LE(rent_versus_buy(dearer).savings_per_year, before.savings_per_year) << "seed " << seed;
    CostInput dearer_rent = input;
    dearer_rent.rented.output_per_million = *input.rented.output_per_million + Money::parse("1");
    EXPECT_GE(rent_versus_buy(dearer_rent).savings_per_year, before.savings_per_year) << "seed " << seed;
    if (before.rented_per_day > before.owned_per_day) {
      input.owned.escalated.value = std::min(1.0, input.owned.escalated.value + 0.05);
      EXPECT_LE(rent_versus_buy(input).savings_per_year, before.savings_per_year) << "seed " << seed;
    }
  }
}

TEST(RentVersusBuy, AddsUpExactly) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const RentVersusBuy result = rent_versus_buy(random_input(random));
    EXPECT_EQ(result.rented_per_day * 365, result.rented_per_year) << "seed " << seed;
    EXPECT_EQ(result.owned_per_day * 365 + result.running_per_year, result.owned_per_year) << "seed " << seed;
    EXPECT_EQ(result.savings_per_year + result.owned_per_year, result.rented_per_year) << "seed " << seed;
    EXPECT_EQ(result.advice.move, result.payback_days && *result.payback_days <= result.horizon_days)
        << "seed " << seed;
  }
}

}  // namespace
}  // namespace understudy
