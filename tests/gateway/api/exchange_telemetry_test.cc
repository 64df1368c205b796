#include "gateway/api/exchange_telemetry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/json.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Exchange an_exchange() {
  Exchange exchange;
  exchange.id = "x1";
  exchange.at_ms = 1'700'000'000'123;
  exchange.endpoint = "/v1/chat/completions";
  exchange.model = "gpt-5";
  exchange.provider = "openai";
  exchange.provider_model = "gpt-5-2025";
  exchange.task = "invoices";
  exchange.key = "billing";
  exchange.status = 200;
  exchange.route = {"invoices", "teacher", "sentinel", 3};
  exchange.usage = {.input = 10, .cached_input = 90, .output = 7, .reasoning = 5};
  exchange.cost = Money::nano_dollars(375'000);
  exchange.first_token_ms = 12.5;
  exchange.total_ms = 100;
  exchange.request = "the prompt's text";
  exchange.answer = "the answer's text";
  ExchangeAttempt lost;
  lost.provider = "groq";
  lost.model = "llama";
  lost.at_ms = exchange.at_ms;
  lost.status = 503;
  lost.error = "overloaded: busy";
  lost.total_ms = 20;
  ExchangeAttempt won = lost;
  won.provider = "openai";
  won.model = "gpt-5-2025";
  won.status = 200;
  won.error.clear();
  won.usage = exchange.usage;
  won.cost = exchange.cost;
  exchange.attempts = {lost, won};
  return exchange;
}

TEST(AccessLineTest, HoldsFiguresAndNoTexts) {
  const std::string line = access_line(an_exchange(), false);
  const Json json = parse_json(line, "line");
  EXPECT_EQ(json["at"], "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(json["input_tokens"], 100);
  EXPECT_EQ(json["output_tokens"], 12);
  EXPECT_EQ(json["cost_usd"], "0.000375");
  EXPECT_THAT(line, Not(HasSubstr("text")));
  EXPECT_THAT(access_line(an_exchange(), true), HasSubstr("the prompt's text"));
}

TEST(AccessLineTest, AnUnknownPriceIsNull) {
  Exchange exchange = an_exchange();
  exchange.cost.reset();
  EXPECT_TRUE(parse_json(access_line(exchange, false), "line")["cost_usd"].is_null());
}

std::map<std::string, std::variant<std::string, int64_t, double>> attributes_of(const Span& span) {
  return {span.attributes.begin(), span.attributes.end()};
}

TEST(SpansTest, AttemptsAreChildrenOfTheExchange) {
  uint64_t count = 0;
  const auto spans = spans_of(
      an_exchange(), std::nullopt, [&count] { return ++count; }, false);
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_EQ(spans[0].kind, SpanKind::kServer);
  EXPECT_EQ(spans[0].name, "chat gpt-5");
  EXPECT_EQ(spans[0].end_ns - spans[0].start_ns, 100'000'000);
  EXPECT_FALSE(spans[0].parent);
  for (const size_t i : {1, 2}) {
    EXPECT_EQ(spans[i].parent, spans[0].id);
    EXPECT_EQ(spans[i].trace, spans[0].trace);
    EXPECT_NE(spans[i].id, spans[0].id);
  }
  EXPECT_EQ(spans[1].error, "overloaded: busy");
  EXPECT_EQ(std::get<std::string>(attributes_of(spans[1])["error.type"]), "overloaded");
  EXPECT_EQ(std::get<int64_t>(attributes_of(spans[2])["gen_ai.usage.input_tokens"]), 100);
  EXPECT_EQ(std::get<int64_t>(attributes_of(spans[2])["gen_ai.usage.cache_read.input_tokens"]), 90);
}

TEST(SpansTest, ContinueTheCallersTrace) {
  const TraceParent parent{{1}, {2}, true};
  const auto spans = spans_of(
      an_exchange(), parent, [] { return uint64_t{7}; }, false);
  EXPECT_EQ(spans[0].trace, parent.trace);
  EXPECT_EQ(spans[0].parent, parent.span);
}

TEST(SpansTest, HoldTextsOnlyWhenTold) {
  const auto quiet = spans_of(
      an_exchange(), std::nullopt, [] { return uint64_t{7}; }, false);
  EXPECT_EQ(attributes_of(quiet[0]).count("understudy.request"), 0u);
  const auto open = spans_of(
      an_exchange(), std::nullopt, [] { return uint64_t{7}; }, true);
  EXPECT_EQ(std::get<std::string>(attributes_of(open[0])["understudy.request"]), "the prompt's text");
}

TEST(ExchangeMetricsTest, CountsExchangesAttemptsTokensAndMoney) {
  Metrics metrics;
  ExchangeMetrics exchange_metrics(metrics);
  exchange_metrics.add(an_exchange());
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("outcome=\"overloaded\",provider=\"groq\"} 1"));
  EXPECT_THAT(text, HasSubstr("type=\"cached_input\"} 90"));
  EXPECT_THAT(text, HasSubstr("understudy_unpriced_attempts_total 1"));
  EXPECT_THAT(text, HasSubstr("0.000375"));
}

TEST(ExchangeMetricsTest, NamesOfStrangersAreNoLabels) {
  Metrics metrics;
  ExchangeMetrics exchange_metrics(metrics);
  Exchange exchange = an_exchange();
  exchange.attempts.clear();
  exchange.model = "made-up-7";
  exchange.task = "found-0a1b2c3d";
  exchange_metrics.add(exchange);
  EXPECT_THAT(metrics.text(), Not(HasSubstr("made-up-7")));
  EXPECT_THAT(metrics.text(), Not(HasSubstr("0a1b2c3d")));
}

}  // namespace
}  // namespace understudy
