// The commands that add up captured traffic, on a store that the test fills: what a user types, sees and gets back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "records/store.h"
#include "tests/economics/made_traffic.h"
#include "tests/support/run_command.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kConfig = R"(
listen: 127.0.0.1:8080
store: sqlite:traffic.db
prices: prices.yml
capture: {folder: capture}
providers:
  openai: {vendor: openai, keys: [env:NOBODY_SETS_THIS]}
  local: {engine: {model: final_model.gguf}}
models:
  gpt-5: [openai/gpt-5]
  invoices-v7: {chain: [{model: local/invoices-v7, weight: 1}]}
tasks:
  invoices: {teacher: gpt-5, specialist: invoices-v7}
)";

class TrafficCommands : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write("prices.yml",
                  "- {vendor: openai, model: gpt-5, from: 2025-08-07, input: 1.25, output: 10, batch: 50%}\n");
    std::vector<Exchange> exchanges;
    for (int i = 0; i <= 4; ++i) {
      Exchange exchange = exchange_at(kTrafficBegins + i * 21'600'000LL, "invoices");  // over one day
      const bool is_own = i > 0;
      exchange.route.decision = is_own ? "specialist" : "teacher";
      exchange.attempts = {
          attempt_of(is_own ? "local" : "openai", is_own ? "invoices-v7" : "gpt-5", {.input = 2400, .output = 220})};
      price_all(exchange);
      exchange.request =
          R"({"model":"gpt-5","messages":[{"role":"system","content":"Read the invoice."},{"role":"user","content":"Rechnung 17"}]})";
      exchanges.push_back(exchange);
    }
    open_store({.url = "sqlite:" + (folder_ / "traffic.db").string()})->add(exchanges, {});
  }
  Json json_of(std::vector<std::string> arguments) const {
    const CommandResult result = run_understudy(std::move(arguments));
    EXPECT_EQ(result.status, 0) << result.errors;
    return parse_json(result.output, "output");
  }
  TemporaryFolder folder_;
  std::string config_ = folder_.write("gateway.yml", kConfig).string();
};

TEST_F(TrafficCommands, TheSumIsDoneOnWhatWasCaptured) {
  const Json sum = json_of({"cost", "--from-traffic", "--config", config_, "--json"});
  EXPECT_DOUBLE_EQ(sum.at("specialist_share").at("requests").get<double>(), 0.8);
  EXPECT_EQ(sum.at("rented").at("total"), "0.026");
  EXPECT_EQ(sum.at("rented_optimised").at("total"), "0.013");
  EXPECT_EQ(sum.at("owned").at("total"), "0.0052");
  EXPECT_EQ(sum.at("advice").at("winner"), "own");
  EXPECT_EQ(sum.at("spend").at("total").at("cost_usd"), "0.005200000");
  EXPECT_EQ(sum.at("spend").at("by_day").size(), 2U);
}

TEST_F(TrafficCommands, HostingAndBookedCostsCount) {
  const CommandResult booked = run_understudy(
      {"cost", "book", "--config", config_, "--kind", "training", "--amount", "12 USD", "--task", "invoices"});
  ASSERT_EQ(booked.status, 0) << booked.errors;
  const CommandResult sum = run_understudy({"cost", "--from-traffic", "--config", config_, "--owned.per_hour=2.50 USD",
                                            "--owned.tokens_per_second=3000", "--owned.utilisation=70%"});
  EXPECT_EQ(sum.status, 0) << sum.errors;
  EXPECT_THAT(sum.output, HasSubstr("Advice: renting wins"));
  EXPECT_THAT(sum.output, HasSubstr("$12.00 of one-time costs"));
  EXPECT_EQ(run_understudy({"cost", "book", "--config", config_, "--kind", "cake", "--amount", "1 USD"}).status, 2);
}

TEST_F(TrafficCommands, APriceThatChangesPricesAnew) {
  folder_.write("prices.yml", "- {vendor: openai, model: gpt-5, from: 2025-08-07, input: 2.50, output: 20}\n");
  EXPECT_EQ(json_of({"cost", "--from-traffic", "--config", config_, "--json"}).at("spend").at("total").at("cost_usd"),
            "0.005200000");
  EXPECT_EQ(json_of({"cost", "--from-traffic", "--config", config_, "--json", "--reprice"})
                .at("spend")
                .at("total")
                .at("cost_usd"),
            "0.010400000");
}

TEST_F(TrafficCommands, RefusesWhatTrafficMeasuresItself) {
  const CommandResult result =
      run_understudy({"cost", "--from-traffic", "--config", config_, "--requests_per_day", "5"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.errors, HasSubstr("--requests_per_day"));
  EXPECT_EQ(run_understudy({"cost", "--from-traffic"}).status, 2);
}

TEST_F(TrafficCommands, TasksTellsTheKindsOfWork) {
  const Json rows = json_of({"tasks", "--config", config_, "--json"});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].at("task"), "invoices");
  EXPECT_EQ(rows[0].at("requests"), 5);
  EXPECT_EQ(rows[0].at("example"), "Rechnung 17");
  EXPECT_GT(rows[0].at("static_prompt_tokens").get<int>(), 0);
  EXPECT_EQ(json_of({"tasks", "--config", config_, "--json", "--since", "2026-11-02T23:00:00Z"})[0].at("requests"), 1);
  EXPECT_THAT(run_understudy({"tasks", "--config", config_}).output, HasSubstr("80%"));
  EXPECT_EQ(run_understudy({"tasks", "--config", config_, "--since", "soon"}).status, 2);
}

}  // namespace
}  // namespace understudy::testing
