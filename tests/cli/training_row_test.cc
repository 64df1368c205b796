#include "cli/training_row.h"

#include <gmock/gmock.h>

#include <optional>

#include "base/json.h"

namespace understudy::cli {
namespace {

Exchange answered() {
  Exchange exchange;
  exchange.id = "x-1";
  exchange.at_ms = 1'793'577'600'000;
  exchange.model = "small";
  exchange.provider = "own-aws";
  exchange.provider_model = "llama-3.1-8b";
  exchange.status = 200;
  exchange.terms = Terms::kMayTrain;
  exchange.request =
      R"({"model":"small","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Grüße?"}],)"
      R"("temperature":0.5})";
  exchange.answer = R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":)"
                    R"({"role":"assistant","content":"Hello."},"finish_reason":"stop"}]})";
  return exchange;
}

void replace(std::string& text, const std::string& old_part, const std::string& new_part) {
  const size_t at = text.find(old_part);
  ASSERT_NE(at, std::string::npos) << old_part;
  text.replace(at, old_part.size(), new_part);
}

TEST(TrainingRow, IsTheConversationWithItsAnswerAndWhereItCameFrom) {
  const TrainingRow result = training_row(answered());
  ASSERT_EQ(result.left_out, std::nullopt);
  EXPECT_EQ(result.row, parse_json(R"({"messages": [{"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Grüße?"}, {"role": "assistant", "content": "Hello."}],
    "metadata": {"id": "x-1", "model": "llama-3.1-8b", "provider": "own-aws", "at": "2026-11-02T00:00:00.000Z"}})",
                                   "expected"));
}

TEST(TrainingRow, PrunedItIsWithoutTheInstructions) {
  const TrainingRow result = training_row(answered(), true);
  ASSERT_EQ(result.left_out, std::nullopt);
  ASSERT_EQ(result.row.at("messages").size(), 2U);
  EXPECT_EQ(result.row.at("messages").at(0).at("content"), "Grüße?");
}

TEST(TrainingRow, ToolsAndTheirCallsStandInOpenAisForm) {
  Exchange exchange = answered();
  replace(exchange.request, R"("temperature":0.5)",
          R"("tools":[{"type":"function","function":{"name":"look_up","parameters":{"type":"object"}}}])");
  replace(
      exchange.answer, R"("content":"Hello.")",
      R"("content":null,"tool_calls":[{"id":"t1","type":"function","function":{"name":"look_up","arguments":"{\"a\":1}"}}])");
  replace(exchange.answer, R"("finish_reason":"stop")", R"("finish_reason":"tool_calls")");
  const TrainingRow result = training_row(exchange);
  ASSERT_EQ(result.left_out, std::nullopt);
  EXPECT_EQ(result.row.at("tools").at(0).at("function").at("name"), "look_up");
  const Json& answer = result.row.at("messages").at(2);
  EXPECT_EQ(answer.at("tool_calls").at(0).at("function").at("arguments"), R"({"a":1})");
}

TEST(TrainingRow, WhatMayNotOrCannotBeTrainedOnIsLeftOutWithItsReason) {
  const auto reason_after = [](void (*change)(Exchange&)) {
    Exchange exchange = answered();
    change(exchange);
    return training_row(exchange).left_out;
  };
  EXPECT_EQ(reason_after([](Exchange& exchange) { exchange.terms = Terms::kNoTraining; }), LeftOut::kNoTraining);
  EXPECT_EQ(reason_after([](Exchange& exchange) { exchange.sampled = false; }), LeftOut::kNotKept);
  EXPECT_EQ(reason_after([](Exchange& exchange) { exchange.answer.clear(); }), LeftOut::kNotKept);
  EXPECT_EQ(reason_after([](Exchange& exchange) { exchange.partial = true; }), LeftOut::kUnanswered);
  EXPECT_EQ(reason_after([](Exchange& exchange) { exchange.status = 502; }), LeftOut::kUnanswered);
  EXPECT_EQ(reason_after([](Exchange& exchange) { exchange.error = "reset: by the provider"; }), LeftOut::kUnanswered);
  EXPECT_EQ(reason_after([](Exchange& exchange) { replace(exchange.answer, R"("stop")", R"("length")"); }),
            LeftOut::kUnanswered);
  EXPECT_EQ(reason_after([](Exchange& exchange) { replace(exchange.answer, "Hello.", ""); }), LeftOut::kUnanswered);
  EXPECT_EQ(reason_after([](Exchange& exchange) { exchange.request = "not JSON"; }), LeftOut::kNoChat);
  EXPECT_EQ(reason_after([](Exchange& exchange) { exchange.protocol = ProtocolName::kOpenAiEmbeddings; }),
            LeftOut::kNoChat);
  EXPECT_EQ(reason_after([](Exchange& exchange) {
              replace(exchange.request, R"("Grüße?")",
                      R"([{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}])");
            }),
            LeftOut::kNoChat);
}

}  // namespace
}  // namespace understudy::cli
