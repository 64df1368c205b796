#include "economics/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/random.h"
#include "base/timestamp.h"
#include "tests/economics/made_traffic.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Key;

// A provider's own bill, worked out from what it served, not from what we recorded: whole tokens by model and
// component, each line rounded once.
class StandInInvoice {
 public:
  void served(const std::string& model, const Usage& usage) { understudy::add(lines_[model], usage); }
  Money total(const PriceBook& book) const {
    Money sum;
    for (const auto& [model, usage] : lines_) {
      const TokenPrices& prices = book.row("openai", model, kTrafficBegins)->bands.front();
      sum += prices.input->of(usage.input) + prices.cached_input->of(usage.cached_input) +
             prices.output->of(usage.output + usage.reasoning);
    }
    return sum;
  }

 private:
  std::map<std::string, Usage> lines_;
};

TEST(Ledger, EqualsTheSumOverTheExchangesInEveryDirection) {
  Ledger ledger(traffic_parties());
  Money sum, sum_by_exchange;
  int64_t attempts = 0, unknown = 0, requests = 0;
  for (const Exchange& exchange : made_traffic(3, 2000)) {
    ledger.add(exchange);
    ++requests;
    sum_by_exchange += exchange.cost.value_or(Money());
    for (const ExchangeAttempt& attempt : exchange.attempts) {
      sum += attempt.cost.value_or(Money());
      ++attempts;
      unknown += attempt.cost ? 0 : 1;
    }
  }
  EXPECT_EQ(ledger.total().cost, sum);
  EXPECT_EQ(ledger.total().requests, requests);
  EXPECT_EQ(ledger.total().attempts, attempts);
  EXPECT_EQ(ledger.total().unknown, unknown);
  EXPECT_GT(unknown, 0);
  EXPECT_LT(sum_by_exchange, sum) << "an exchange with an unknown attempt has no sum of its own";
  for (const Ledger::Sums* sums : {&ledger.by_task(), &ledger.by_model(), &ledger.by_key(), &ledger.by_day()}) {
    Spend all;
    for (const auto& [name, spend] : *sums) {
      all.cost += spend.cost;
      all.attempts += spend.attempts;
      all.unknown += spend.unknown;
      understudy::add(all.tokens, spend.tokens);
    }
    EXPECT_EQ(all.cost, sum);
    EXPECT_EQ(all.attempts, attempts);
    EXPECT_EQ(all.unknown, unknown);
    EXPECT_EQ(all.tokens, ledger.total().tokens);
  }
  EXPECT_EQ(ledger.by_tag().at("team=billing").cost, ledger.by_key().at("billing-app").cost);
}

TEST(Ledger, CountsAnAttemptWhereItWasMade) {
  Ledger ledger(traffic_parties());
  Exchange exchange = exchange_at(kTrafficBegins, "invoices");
  exchange.attempts = {attempt_of("openai", "gpt-5", {.input = 100}), attempt_of("openai", "gpt-5", {.input = 100}),
                       attempt_of("openai", "gpt-5-mini", {.input = 100, .output = 10})};
  ledger.add(exchange);
  EXPECT_EQ(ledger.by_model().at("openai/gpt-5").requests, 1);
  EXPECT_EQ(ledger.by_model().at("openai/gpt-5").attempts, 2);
  EXPECT_EQ(ledger.by_model().at("openai/gpt-5").cost, Money::parse("0.00025"));
  EXPECT_EQ(ledger.total().requests, 1);
}

TEST(Ledger, EntriesStandBesideTheSpending) {
  Ledger ledger(traffic_parties());
  ledger.add(LedgerEntry{
      .id = "1", .at_ms = kTrafficBegins, .task = "invoices", .kind = "training", .amount = Money::parse("12")});
  EXPECT_EQ(ledger.total().entries, Money::parse("12"));
  EXPECT_EQ(ledger.total().cost, Money());
  EXPECT_EQ(ledger.by_task().at("invoices").entries, Money::parse("12"));
  EXPECT_THAT(ledger.by_day(), ElementsAre(Key("2026-11-02")));
}

TEST(Ledger, TeacherAndSpecialistAreMeasuredBesideEachOther) {
  Ledger ledger(traffic_parties());
  for (int i = 1; i <= 100; ++i) {
    Exchange exchange = exchange_at(kTrafficBegins, "invoices");
    exchange.route.decision = "escalated";
    exchange.attempts = {attempt_of("local", "invoices-v7", {.input = 5, .output = 1}),
                         attempt_of("openai", "gpt-5", {.input = 5, .output = 1})};
    exchange.attempts[0].first_token_ms = i;
    exchange.attempts[0].total_ms = 2 * i;
    exchange.attempts[1].first_token_ms = 10 * i;
    exchange.attempts[1].total_ms = 20 * i;
    ledger.add(exchange);
  }
  Exchange failed = exchange_at(kTrafficBegins, "invoices");
  failed.attempts = {attempt_of("openai", "gpt-5", {})};
  failed.attempts[0].error = "timed_out: first token after 30 s";
  failed.attempts[0].total_ms = 1e9;
  ledger.add(failed);
  EXPECT_EQ(ledger.latency(Side::kSpecialist).first_token_p50_ms, 50);
  EXPECT_EQ(ledger.latency(Side::kSpecialist).total_p95_ms, 190);
  EXPECT_EQ(ledger.latency(Side::kTeacher).first_token_p95_ms, 950);
  EXPECT_EQ(ledger.latency("invoices", Side::kTeacher).total_p50_ms, 1000);
  EXPECT_EQ(ledger.latency("other", Side::kTeacher).total_p50_ms, std::nullopt);
}

TEST(Ledger, QuantilesAreValuesThatWereMeasured) {
  EXPECT_EQ(quantile({}, 0.5), std::nullopt);
  EXPECT_EQ(quantile({7}, 0.95), 7);
  EXPECT_EQ(quantile({3, 1, 2}, 0.5), 2);
  EXPECT_EQ(quantile({4, 3, 1, 2}, 0.5), 2);
  EXPECT_EQ(quantile({4, 3, 1, 2}, 1), 4);
}

TEST(Repriced, TheSameBookChangesNothing) {
  for (const Exchange& exchange : made_traffic(5, 1000)) {
    EXPECT_EQ(repriced(exchange, traffic_book(), traffic_parties()), exchange) << exchange.id;
  }
}

TEST(Repriced, AChangedBookPricesAnew) {
  const PriceBook dearer = PriceBook::read(ConfigNode::parse(
      "- {vendor: openai, model: gpt-5, from: 2025-08-07, input: 2.50, cached_input: 0.25, output: 20}", "prices.yml"));
  Exchange exchange = exchange_at(kTrafficBegins, "invoices");
  exchange.attempts = {attempt_of("openai", "gpt-5", {.input = 1000, .output = 100})};
  price_all(exchange);
  const Money before = *exchange.cost;
  const Exchange after = repriced(exchange, dearer, traffic_parties());
  EXPECT_EQ(*after.cost, before * 2);
  EXPECT_EQ(*after.attempts[0].cost, before * 2);
  EXPECT_NE(after.attempts[0].price_version, exchange.attempts[0].price_version);
  exchange.attempts[0].model = "gpt-9";
  const Exchange unknown = repriced(exchange, dearer, traffic_parties());
  EXPECT_EQ(unknown.cost, std::nullopt);
  EXPECT_EQ(unknown.attempts[0].price_version, "");
}

// The provider bills what it served; we account what we saw. Where it told its usage the two are the same tokens, and
// the sums differ by the rounding of many small amounts against one large one; where a client hung up before the usage
// came, our count of what was seen stands for it.
TEST(Ledger, AgreesWithAProvidersInvoice) {
  for (const bool with_estimates : {false, true}) {
    StandInInvoice invoice;
    Ledger ledger(traffic_parties());
    Random random(21);
    for (int i = 0; i < 4000; ++i) {
      Exchange exchange = exchange_at(kTrafficBegins + i * 1000, "invoices");
      const std::string model = random.chance(0.5) ? "gpt-5" : "gpt-5-mini";
      const auto call = [&](ExchangeAttempt::Purpose purpose, bool tells_usage) {
        Usage served{.input = random.between(50, 3000), .output = random.between(1, 400)};
        if (random.chance(0.4)) served.cached_input = random.between(1, 20) * 128;
        if (random.chance(0.3)) served.reasoning = random.between(1, 900);
        invoice.served(model, served);
        Usage seen = served;
        if (!tells_usage) {  // our estimate: within 15% either way of the answer that came so far
          seen.input = served.prompt_tokens() * random.between(95, 105) / 100;
          seen.cached_input = 0;
          seen.output = served.completion_tokens() * random.between(85, 115) / 100;
          seen.reasoning = 0;
          seen.estimated = true;
        }
        ExchangeAttempt attempt = attempt_of("openai", model, seen);
        attempt.purpose = purpose;
        exchange.attempts.push_back(attempt);
      };
      const double kind = random.uniform();
      if (kind < 0.05) {  // failed before anything was served
        exchange.attempts.push_back(attempt_of("openai", model, {}));
        exchange.attempts.back().error = "overloaded: 503";
      }
      if (kind > 0.05 && kind < 0.1) call(ExchangeAttempt::Purpose::kHedge, true);   // the loser is billed too
      if (kind > 0.1 && kind < 0.13) call(ExchangeAttempt::Purpose::kAnswer, true);  // broke off and was tried again
      const bool hung_up = with_estimates && random.chance(0.01);
      exchange.partial = hung_up;
      call(ExchangeAttempt::Purpose::kAnswer, !hung_up);
      price_all(exchange);
      ledger.add(exchange);
    }
    const Money billed = invoice.total(traffic_book());
    const double difference = static_cast<double>((ledger.total().cost - billed).nano());
    if (with_estimates) {
      EXPECT_LT(std::abs(difference) / static_cast<double>(billed.nano()), 0.005);
      EXPECT_GT(ledger.total().estimated, 0);
      EXPECT_NE(difference, 0) << "nothing was estimated after all";
    } else {
      // At these prices every component of a call is a whole number of nano-dollars: nothing is rounded.
      EXPECT_EQ(ledger.total().cost, billed);
    }
  }
}

}  // namespace
}  // namespace understudy::testing
