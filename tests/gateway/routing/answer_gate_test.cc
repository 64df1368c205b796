#include "gateway/routing/answer_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "base/random.h"
#include "tests/support/fuzz_count.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

ChatAnswer answer_of(const std::string& text, FinishReason reason = FinishReason::kStop) {
  ChatAnswer answer;
  answer.choices.resize(1);
  answer.choices[0].text = text;
  answer.choices[0].reason = reason;
  return answer;
}

// The text in tokens of given probabilities.
ChatAnswer answer_of(const std::vector<std::pair<std::string, double>>& tokens) {
  ChatAnswer answer = answer_of("");
  for (const auto& [token, probability] : tokens) {
    answer.choices[0].text += token;
    TokenLogprobs logprobs;
    logprobs.chosen = {token, std::log(probability)};
    answer.choices[0].logprobs.push_back(logprobs);
  }
  return answer;
}

AnswerGate gate_of(const std::string& schema, std::vector<std::string> grounded = {}) {
  AnswerGate gate;
  const Json value = parse_json(schema, "schema");
  gate.schema = std::make_shared<const evaluation::AnswerSchema>(value, "schema");
  gate.fields = std::make_shared<const evaluation::FieldNode>(evaluation::field_tree_from_schema(value, "schema"));
  gate.grounded = std::move(grounded);
  return gate;
}

const std::string kSchema = R"({"type": "object", "required": ["total"], "properties":
  {"vendor": {"type": "string"}, "total": {"type": "number"},
   "items": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}}})";
const std::string kInput = "Invoice of Muster GmbH, one chair, total 19.90";

TEST(AnswerGate, ASchemaAndValuesThatStandInTheInputPass) {
  const AnswerGate gate = gate_of(kSchema, {"vendor", "total", "items"});
  const ChatAnswer good = answer_of(R"({"vendor": "Muster GmbH", "total": 19.90, "items": [{"name": "chair"}]})");
  EXPECT_THAT(held_back_because(gate, good, kInput, std::nullopt), IsEmpty());
  const ChatAnswer absent = answer_of(R"({"vendor": null, "total": 19.90})");
  EXPECT_THAT(held_back_because(gate_of(R"({"type": "object"})", {"vendor"}), absent, kInput, std::nullopt), IsEmpty());
}

TEST(AnswerGate, SaysWhatIsWrong) {
  const AnswerGate gate = gate_of(kSchema, {"vendor", "total", "items"});
  const auto reasons = [&](const std::string& text) {
    return held_back_because(gate, answer_of(text), kInput, std::nullopt);
  };
  EXPECT_THAT(reasons(R"({"vendor": "Muster GmbH"})"), ElementsAre(StartsWith("schema: ")));
  EXPECT_THAT(reasons(R"({"vendor": "Muster GmbH", "total": 20.90})"), ElementsAre("grounded: total"));
  EXPECT_THAT(reasons(R"({"total": 19.90, "items": [{"name": "chair"}, {"name": "a table of oak"}]})"),
              ElementsAre("grounded: items[1].name"));
  EXPECT_THAT(reasons("The total is 19.90"), ElementsAre("not JSON"));
  EXPECT_THAT(reasons("```json\n{\"total\": 19.90}\n```"), ElementsAre("not JSON"));
}

TEST(AnswerGate, AnAnswerThatWasCutIsHeldBack) {
  const AnswerGate nothing;
  EXPECT_THAT(held_back_because(nothing, answer_of("x"), "", std::nullopt), IsEmpty());
  EXPECT_THAT(held_back_because(nothing, answer_of("x", FinishReason::kLength), "", std::nullopt),
              ElementsAre("finish: length"));
  EXPECT_THAT(held_back_because(nothing, answer_of("x", FinishReason::kContentFilter), "", std::nullopt),
              ElementsAre("finish: content_filter"));
  EXPECT_THAT(held_back_because(nothing, ChatAnswer(), "", std::nullopt), ElementsAre("finish: no answer"));
}

TEST(AnswerGate, OnlyValueTokensCount) {
  AnswerGate gate;
  gate.scorer = least_value_token();
  const auto reasons = [&](const ChatAnswer& answer) { return held_back_because(gate, answer, "", 0.5); };
  // An unsure skeleton and an unsure key say nothing.
  EXPECT_THAT(reasons(answer_of({{"{\"", 0.1}, {"total", 0.2}, {"\": ", 0.1}, {"19", 0.9}, {".90", 0.8}, {"}", 0.1}})),
              IsEmpty());
  EXPECT_THAT(reasons(answer_of({{"{\"", 1}, {"total", 1}, {"\": ", 1}, {"19", 0.9}, {".90", 0.31}, {"}", 1}})),
              ElementsAre("value token: 0.31 below 0.5 (not certified)"));
  // A token with a value's bytes and the skeleton's is a value's.
  EXPECT_THAT(reasons(answer_of({{"{\"vendor\": \"Mus", 0.4}, {"ter", 1}, {"\"}", 0.1}})),
              ElementsAre("value token: 0.4 below 0.5 (not certified)"));
  EXPECT_THAT(reasons(answer_of({{"invoice", 0.3}})), ElementsAre("value token: 0.3 below 0.5 (not certified)"));
  EXPECT_THAT(reasons(answer_of("{}")), ElementsAre("value token: no log-probabilities"));
  EXPECT_THAT(held_back_because(gate, answer_of("{}"), "", std::nullopt), IsEmpty()) << "no limit, no question";
}

TEST(AnswerGate, FindsTheValuesOfAJsonText) {
  const std::string text = R"({"a b": "x\"y", "c": [1.5, true, null, {"d": ""}], "e" : "f"})";
  std::vector<std::string> values;
  for (const auto& [first, after] : value_spans(text)) values.push_back(text.substr(first, after - first));
  EXPECT_THAT(values, ElementsAre("x\\\"y", "1.5", "true", "null", "", "f"));
}

TEST(AnswerGate, StandsWhateverAModelWrites) {
  AnswerGate gate = gate_of(kSchema, {"vendor", "total", "items"});
  gate.scorer = least_value_token();
  Random random(5);
  const int rounds = testing::fuzz_count(300);
  for (int i = 0; i < rounds; ++i) {
    const std::string text =
        testing::mutated(R"({"vendor": "Muster", "total": 19.90, "items": [{"name": "chair"}]})", random);
    ChatAnswer answer = answer_of({{text.substr(0, text.size() / 2), 0.9}, {text.substr(text.size() / 2), 0.9}});
    held_back_because(gate, answer, kInput, 0.5);
    for (const auto& [first, after] : value_spans(text)) {
      ASSERT_LE(first, after) << text;
      ASSERT_LE(after, text.size()) << text;
    }
  }
}

}  // namespace
}  // namespace understudy
