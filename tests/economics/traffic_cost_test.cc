#include "economics/traffic_cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/economics/made_traffic.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int64_t kDayMs = 86'400'000;

TrafficQuestion question() {
  return {.parties = traffic_parties(), .teachers = {{"invoices", {"openai", "gpt-5"}}}};
}

Exchange teacher_answers(int64_t at_ms, const Usage& usage) {
  Exchange exchange = exchange_at(at_ms, "invoices");
  exchange.attempts = {attempt_of("openai", "gpt-5", usage)};
  price_all(exchange);
  return exchange;
}

Exchange specialist_answers(int64_t at_ms, const Usage& usage) {
  Exchange exchange = exchange_at(at_ms, "invoices");
  exchange.route.decision = "specialist";
  exchange.attempts = {attempt_of("local", "invoices-v7", usage)};
  price_all(exchange);
  return exchange;
}

Exchange escalates(int64_t at_ms, const Usage& own, const Usage& teachers) {
  Exchange exchange = exchange_at(at_ms, "invoices");
  exchange.route.decision = "escalated";
  exchange.attempts = {attempt_of("local", "invoices-v7", own), attempt_of("openai", "gpt-5", teachers)};
  exchange.attempts[1].purpose = ExchangeAttempt::Purpose::kEscalation;
  price_all(exchange);
  return exchange;
}

// 2,000 of 2,400 tokens are the static prompt.
const PromptShape kShape{.static_bytes = 10'000, .body_bytes = 12'000, .example = "Rechnung 17"};
const Usage kCall{.input = 2400, .output = 220};  // $0.0052 of gpt-5

TEST(TrafficCost, WhatTheSpecialistAnsweredIsCountedAtTheTeachersPrice) {
  TrafficCost cost(traffic_book(), question());
  for (int i = 0; i < 8; ++i) cost.add(specialist_answers(kTrafficBegins + i * kDayMs / 8, kCall), {});
  for (int i = 0; i < 2; ++i) cost.add(teacher_answers(kTrafficBegins + kDayMs, kCall), {});
  const TrafficCostResult result = cost.result();
  EXPECT_DOUBLE_EQ(*result.specialist.requests, 0.8);
  EXPECT_DOUBLE_EQ(*result.specialist.tokens, 0.8);
  EXPECT_DOUBLE_EQ(*result.specialist.spend, 0.8);
  EXPECT_EQ(result.counterfactual, Money::parse("0.0416"));
  EXPECT_EQ(result.rented, Money::parse("0.052"));
  EXPECT_EQ(result.owned, Money::parse("0.0104"));
  EXPECT_EQ(result.days, 1);
  EXPECT_EQ(result.rented_per_year, Money::parse("18.98"));
  EXPECT_EQ(result.cached, result.rented) << "no body, no static prompt";
  EXPECT_EQ(result.optimised, Money::parse("0.026")) << "nothing was a stream: all of it could go as batch";
  EXPECT_TRUE(result.own_wins);
  EXPECT_THAT(result.reasons.front(), StartsWith("owning wins"));
  EXPECT_THAT(result.reasons.back(), HasSubstr("own machine costs is not in the sum"));
}

TEST(TrafficCost, PairsSayHowLongTheTeachersAnswerWouldHaveBeen) {
  TrafficCost cost(traffic_book(), question());
  // The teacher counts twice the prompt tokens and writes three times as much, half of it thoughts.
  cost.add(escalates(kTrafficBegins, {.input = 500, .output = 100}, {.input = 1000, .output = 150, .reasoning = 150}),
           {});
  cost.add(specialist_answers(kTrafficBegins + kDayMs, {.input = 1000, .output = 10}), {});
  const TrafficCostResult result = cost.result();
  EXPECT_EQ(result.pairs, 1);
  EXPECT_EQ(result.escalated, 1);
  EXPECT_EQ(result.counterfactual, Money::parse("0.0028")) << "2,000 in, 30 out";
  EXPECT_EQ(result.rented, Money::parse("0.00705"));
  EXPECT_EQ(result.owned, Money::parse("0.00425")) << "the escalation is paid at the teacher's price";
}

TEST(TrafficCost, WithoutPairsTheTeachersMeanIsTaken) {
  TrafficCost cost(traffic_book(), question());
  cost.add(teacher_answers(kTrafficBegins, {.input = 1000, .cached_input = 1000, .output = 100}), {});
  cost.add(specialist_answers(kTrafficBegins + kDayMs, {.input = 300, .output = 10}), {});
  const TrafficCostResult result = cost.result();
  EXPECT_EQ(result.counterfactual, Money::parse("0.002375")) << "1,000 fresh, 1,000 cached, 100 out";
  EXPECT_THAT(result.reasons, ::testing::Contains(HasSubstr("No exchange was answered by both")));
}

TEST(TrafficCost, AWarmStaticPromptIsReadFromTheCache) {
  TrafficCost cost(traffic_book(), question());
  for (const int64_t at : {INT64_C(0), kCacheLifeMs, 2 * kCacheLifeMs + 1, kDayMs}) {
    Exchange exchange = teacher_answers(kTrafficBegins + at, kCall);
    exchange.stream = true;
    cost.add(exchange, kShape);
  }
  const TrafficCostResult result = cost.result();
  // Only the second comes within five minutes: 2,000 of its tokens cost a tenth, 0.00225 less.
  EXPECT_EQ(result.rented - result.cached, Money::parse("0.00225"));
  EXPECT_EQ(result.optimised, result.cached) << "a stream is no batch";
  EXPECT_NEAR(result.static_share, 2000.0 / 2400, 1e-9);
  EXPECT_NEAR(result.cacheable_share, 500.0 / 2400, 1e-9);
  EXPECT_FALSE(result.own_wins);
  EXPECT_THAT(result.reasons.front(), StartsWith("no specialist answers yet"));
}

TEST(TrafficCost, AShortStaticPromptIsNotCacheable) {
  TrafficCost cost(traffic_book(), question());
  for (int i = 0; i < 3; ++i) cost.add(teacher_answers(kTrafficBegins + i, {.input = 1200, .output = 10}), kShape);
  EXPECT_EQ(cost.result().cached, cost.result().rented) << "1,000 tokens";
}

TEST(TrafficCost, HostingByTheHourMakesRentingWin) {
  TrafficQuestion asked = question();
  asked.hosting.per_hour = Money::parse("2.50");
  asked.hosting.tokens_per_second = 3000;
  asked.hosting.utilisation = Share{0.7};
  TrafficCost cost(traffic_book(), asked);
  for (int i = 0; i <= 10; ++i) cost.add(specialist_answers(kTrafficBegins + i * kDayMs / 10, kCall), kShape);
  const TrafficCostResult result = cost.result();
  EXPECT_EQ(result.machines, 1);
  EXPECT_EQ(result.owned_per_day, Money::parse("60"));
  EXPECT_LT(result.savings_per_year, Money());
  EXPECT_FALSE(result.own_wins);
  EXPECT_FALSE(result.payback_days);
  EXPECT_THAT(result.reasons.front(), StartsWith("renting wins"));
  EXPECT_EQ(to_json(result).at("advice").at("winner"), "rent");
}

TEST(TrafficCost, OneTimeCostsComeBackOrDoNot) {
  TrafficQuestion asked = question();
  asked.one_time.compute = Money::parse("1");
  TrafficCost cost(traffic_book(), asked);
  for (int i = 0; i <= 10; ++i) {
    Exchange exchange = specialist_answers(kTrafficBegins + i * kDayMs / 10, kCall);
    exchange.stream = true;
    cost.add(exchange, {});
  }
  cost.add(LedgerEntry{.amount = Money::parse("12")});
  const TrafficCostResult result = cost.result();
  EXPECT_EQ(result.one_time, Money::parse("13"));
  EXPECT_NEAR(*result.payback_days, 13 / 0.0572, 1e-6);
  EXPECT_TRUE(result.own_wins);
  cost.add(LedgerEntry{.amount = Money::parse("12")});
  EXPECT_FALSE(cost.result().own_wins);
  EXPECT_THAT(cost.result().reasons.front(), StartsWith("renting wins within the horizon"));
}

TEST(TrafficCost, OtherTasksAreOutsideTheSumButNotOutsideTheShare) {
  TrafficCost cost(traffic_book(), question());
  cost.add(specialist_answers(kTrafficBegins, kCall), {});
  Exchange other = exchange_at(kTrafficBegins + kDayMs, "letters");
  other.attempts = {attempt_of("openai", "gpt-5", kCall)};
  price_all(other);
  cost.add(other, {});
  const TrafficCostResult result = cost.result();
  EXPECT_THAT(result.tasks, ElementsAre("invoices"));
  EXPECT_EQ(result.rented, Money::parse("0.0052"));
  EXPECT_DOUBLE_EQ(*result.specialist.spend, 0.5);
}

TEST(TrafficCost, WhatIsUnknownIsSaid) {
  TrafficQuestion asked = question();
  asked.teachers = {{"invoices", {"openai", "gpt-9"}}};
  TrafficCost cost(traffic_book(), asked);
  cost.add(specialist_answers(kTrafficBegins, kCall), {});
  Exchange unknown = exchange_at(kTrafficBegins, "invoices");
  unknown.attempts = {attempt_of("openai", "gpt-9", kCall)};
  price_all(unknown);
  cost.add(unknown, {});
  const TrafficCostResult result = cost.result();
  EXPECT_EQ(result.unknown_priced, 1);
  EXPECT_EQ(result.unknown_counterfactual, 1);
  EXPECT_EQ(result.rented, Money());
  EXPECT_FALSE(result.specialist.spend);
  EXPECT_THAT(result.reasons, ::testing::Contains(HasSubstr("1 attempts have no known price")));
}

TEST(TrafficCost, ShadowsArePaidByOwningOnly) {
  TrafficCost cost(traffic_book(), question());
  Exchange exchange = exchange_at(kTrafficBegins, "invoices");
  exchange.route.decision = "specialist";
  exchange.attempts = {attempt_of("openai", "gpt-5", kCall), attempt_of("local", "invoices-v7", kCall)};
  exchange.attempts[0].purpose = ExchangeAttempt::Purpose::kShadow;
  price_all(exchange);
  cost.add(exchange, {});
  cost.add(specialist_answers(kTrafficBegins + kDayMs, kCall), {});
  EXPECT_EQ(cost.result().owned, Money::parse("0.0052"));
  EXPECT_EQ(cost.result().rented, Money::parse("0.0104"));
}

TEST(TrafficCost, NoTrafficIsAnAnswerToo) {
  const TrafficCostResult result = TrafficCost(traffic_book(), question()).result();
  EXPECT_EQ(result.requests, 0);
  EXPECT_EQ(to_json(result).at("from"), nullptr);
  EXPECT_THAT(result.reasons, ElementsAre(HasSubstr("no traffic")));
}

}  // namespace
}  // namespace understudy::testing
