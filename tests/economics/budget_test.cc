#include "economics/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <thread>

#include "base/random.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kNoon = 1'795'608'000'000;  // 2026-11-25T12:00:00Z

ConfigNode node_of(const std::string& text) {
  return ConfigNode::parse("value: " + text, "gateway.yml")["value"];
}

template <class T>
T read(const std::string& text) {
  T value;
  read_value(node_of(text), value);
  return value;
}

template <class T>
std::string error_of(const std::string& text) {
  try {
    read<T>(text);
  } catch (const Error& error) {
    return error.message();
  }
  return "read";
}

WorstCase up_to(const char* cost, int64_t tokens = 100) {
  return {.cost = Money::parse(cost), .tokens = tokens};
}
WorstCase guessed(const char* cost, int64_t tokens = 100) {
  return {.cost = Money::parse(cost), .tokens = tokens, .is_stated = false};
}

class BudgetsTest : public ::testing::Test {
 protected:
  Budgets of(KeyLimits limits) {
    return Budgets({{"app", limits}}, [this] { return now_.load(); });
  }
  static KeyLimits money(const char* text) { return {.budget = read<Budget>(text)}; }
  static Reservation taken(Budgets& budgets, const WorstCase& most) {
    Budgets::Outcome outcome = budgets.reserve("app", most);
    if (auto* refusal = std::get_if<BudgetRefusal>(&outcome)) ADD_FAILURE() << refusal->message;
    return std::move(std::get<Reservation>(outcome));
  }
  static BudgetRefusal refused(Budgets& budgets, const WorstCase& most) {
    Budgets::Outcome outcome = budgets.reserve("app", most);
    if (auto* refusal = std::get_if<BudgetRefusal>(&outcome)) return *refusal;
    ADD_FAILURE() << "was allowed";
    return {};
  }
  static std::vector<int> percents(const std::vector<BudgetWarning>& warnings) {
    std::vector<int> list;
    for (const BudgetWarning& warning : warnings) list.push_back(warning.percent);
    return list;
  }
  std::atomic<int64_t> now_ = kNoon;
};

TEST(BudgetText, IsReadAsTheConfigWritesIt) {
  EXPECT_EQ(read<Budget>("50 USD/day"), (Budget{Money::parse("50"), BudgetPeriod::kDay}));
  EXPECT_EQ(read<Budget>("0.5/hour"), (Budget{Money::parse("0.5"), BudgetPeriod::kHour}));
  EXPECT_EQ(read<Budget>("1000 USD/month").period, BudgetPeriod::kMonth);
  EXPECT_EQ(read<RateLimit>("600/min"), (RateLimit{600, std::chrono::minutes(1)}));
  EXPECT_EQ(read<RateLimit>("2M/min"), (RateLimit{2'000'000, std::chrono::minutes(1)}));
  EXPECT_EQ(read<RateLimit>("10/s"), (RateLimit{10, std::chrono::seconds(1)}));
  EXPECT_THAT(error_of<Budget>("50 USD"), HasSubstr("gateway.yml:1: value: expected a budget such as 50 USD/day"));
  EXPECT_THAT(error_of<Budget>("50 EUR/day"), HasSubstr("gateway.yml:1: value"));
  EXPECT_THAT(error_of<Budget>("-1 USD/day"), HasSubstr("0 or more"));
  for (const char* wrong : {"600", "x/min", "600/fortnight", "/min"})
    EXPECT_THAT(error_of<RateLimit>(wrong), HasSubstr("gateway.yml:1: value: expected a rate such as 600/min"))
        << wrong;
  EXPECT_THAT(error_of<RateLimit>("0/min"), HasSubstr("1 or more"));
}

TEST(BudgetText, PeriodsAreThoseOfUtc) {
  const int64_t leap = *parse_utc("2028-02-29T23:59:59Z");
  EXPECT_EQ(format_utc(period_begin_ms(BudgetPeriod::kHour, leap)), "2028-02-29T23:00:00.000Z");
  EXPECT_EQ(format_utc(period_begin_ms(BudgetPeriod::kDay, leap)), "2028-02-29T00:00:00.000Z");
  EXPECT_EQ(format_utc(period_begin_ms(BudgetPeriod::kMonth, leap)), "2028-02-01T00:00:00.000Z");
  EXPECT_EQ(format_utc(period_end_ms(BudgetPeriod::kMonth, leap)), "2028-03-01T00:00:00.000Z");
  EXPECT_EQ(format_utc(period_end_ms(BudgetPeriod::kMonth, *parse_utc("2026-12-31"))), "2027-01-01T00:00:00.000Z");
}

TEST(WorstCase, IsTheDearestThatTheCallCanBecome) {
  const PriceBook book = PriceBook::read(ConfigNode::parse(R"(
- {vendor: v, model: cached, from: 2025-01-01, input: 1, cached_input: 0.1, cache_write: 1.25, cache_write_1h: 2, output: 10}
- {vendor: v, model: banded, from: 2025-01-01, bands: [{up_to: 1000, input: 1, output: 10}, {input: 2, output: 5}]}
- {vendor: v, model: euro, from: 2025-01-01, input: 1, output: 1, currency: EUR}
- {vendor: v, model: embedding, from: 2025-01-01, input: 1}
)",
                                                           "prices.yml"));
  const auto most = [&](const char* model, CallSize size) { return worst_case(book.row("v", model, kNoon), size); };
  EXPECT_EQ(most("cached", {.prompt_tokens = 1000, .max_tokens = 100}).cost, Money::parse("0.003"));
  EXPECT_EQ(most("cached", {.prompt_tokens = 1000, .max_tokens = 100, .n = 3}).cost, Money::parse("0.005"));
  EXPECT_EQ(most("cached", {.prompt_tokens = 1000, .max_tokens = 100, .n = 3}).tokens, 1300);
  EXPECT_EQ(most("banded", {.prompt_tokens = 1000, .max_tokens = 100}).cost, Money::parse("0.002"));
  // A bound above the band's end: the prompt may lie in either, and a shorter one with the dearer answer costs more.
  EXPECT_EQ(most("banded", {.prompt_tokens = 1001, .max_tokens = 1000}).cost, Money::parse("0.011001"));
  EXPECT_EQ(most("embedding", {.prompt_tokens = 1000}).cost, Money::parse("0.001"));
  EXPECT_EQ(most("euro", {.prompt_tokens = 1}).cost, std::nullopt);
  EXPECT_EQ(most("nowhere", {.prompt_tokens = 1}).cost, std::nullopt);
  const WorstCase unstated = most("cached", {.prompt_tokens = 10});
  EXPECT_FALSE(unstated.is_stated);
  EXPECT_EQ(unstated.tokens, 10 + kUnstatedOutput);
  EXPECT_EQ(dearer(up_to("1"), up_to("2")).cost, Money::parse("2"));
  EXPECT_EQ(dearer(up_to("1"), most("nowhere", {})).cost, std::nullopt);
  EXPECT_TRUE(most("cached", {.prompt_tokens = 1, .max_tokens = INT64_MAX, .n = INT32_MAX}).cost)
      << "nothing overflows";
}

TEST_F(BudgetsTest, WhatIsHeldBackIsCorrectedWhenTheCallHasEnded) {
  Budgets budgets = of(money("10 USD/day"));
  Reservation one = taken(budgets, up_to("6"));
  EXPECT_EQ(refused(budgets, up_to("6")).kind, BudgetRefusal::Kind::kRate) << "6 of 10 are only held back";
  one.settle(Money::parse("1"), 10);
  EXPECT_EQ(budgets.standing("app")->spent, Money::parse("1"));
  EXPECT_EQ(budgets.standing("app")->reserved, Money());
  Reservation two = taken(budgets, up_to("9"));
  two.settle(Money::parse("9"), 10);
  const BudgetRefusal refusal = refused(budgets, up_to("0.000000001"));
  EXPECT_EQ(refusal.kind, BudgetRefusal::Kind::kUsedUp);
  EXPECT_THAT(refusal.message, HasSubstr("$10.00 of its budget of $10.00 a day"));
  EXPECT_THAT(refusal.message, HasSubstr("2026-11-26T00:00Z"));
  EXPECT_FALSE(refusal.retry_after);
}

TEST_F(BudgetsTest, OneThatNobodySettledIsBookedWholeAndACancelledOneNotAtAll) {
  Budgets budgets = of(money("10 USD/day"));
  { Reservation lost = taken(budgets, up_to("3")); }
  EXPECT_EQ(budgets.standing("app")->spent, Money::parse("3"));
  taken(budgets, up_to("3")).cancel();
  Reservation moved;
  moved = taken(budgets, up_to("2"));
  moved.settle(std::nullopt, 5);
  EXPECT_EQ(budgets.standing("app")->spent, Money::parse("5")) << "an unknown cost is booked as it was reserved";
  EXPECT_THAT(moved.settle(Money::parse("1"), 5), IsEmpty()) << "a second time does nothing";
  EXPECT_EQ(budgets.standing("app")->spent, Money::parse("5"));
}

TEST_F(BudgetsTest, AFurtherAttemptNeedsRoomOfItsOwn) {
  Budgets budgets = of(money("10 USD/day"));
  Reservation request = taken(budgets, up_to("4"));
  EXPECT_TRUE(request.extend(up_to("4")));
  EXPECT_FALSE(request.extend(up_to("4")));
  EXPECT_EQ(budgets.standing("app")->reserved, Money::parse("8"));
  request.settle(Money::parse("7"), 1);
  EXPECT_EQ(budgets.standing("app")->spent, Money::parse("7"));
  EXPECT_EQ(budgets.standing("app")->reserved, Money());
}

TEST_F(BudgetsTest, AnUnknownPriceIsRefusedWhereMoneyIsCountedOnly) {
  Budgets budgets = of(money("10 USD/day"));
  EXPECT_EQ(refused(budgets, {.cost = {}, .tokens = 5}).kind, BudgetRefusal::Kind::kUnknownPrice);
  Budgets rates = of({.requests = RateLimit{5, std::chrono::minutes(1)}});
  taken(rates, {.cost = {}, .tokens = 5}).cancel();
}

TEST_F(BudgetsTest, AGuessThatDoesNotFitGetsWhatIsLeftWhenItIsAlone) {
  Budgets budgets = of(money("0.01 USD/day"));
  for (int i = 0; i < 3; ++i) {
    Reservation alone = taken(budgets, guessed("0.16"));
    EXPECT_EQ(refused(budgets, guessed("0.16")).kind, BudgetRefusal::Kind::kRate) << "beside another it waits";
    alone.settle(Money::parse("0.003"), 10);
  }
  // 0.001 is left, and a request of this key has cost 0.003.
  EXPECT_EQ(refused(budgets, guessed("0.16")).kind, BudgetRefusal::Kind::kUsedUp);
  EXPECT_EQ(refused(budgets, up_to("0.16")).kind, BudgetRefusal::Kind::kUsedUp);
}

TEST_F(BudgetsTest, WarnsOnceAtEachThreshold) {
  Budgets budgets = of(money("10 USD/day"));
  EXPECT_THAT(taken(budgets, up_to("4")).settle(Money::parse("4"), 0), IsEmpty());
  EXPECT_THAT(percents(taken(budgets, up_to("1")).settle(Money::parse("1"), 0)), ElementsAre(50));
  EXPECT_THAT(percents(taken(budgets, up_to("1")).settle(Money::parse("1"), 0)), IsEmpty());
  EXPECT_THAT(percents(refused(budgets, up_to("5")).warnings), IsEmpty()) << "a request too large is no budget used up";
  EXPECT_THAT(percents(taken(budgets, up_to("3")).settle(Money::parse("3"), 0)), ElementsAre(80));
  EXPECT_THAT(percents(refused(budgets, up_to("5")).warnings), ElementsAre(100));
  EXPECT_THAT(percents(taken(budgets, up_to("1")).settle(Money::parse("1"), 0)), IsEmpty());
  now_ = kNoon + 86'400'000;
  EXPECT_THAT(percents(taken(budgets, up_to("10")).settle(Money::parse("10"), 0)), ElementsAre(50, 80, 100));
}

TEST_F(BudgetsTest, APeriodEndsAndALateCallIsBookedWhereItBegan) {
  Budgets budgets = of(money("10 USD/hour"));
  Reservation late = taken(budgets, up_to("10"));
  now_ = kNoon + 3'600'000;
  Reservation fresh = taken(budgets, up_to("10"));
  late.settle(Money::parse("10"), 0);
  EXPECT_EQ(budgets.standing("app")->spent, Money());
  EXPECT_EQ(budgets.standing("app")->reserved, Money::parse("10"));
  fresh.settle(Money::parse("2"), 0);
  EXPECT_EQ(budgets.standing("app")->spent, Money::parse("2"));
}

TEST_F(BudgetsTest, AStartTakesUpWhatThePeriodHasCost) {
  Budgets budgets = of(money("10 USD/day"));
  EXPECT_EQ(format_utc(budgets.restore_from_ms()), "2026-11-25T00:00:00.000Z");
  Exchange exchange;
  exchange.key = "app";
  exchange.at_ms = kNoon - 3'600'000;
  exchange.attempts = {{.cost = Money::parse("5")}, {.cost = Money::parse("1")}, {.cost = {}}};
  budgets.restore(exchange);
  exchange.at_ms = kNoon - 86'400'000;  // yesterday's
  budgets.restore(exchange);
  exchange.key = "another";
  budgets.restore(exchange);
  EXPECT_EQ(budgets.standing("app")->spent, Money::parse("6"));
  EXPECT_THAT(percents(taken(budgets, up_to("2")).settle(Money::parse("2"), 0)), ElementsAre(80))
      << "50 was told before";
}

TEST_F(BudgetsTest, AReloadKeepsWhatWasSpent) {
  Budgets budgets = of(money("10 USD/day"));
  Reservation under_way = taken(budgets, up_to("3"));
  taken(budgets, up_to("2")).settle(Money::parse("2"), 0);
  budgets.set_limits({{"app", money("20 USD/month")}});
  EXPECT_EQ(budgets.standing("app")->spent, Money::parse("2"));
  budgets.set_limits({});
  EXPECT_FALSE(budgets.standing("app"));
  under_way.settle(Money::parse("3"), 0);
  budgets.set_limits({{"app", money("4 USD/hour")}});
  EXPECT_EQ(budgets.standing("app")->spent, Money::parse("5"));
  EXPECT_EQ(refused(budgets, up_to("1")).kind, BudgetRefusal::Kind::kUsedUp);
}

TEST_F(BudgetsTest, CallersWithoutLimitsAreNotCounted) {
  Budgets budgets = of({});
  Budgets::Outcome outcome = budgets.reserve("", {.cost = {}, .tokens = INT64_MAX});
  ASSERT_TRUE(std::holds_alternative<Reservation>(outcome));
  EXPECT_TRUE(std::get<Reservation>(outcome).extend({.cost = {}, .tokens = 1}));
}

TEST_F(BudgetsTest, NoMinuteHoldsMoreRequestsThanTheRate) {
  Budgets budgets = of({.requests = RateLimit{600, std::chrono::minutes(1)}});
  std::deque<int64_t> taken_at;
  Random random(11);
  for (int i = 0; i < 20'000; ++i) {
    now_ += random.between(0, 40);
    Budgets::Outcome outcome = budgets.reserve("app", up_to("0"));
    while (!taken_at.empty() && taken_at.front() <= now_ - 60'000) taken_at.pop_front();
    if (auto* refusal = std::get_if<BudgetRefusal>(&outcome)) {
      EXPECT_EQ(refusal->kind, BudgetRefusal::Kind::kRate);
      EXPECT_GT(refusal->retry_after->count(), 0);
      EXPECT_LE(refusal->retry_after->count(), 60'100);
      continue;
    }
    taken_at.push_back(now_);
    ASSERT_LE(taken_at.size(), 600U);
  }
}

TEST_F(BudgetsTest, ARefusedCallFitsAfterTheTimeThatItWasTold) {
  Budgets budgets = of({.requests = RateLimit{3, std::chrono::seconds(1)}});
  for (int i = 0; i < 3; ++i) {
    taken(budgets, up_to("0")).settle(Money(), 0);
    now_ += 100;
  }
  now_ += refused(budgets, up_to("0")).retry_after->count() - 1;
  const BudgetRefusal almost = refused(budgets, up_to("0"));
  now_ += almost.retry_after->count();
  EXPECT_EQ(almost.retry_after->count(), 1);
  taken(budgets, up_to("0")).settle(Money(), 0);
}

TEST_F(BudgetsTest, TokensAreReservedAndCorrected) {
  Budgets budgets = of({.tokens = RateLimit{1000, std::chrono::minutes(1)}});
  Reservation one = taken(budgets, up_to("0", 800));
  EXPECT_EQ(refused(budgets, up_to("0", 300)).kind, BudgetRefusal::Kind::kRate);
  one.settle(Money(), 100);
  taken(budgets, up_to("0", 900)).settle(Money(), 900);
  EXPECT_EQ(refused(budgets, up_to("0", 1)).kind, BudgetRefusal::Kind::kRate);
  now_ += 61'000;
  taken(budgets, guessed("0", 17'000)).settle(Money(), 600);
  EXPECT_EQ(refused(budgets, guessed("0", 17'000)).kind, BudgetRefusal::Kind::kRate) << "600 were used, 400 are left";
}

// 1,000 calls under way at once, from 16 threads: at no instant is more spent and held back than there is, and what was
// booked is the sum of what they cost, to the nano-dollar.
TEST_F(BudgetsTest, AThousandConcurrentCallsDoNotPassTheBudget) {
  constexpr int kThreads = 16;
  constexpr int kUnderWay = 63;  // of each thread
  Budgets budgets = of({.budget = read<Budget>("5 USD/day"), .tokens = RateLimit{3'000'000, std::chrono::minutes(1)}});
  const Money amount = Money::parse("5");
  std::atomic<int64_t> spent_nano = 0;
  std::atomic<int64_t> spent_tokens = 0;
  std::atomic<int64_t> n_refused = 0;
  std::atomic<int> n_warnings = 0;
  const auto call = [&](int seed) {
    Random random(static_cast<uint64_t>(seed));
    struct Call {
      Reservation reservation;
      Money most;
    };
    std::deque<Call> under_way;
    const auto end_one = [&] {
      Call& first = under_way.front();
      const Money cost = Money::nano_dollars(random.between(0, first.most.nano()));
      const int64_t tokens = random.between(0, 1000);
      spent_nano += cost.nano();
      spent_tokens += tokens;
      n_warnings += static_cast<int>(first.reservation.settle(cost, tokens).size());
      under_way.pop_front();
    };
    for (int i = 0; i < 400; ++i) {
      const Money most = Money::nano_dollars(random.between(1, 10'000'000));
      Budgets::Outcome outcome = budgets.reserve("app", {.cost = most, .tokens = 1000});
      if (auto* reservation = std::get_if<Reservation>(&outcome)) {
        under_way.push_back({std::move(*reservation), most});
      } else {
        ++n_refused;
        n_warnings += static_cast<int>(std::get<BudgetRefusal>(outcome).warnings.size());
      }
      const Budgets::Standing standing = *budgets.standing("app");
      ASSERT_LE(standing.spent + standing.reserved, amount) << "seed " << seed;
      if (under_way.size() >= kUnderWay) end_one();
    }
    while (!under_way.empty()) end_one();
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(call, i + 1);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budgets.standing("app")->spent.nano(), spent_nano.load());
  EXPECT_EQ(budgets.standing("app")->reserved, Money());
  EXPECT_LE(spent_nano.load(), amount.nano());
  EXPECT_GT(spent_nano.load(), amount.nano() * 9 / 10) << "refused too much";
  EXPECT_LE(spent_tokens.load(), 3'000'000);
  EXPECT_GT(n_refused.load(), 0);
  EXPECT_LE(n_warnings.load(), 3);
}

}  // namespace
}  // namespace understudy
