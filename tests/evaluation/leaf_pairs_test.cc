#include "evaluation/leaf_pairs.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace understudy::evaluation {
namespace {

const AbsentWords& usual_words() {
  static const AbsentWords words({"", "N/A", "none", "-", "unknown", "not found"});
  return words;
}

// "path=outcome" of each leaf.
std::vector<std::string> outcomes(const char* gold, const char* answer, const char* schema = "{}") {
  const Json g = Json::parse(gold);
  const Json a = answer == nullptr ? Json() : Json::parse(answer);
  const FieldNode tree = field_tree_from_schema(Json::parse(schema), "schema");
  std::vector<std::string> lines;
  for (const LeafPair& pair : pair_leaves(g, answer == nullptr ? nullptr : &a, tree, usual_words())) {
    lines.push_back(pair.path + "=" + std::string(to_string(pair.outcome)));
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST(LeafPairs, FourWaysToBeThereOrNot) {
  EXPECT_EQ(outcomes(R"({"a": "x", "b": "x", "c": "x", "d": null})", R"({"a": "X.", "b": "y", "d": "z", "e": "w"})"),
            (Lines{"a=match", "b=substitution", "c=omission", "d=invention", "e=invention"}));
}

TEST(LeafPairs, AbsentEqualsAbsent) {
  EXPECT_EQ(outcomes(R"({"a": "", "b": null, "c": "n/a"})", R"({"a": "None", "b": "-"})"),
            (Lines{"a=both_absent", "b=both_absent", "c=both_absent"}));
}

TEST(LeafPairs, KnownFieldsCountWhereBothLackThem) {
  EXPECT_EQ(outcomes("{}", "{}", R"({"properties": {"tax": {"type": "string"}}})"), (Lines{"tax=both_absent"}));
}

TEST(LeafPairs, UnreadableAnswersOmitEverything) {
  EXPECT_EQ(outcomes(R"({"a": "x", "b": [1, 2], "c": null})", nullptr),
            (Lines{"a=omission", "b[0]=omission", "b[1]=omission", "c=both_absent"}));
}

TEST(LeafPairs, ObjectsInArraysByBestAssignment) {
  EXPECT_EQ(outcomes(R"({"items": [{"n": "tea", "p": 1}, {"n": "cake", "p": 2}]})",
                     R"({"items": [{"n": "cake", "p": 2}, {"n": "tea", "p": 3}, {"n": "jam", "p": 4}]})"),
            (Lines{"items[0].n=match", "items[0].p=substitution", "items[1].n=match", "items[1].p=match",
                   "items[2].n=invention", "items[2].p=invention"}));
}

TEST(LeafPairs, ScalarsInArraysAsMultisets) {
  EXPECT_EQ(outcomes(R"({"t": ["a", "b", "b"]})", R"({"t": ["b", "a", "c"]})"),
            (Lines{"t[0]=match", "t[1]=match", "t[2]=substitution"}));
  EXPECT_EQ(outcomes(R"({"t": ["a"]})", R"({"t": ["a", "a"]})"), (Lines{"t[0]=match", "t[1]=invention"}));
}

TEST(LeafPairs, OrderCountsWhereTheSchemaSaysSo) {
  const char* schema = R"({"properties": {"t": {"type": "array", "x-order": true, "items": {"type": "string"}}}})";
  EXPECT_EQ(outcomes(R"({"t": ["a", "b"]})", R"({"t": ["b", "a"]})", schema),
            (Lines{"t[0]=substitution", "t[1]=substitution"}));
}

TEST(LeafPairs, OtherShapesAreLeftOutAndMadeUp) {
  EXPECT_EQ(outcomes(R"({"a": {"b": 1}})", R"({"a": 5})"), (Lines{"a.b=omission", "a=invention"}));
  EXPECT_EQ(outcomes(R"({"a": 1})", R"([1])"), (Lines{"a=omission", "[0]=invention"}));
}

TEST(LeafPairs, NamesFieldsWithoutIndices) {
  const Json gold = Json::parse(R"({"items": [{"p": 1}]})");
  const auto pairs = pair_leaves(gold, &gold, FieldNode(), usual_words());
  ASSERT_EQ(pairs.size(), 1u);
  EXPECT_EQ(pairs[0].field, "items[].p");
}

TEST(LeafPairs, LongArraysAreComparedByPosition) {
  Json gold = Json::object({{"t", Json::array()}});
  for (int i = 0; i < 3000; ++i) gold["t"].push_back(Json::object({{"n", i}}));
  const auto pairs = pair_leaves(gold, &gold, FieldNode(), usual_words());
  EXPECT_EQ(pairs.size(), 3000u);
  EXPECT_EQ(pairs.back().outcome, Outcome::kMatch);
}

}  // namespace
}  // namespace understudy::evaluation
