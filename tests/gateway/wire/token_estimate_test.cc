#include "gateway/wire/token_estimate.h"

#include <gtest/gtest.h>

#include <string>

namespace understudy {
namespace {

TEST(TokenEstimate, CountsByTheKindOfCharacters) {
  EXPECT_EQ(estimate_tokens(""), 0);
  EXPECT_EQ(estimate_tokens("hello"), 1);
  EXPECT_EQ(estimate_tokens("hello world"), 2);           // one blank goes with its word
  EXPECT_EQ(estimate_tokens("hello    world"), 3);        // a run of them does not
  EXPECT_EQ(estimate_tokens("internationalisation"), 3);  // 20 letters
  EXPECT_EQ(estimate_tokens("1234567"), 3);
  EXPECT_EQ(estimate_tokens("{\"a\": 1}"), 5);
  EXPECT_EQ(estimate_tokens("\n\n    "), 1);
  EXPECT_EQ(estimate_tokens("日本語"), 3);
  EXPECT_EQ(estimate_tokens("привет"), 3);
  EXPECT_EQ(estimate_tokens("\xFF\xFE"), 2);
}

// Counts of the vocabularies cl100k_base and o200k_base (their mean).
TEST(TokenEstimate, ComesOutWithinAFifthOfRealVocabularies) {
  const auto expect_near = [](std::string_view text, double counted) {
    EXPECT_NEAR(static_cast<double>(estimate_tokens(text)), counted, counted * 0.2) << text;
  };
  expect_near(
      "The quick brown fox jumps over the lazy dog. It was a bright cold day in April, and the clocks were striking "
      "thirteen. Please pay the invoice within thirty days of receipt.",
      36);
  expect_near(R"({"invoice":{"number":"INV-2024-00317","date":"2024-03-19","total":1249.5,"currency":"EUR","lines":[)"
              R"({"sku":"A-100","quantity":3,"price":400.0},{"sku":"B-7","quantity":1,"price":49.5}]}})",
              68.5);
  expect_near(
      "Sehr geehrte Damen und Herren, anbei erhalten Sie die Rechnung für März. Bitte überweisen Sie den Betrag "
      "innerhalb von dreißig Tagen auf das angegebene Konto.",
      40.5);
  expect_near("请在三十天内支付发票金额。如有任何问题，请随时与我们联系。", 22.5);
}

TEST(TokenEstimate, CountsAllThatAModelReads) {
  ChatRequest request;
  request.messages = {Message::of(Role::kSystem, "hello"), Message::of(Role::kUser, "hello world")};
  EXPECT_EQ(estimate_prompt_tokens(request), 4 + 1 + 4 + 2);
  const int64_t plain = estimate_prompt_tokens(request);
  request.messages[1].content.emplace_back().other = Media{.kind = Media::Kind::kImage, .data = "AAAA"};
  EXPECT_EQ(estimate_prompt_tokens(request), plain + 1000);
  const int64_t with_image = estimate_prompt_tokens(request);
  request.tools = {{.name = "weather", .parameters = Json::object()}};
  EXPECT_GT(estimate_prompt_tokens(request), with_image);
  const int64_t with_tool = estimate_prompt_tokens(request);
  request.response_format = {.kind = ResponseFormat::Kind::kJsonSchema, .schema = {{"type", "object"}}};
  EXPECT_GT(estimate_prompt_tokens(request), with_tool);
}

TEST(TokenEstimate, WhatWasSeenOfAnAnswerIsMarked) {
  ChatRequest request;
  request.prompt = "hello world";
  ChatAnswer answer;
  answer.choices = {{.text = "hello", .reasoning = {{.text = "one two"}}, .tool_calls = {{"c", "f", "{}", ""}}},
                    {.refusal = "no"}};
  const Usage usage = estimate_usage(request, answer);
  EXPECT_EQ(usage, (Usage{.input = 2, .output = 1 + 8 + 1 + 1 + 1, .reasoning = 2, .estimated = true}));
  EXPECT_TRUE(estimate_answer_usage({}).estimated);
}

}  // namespace
}  // namespace understudy
