#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/fuzz_count.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;

std::string fault_of(const std::string& text) {
  try {
    (void)parse_json(text, "rows.jsonl:3");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
    return error.message();
  }
  return "nothing was refused";
}

TEST(Json, KeepsTheOrderOfMembers) {
  EXPECT_EQ(dump_json(parse_json(R"({"z":1,"a":[1.5,null,"é"]})", "x")), R"({"z":1,"a":[1.5,null,"é"]})");
}

TEST(Json, RefusesARepeatedKey) {
  EXPECT_EQ(fault_of(R"({"a": 1, "a": 2})"), "rows.jsonl:3: not valid JSON: the key \"a\" stands twice in one object");
  EXPECT_THAT(fault_of(R"({"x": [{"b": 1, "c": 2, "b": 3}]})"), HasSubstr("\"b\" stands twice"));
  EXPECT_NO_THROW(parse_json(R"({"a": {"b": 1}, "c": {"b": 1}})", "x")) << "in two objects is not twice";
}

TEST(Json, LimitsTheDepth) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
  };
  EXPECT_NO_THROW(parse_json(nested(128), "x"));
  EXPECT_THAT(fault_of(nested(129)), HasSubstr("more than 128 levels"));
  EXPECT_THAT(fault_of(nested(1'000'000)), HasSubstr("more than 128 levels"));
  EXPECT_NO_THROW(parse_json("[[[1]], [[1]]]", "x", {.depth = 3})) << "beside is not below";
}

TEST(Json, SaysWhereTheFaultIs) {
  EXPECT_THAT(fault_of("{\"a\":\n 1,,}"), HasSubstr("rows.jsonl:3: not valid JSON: line 2, column 4: syntax error"));
  EXPECT_THAT(fault_of("1e999"), HasSubstr("number overflow"));
}

TEST(Json, RefusesWhatIsNotOneDocument) {
  for (const char* text : {"", " ", "{} {}", "[1,]", "{\"a\":}", "nul", "'a'", "\"\xFF\"", "\"a", "01", "+1", "NaN",
                           "\"\\ud800\"", "[1] x"}) {
    EXPECT_THAT(fault_of(text), HasSubstr("not valid JSON")) << text;
    EXPECT_FALSE(try_parse_json(text)) << text;
  }
}

TEST(Json, WritesBrokenTextAsReplacement) {
  EXPECT_EQ(dump_json(Json("a\xFF")), "\"a\uFFFD\"");
  EXPECT_EQ(dump_json_pretty(Json{{"a", 1}}), "{\n  \"a\": 1\n}\n");
}

TEST(Json, MutatedTextIsReadAndWrittenAgainOrRefused) {
  const std::string valid =
      R"({"id": "a-1", "messages": [{"role": "user", "content": "caf\u00e9 \ud83d\ude00"}], "n": -1.5e3, "ok": [true, false, null]})";
  for (int seed = 0; seed < testing::fuzz_count(500); ++seed) {
    Random random(static_cast<uint64_t>(seed));
    const auto value = try_parse_json(testing::mutated(valid, random));
    if (!value) continue;
    EXPECT_EQ(parse_json(dump_json(*value), "again"), *value) << "seed " << seed;
  }
}

}  // namespace
}  // namespace understudy
