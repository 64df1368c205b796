#include "records/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "tests/records/made_exchange.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;

Exchange invoice() {
  Exchange exchange;
  exchange.id = "x-1";
  exchange.at_ms = 1'795'564'800'123;
  exchange.endpoint = "/v1/chat/completions";
  exchange.model = "small";
  exchange.provider = "groq";
  exchange.provider_model = "llama-3.1-8b-instant";
  exchange.task = "invoices";
  exchange.tags = {{"team", "billing"}};
  exchange.status = 200;
  exchange.route = {"invoices", "teacher", "sentinel", 3};
  ExchangeAttempt attempt;
  attempt.provider = "groq";
  attempt.model = "llama-3.1-8b-instant";
  attempt.key = 1;
  attempt.at_ms = exchange.at_ms + 2;
  attempt.status = 200;
  attempt.usage = {.input = 100, .cached_input = 20, .output = 7};
  attempt.cost = Money::nano_dollars(13'500);
  attempt.total_ms = 81.5;
  exchange.attempts = {attempt};
  exchange.usage = attempt.usage;
  exchange.cost = attempt.cost;
  exchange.total_ms = 82;
  exchange.request = R"({ "model": "small", "messages": [] })";
  exchange.answer = "upstream said no";
  return exchange;
}

TEST(ExchangeJson, HasTheMembersThatOthersRead) {
  EXPECT_EQ(to_json(invoice()), parse_json(R"({
    "id": "x-1", "at": "2026-11-25T00:00:00.123Z", "task": "invoices", "model": "small", "provider": "groq",
    "status": 200, "usage": {"input": 100, "cached_input": 20, "cache_write": 0, "output": 7, "reasoning": 0},
    "cost_usd": "0.000013500", "first_token_ms": null, "total_ms": 82.0, "stream": false, "partial": false,
    "estimated": false, "sampled": true, "terms": "no_training", "endpoint": "/v1/chat/completions",
    "protocol": "openai-chat", "provider_model": "llama-3.1-8b-instant", "fingerprint": null,
    "tags": {"team": "billing"}, "key": null, "error": null,
    "route": {"task": "invoices", "decision": "teacher", "reason": "sentinel", "version": 3},
    "attempts": [{"purpose": "answer", "provider": "groq", "model": "llama-3.1-8b-instant", "key": 1,
      "at": "2026-11-25T00:00:00.125Z", "status": 200, "error": null,
      "usage": {"input": 100, "cached_input": 20, "cache_write": 0, "output": 7, "reasoning": 0},
      "cost_usd": "0.000013500", "price_version": null, "first_token_ms": null, "total_ms": 81.5,
      "terms": "no_training"}],
    "request": {"model": "small", "messages": []}, "answer": "upstream said no"})",
                                           "expected"));
}

TEST(ExchangeJson, AnUnknownPriceIsNull) {
  Exchange exchange = invoice();
  exchange.cost.reset();
  EXPECT_TRUE(to_json(exchange)["cost_usd"].is_null());
  EXPECT_EQ(exchange_from(to_json(exchange)).cost, std::nullopt);
}

TEST(ExchangeJson, ComesBackTheSame) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const Exchange exchange = testing::made_exchange(seed, false);
    const std::string text = dump_json(to_json(exchange));
    EXPECT_EQ(exchange_from(parse_json(text, "row")), exchange) << "seed " << seed << "\n" << text;
  }
}

TEST(ExchangeJson, ABodyIsAValueWhereItIsOneAndElseItsText) {
  Exchange exchange = invoice();
  for (const std::string body : {"plain", "\"quoted\"", "12", "null", "{\"a\":1", "{\"a\":1,\"a\":2}", "[1] x", "  ",
                                 "{\"a\":\"\xff\"}", "a\xff\0b"}) {
    exchange.request = body;
    EXPECT_TRUE(to_json(exchange)["request"].is_string()) << body;
    EXPECT_EQ(exchange_from(to_json(exchange)).request, body);
  }
  exchange.request = std::string(200, '[') + std::string(200, ']');
  EXPECT_TRUE(to_json(exchange)["request"].is_array()) << "as deep as the gateway lets in";
  exchange.request = " \n[1, 2]";
  EXPECT_EQ(exchange_from(to_json(exchange)).request, "[1,2]");
  exchange.request.clear();
  EXPECT_TRUE(to_json(exchange)["request"].is_null());
}

std::string fault_with(const char* member, Json value) {
  Json json = to_json(invoice());
  json[member] = std::move(value);
  try {
    (void)exchange_from(json);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
    return error.message();
  }
  return "nothing was refused";
}

TEST(ExchangeJson, NamesTheMemberThatIsWrong) {
  EXPECT_EQ(fault_with("id", nullptr), "exchange: id: expected a text, but it is missing");
  EXPECT_THAT(fault_with("at", "yesterday"), HasSubstr("exchange: at: expected an instant such as"));
  EXPECT_EQ(fault_with("status", "200"), "exchange: status: expected a whole number, got \"200\"");
  EXPECT_THAT(fault_with("status", INT64_C(1) << 40), HasSubstr("32 bits"));
  EXPECT_THAT(fault_with("status", UINT64_MAX), HasSubstr("a whole number"));
  EXPECT_THAT(fault_with("cost_usd", 0.5), HasSubstr("exchange: cost_usd: expected a text"));
  EXPECT_THAT(fault_with("cost_usd", "dear"), HasSubstr("exchange.cost_usd: \"dear\" is not an amount"));
  EXPECT_THAT(fault_with("terms", "any"), HasSubstr("exchange: terms: expected a word"));
  EXPECT_THAT(fault_with("protocol", "smtp"), HasSubstr("exchange: protocol: expected a word"));
  EXPECT_THAT(fault_with("partial", 1), HasSubstr("true or false"));
  EXPECT_THAT(fault_with("usage", 1), HasSubstr("exchange.usage: expected a JSON object"));
  EXPECT_THAT(fault_with("tags", Json{{"a", 1}}), HasSubstr("exchange.tags: a: expected a text"));
  EXPECT_THAT(fault_with("attempts", Json::object()), HasSubstr("exchange.attempts: expected a list"));
  EXPECT_THAT(fault_with("attempts", Json::array({{{"at", "2026-11-25"}, {"gate", Json::array({1})}}})),
              HasSubstr("exchange.attempts[0]: gate: expected a list of texts"));
  EXPECT_THROW(exchange_from(Json(1)), Error);
}

}  // namespace
}  // namespace understudy
