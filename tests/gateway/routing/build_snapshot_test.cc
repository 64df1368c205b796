#include "gateway/routing/build_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/scripted_provider.h"
#include "tests/support/temporary_folder.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Script;
using testing::ScriptedProvider;
using testing::TemporaryFolder;

constexpr const char* kConfig = R"(
prices: prices.yml
providers:
  openai: {vendor: openai, keys: [env:A], timeouts: {first_token: 7s}, breaker: {failures: 2}}
  own: {vendor: understudy, base_url: "http://10.0.0.1:8080/v1", allow_private_address: true, terms: may_train}
models:
  gpt-5: {chain: [openai/gpt-5, own/any], pick: least_latency, hedge_after: 800ms, retries: {attempts: 4, budget: 5s}}
  invoices-v1: [own/invoices-v1]
tasks:
  invoices:
    match: {header: invoices, models: [gpt-5]}
    teacher: gpt-5
    specialist: invoices-v1
    card: card.json
    share: 20%
    sentinel: 2%
    after: {schema: schema.json, grounded: [total], min_value_token_probability: 0.5}
keys:
  app: {sha256: 7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069, models: [gpt-5], budget: 50 USD/day}
)";

class BuildSnapshotTest : public ::testing::Test {
 protected:
  BuildSnapshotTest() {
    folder_.write("prices.yml", "- {vendor: openai, model: gpt-5, from: 2025-08-07, input: 1.25, output: 10}\n");
    folder_.write("card.json", R"({"prompt_tokens": {"p99_5": 431}, "tool_schema": null})");
    folder_.write("schema.json", R"({"type": "object", "properties": {"total": {"type": "string"}}})");
    folder_.write("gateway.yml", kConfig);
    for (const char* name : {"openai", "own"}) {
      parts_.providers[name] = std::make_shared<ScriptedProvider>(deadlines_, Script());
    }
  }
  GatewayConfig config() const { return GatewayConfig::read_file(folder_ / "gateway.yml"); }

  const TemporaryFolder folder_;
  Deadlines deadlines_;
  HealthBoard board_;
  SnapshotParts parts_{{}, board_, 1'800'000'000};
};

TEST_F(BuildSnapshotTest, ChainsHaveTheirTargetsPricesAndLimits) {
  const auto snapshot = build_snapshot(config(), parts_);
  const Chain& chain = *snapshot->models.at("gpt-5");
  ASSERT_EQ(chain.targets.size(), 2U);
  EXPECT_EQ(chain.targets[0].provider, parts_.providers["openai"]);
  EXPECT_EQ(chain.targets[0].model, "gpt-5");
  EXPECT_EQ(chain.targets[0].timeouts.first_token, std::chrono::seconds(7));
  EXPECT_EQ(chain.targets[0].terms, Terms::kNoTraining);
  EXPECT_FALSE(chain.targets[0].is_owned);
  EXPECT_TRUE(chain.targets[1].is_owned);
  EXPECT_EQ(chain.targets[1].terms, Terms::kMayTrain);
  EXPECT_EQ(chain.pick, Chain::Pick::kLeastLatency);
  EXPECT_EQ(chain.hedge_after, std::chrono::milliseconds(800));
  EXPECT_EQ(chain.retries.attempts, 4);
  Usage usage;
  usage.output = 1000;
  const auto price = chain.price("openai", "gpt-5", 1'800'000'000'000, usage);
  ASSERT_TRUE(price);
  EXPECT_EQ(price->cost, Money::nano_dollars(10'000'000));
  EXPECT_FALSE(chain.price("openai", "gpt-9", 1'800'000'000'000, usage)) << "unknown is unknown, never 0";
}

TEST_F(BuildSnapshotTest, ATaskHasItsGateItsCardAndItsChains) {
  const auto snapshot = build_snapshot(config(), parts_);
  const RoutedTask& task = snapshot->tasks.at("invoices");
  EXPECT_EQ(task.teacher, snapshot->models.at("gpt-5"));
  EXPECT_EQ(task.specialist, snapshot->models.at("invoices-v1"));
  EXPECT_EQ(task.card.longest_prompt, 431);
  EXPECT_FALSE(task.card.has_tools);
  ASSERT_TRUE(task.gate);
  EXPECT_TRUE(task.gate->schema);
  EXPECT_THAT(task.gate->grounded, ElementsAre("total"));
  EXPECT_TRUE(task.gate->scorer);
  EXPECT_THAT(snapshot->keys.at("app").models, ElementsAre("gpt-5"));
}

TEST_F(BuildSnapshotTest, RoutesAndBudgetsBeginAsTheConfigSays) {
  const std::vector<Route> routes = first_routes(config());
  ASSERT_EQ(routes.size(), 1U);
  EXPECT_EQ(routes[0].task, "invoices");
  EXPECT_DOUBLE_EQ(routes[0].share, 0.2);
  EXPECT_DOUBLE_EQ(routes[0].sentinel, 0.02);
  EXPECT_EQ(routes[0].min_value_token_probability, 0.5);
  EXPECT_EQ(routes[0].version, 0);
  EXPECT_EQ(key_limits(config()).count("app"), 1U);
}

TEST_F(BuildSnapshotTest, AFileThatCannotBeReadIsNamed) {
  folder_.write("schema.json", "{");
  try {
    (void)build_snapshot(config(), parts_);
    ADD_FAILURE() << "a broken schema was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("schema.json"));
  }
}

TEST_F(BuildSnapshotTest, WhatIsKnownOfATargetOutlivesTheConfig) {
  const auto before = build_snapshot(config(), parts_);
  const auto after = build_snapshot(config(), parts_);
  EXPECT_EQ(before->models.at("gpt-5")->targets[0].health, after->models.at("gpt-5")->targets[0].health);
}

}  // namespace
}  // namespace understudy
