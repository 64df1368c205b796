#include "evaluation/answer_text.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/support/fuzz_count.h"

namespace understudy::evaluation {
namespace {

AnswerState state(std::string_view text) {
  return parse_answer(text).state;
}

TEST(AnswerText, ValidIsOneDocument) {
  EXPECT_EQ(state(R"({"a": 1})"), AnswerState::kValid);
  EXPECT_EQ(state(" \"text\" \n"), AnswerState::kValid);
  EXPECT_EQ(state(R"({"a": 1} {"b": 2})"), AnswerState::kInvalid);
  EXPECT_EQ(state(R"({"a": 1, "a": 2})"), AnswerState::kInvalid);
  EXPECT_EQ(state(R"({'a': 1})"), AnswerState::kInvalid);
  EXPECT_EQ(state(R"({"a": 1)"), AnswerState::kInvalid);
  EXPECT_EQ(state(""), AnswerState::kInvalid);
}

TEST(AnswerText, RecoversFencesAndWordsAround) {
  for (const char* text : {"```json\n{\"a\": 1}\n```", "```\n{\"a\": 1}\n```\n",
                           "Here it is: {\"a\": 1} Anything else?", "Sure!\n```json\n{\"a\": 1}\n```", "{\"a\": 1}}"}) {
    const ParsedAnswer parsed = parse_answer(text);
    EXPECT_EQ(parsed.state, AnswerState::kRecovered) << text;
    EXPECT_EQ(parsed.value, Json::parse("{\"a\": 1}")) << text;
  }
  EXPECT_EQ(parse_answer("see: {\"a\": \"}{\\\"\"}.").value["a"], "}{\"");
}

TEST(AnswerText, DoesNotRecoverDoubt) {
  EXPECT_EQ(state("either {\"a\": 1} or {\"a\": 2}"), AnswerState::kInvalid);
  EXPECT_EQ(state("it is {\"a\": 1, \"a\": 2}"), AnswerState::kInvalid);
  EXPECT_EQ(state("```json\n{\"a\": 1}\n``` and ```json\n{\"a\": 2}\n```"), AnswerState::kInvalid);
  EXPECT_EQ(state("it is {\"a\": 1"), AnswerState::kInvalid);
}

TEST(AnswerText, LimitsSizeAndDepth) {
  EXPECT_EQ(state("\"" + std::string(kMaxAnswerBytes, 'x') + "\""), AnswerState::kInvalid);
  EXPECT_EQ(state(std::string(100'000, '[')), AnswerState::kInvalid);
  EXPECT_EQ(state(std::string(100'000, '{')), AnswerState::kInvalid);
}

TEST(AnswerText, AnyBytesAreAnAnswer) {
  const std::string valid =
      "```json\n{\"items\": [{\"name\": \"caf\xC3\xA9\", \"price\": 1.5e3}, null], \"t\": \"\\u00e9\"}\n```";
  Random random(7);
  for (int i = 0; i < testing::fuzz_count(300); ++i) {
    const std::string text = testing::mutated(valid, random);
    const ParsedAnswer parsed = parse_answer(text);
    if (parsed.state == AnswerState::kInvalid) EXPECT_TRUE(parsed.value.is_null()) << text;
    if (parsed.state == AnswerState::kValid) EXPECT_EQ(try_parse_json(text), parsed.value) << text;
  }
}

}  // namespace
}  // namespace understudy::evaluation
