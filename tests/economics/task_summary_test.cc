#include "economics/task_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/economics/made_traffic.h"

namespace understudy::testing {
namespace {

TEST(TaskSummaries, TellsWhatThereIsAndWhatItCosts) {
  TaskSummaries summaries(traffic_parties(), {"invoices", "letters"});
  const PromptShape shape{.static_bytes = 500, .body_bytes = 1000, .example = "Rechnung 17"};
  Exchange exchange = exchange_at(kTrafficBegins, "invoices");
  exchange.attempts = {attempt_of("openai", "gpt-5", {.input = 1000, .output = 100})};
  price_all(exchange);
  summaries.add(exchange, shape);
  exchange = exchange_at(kTrafficBegins + 5000, "invoices");
  exchange.route.decision = "specialist";
  exchange.attempts = {attempt_of("local", "invoices-v7", {.input = 2000, .output = 100})};
  price_all(exchange);
  summaries.add(exchange, {});
  exchange = exchange_at(kTrafficBegins + 9000, "invoices");
  exchange.route.decision = "escalated";
  exchange.attempts = {attempt_of("local", "invoices-v7", {.input = 10}),
                       attempt_of("openai", "gpt-5", {.input = 2000})};
  price_all(exchange);
  summaries.add(exchange, shape);
  exchange = exchange_at(kTrafficBegins + 9500, "found-1a2b3c4d");
  exchange.attempts = {attempt_of("openai", "gpt-5", {.input = 1'000'000})};
  exchange.status = 0;
  price_all(exchange);
  summaries.add(exchange, {});

  const std::vector<TaskSummary> rows = summaries.rows();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].task, "found-1a2b3c4d") << "the most expensive first";
  EXPECT_FALSE(rows[0].is_configured);
  EXPECT_EQ(rows[2].task, "letters");
  EXPECT_EQ(rows[2].spend.requests, 0);
  const TaskSummary& invoices = rows[1];
  EXPECT_TRUE(invoices.is_configured);
  EXPECT_EQ(invoices.spend.requests, 3);
  EXPECT_EQ(invoices.by_teacher, 1);
  EXPECT_EQ(invoices.by_specialist, 1);
  EXPECT_EQ(invoices.escalated, 1);
  EXPECT_EQ(invoices.static_tokens, 750) << "half of 1,000 and of 2,000; a body that was not kept says nothing";
  EXPECT_EQ(invoices.first_ms, kTrafficBegins);
  EXPECT_EQ(invoices.last_ms, kTrafficBegins + 9000);
  EXPECT_EQ(invoices.prompts, 1);

  const Json json = to_json(invoices);
  EXPECT_EQ(json.at("task"), "invoices");
  EXPECT_EQ(json.at("requests"), 3);
  EXPECT_EQ(json.at("cost_usd"), "0.004750000");
  EXPECT_DOUBLE_EQ(json.at("share").at("specialist").get<double>(), 1.0 / 3);
  EXPECT_EQ(json.at("example"), "Rechnung 17");
  EXPECT_EQ(json.at("first_seen"), "2026-11-02T00:00:00.000Z");
  EXPECT_EQ(to_json(rows[2]).at("share").at("teacher"), nullptr);
}

}  // namespace
}  // namespace understudy::testing
