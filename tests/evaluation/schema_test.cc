#include "evaluation/schema.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"

namespace understudy::evaluation {
namespace {

AnswerSchema receipt() {
  return AnswerSchema(Json::parse(R"({"type": "object", "required": ["total"], "additionalProperties": false,
      "properties": {"total": {"type": "string", "pattern": "^[0-9.]+$"}, "items": {"type": "array", "items": {"type": "integer"}}}})"),
                      "s.json");
}

TEST(Schema, AcceptsAndRefuses) {
  const AnswerSchema schema = receipt();
  EXPECT_EQ(schema.fault(Json::parse(R"({"total": "9.00"})")), "");
  EXPECT_NE(schema.fault(Json::parse(R"({"total": 9})")), "");
  EXPECT_NE(schema.fault(Json::parse(R"({"total": "9", "more": 1})")), "");
  EXPECT_NE(schema.fault(Json::parse("{}")), "");
  EXPECT_NE(schema.fault(Json::parse("\"total\"")), "");
}

TEST(Schema, SaysWhere) {
  EXPECT_EQ(receipt().fault(Json::parse(R"({"total": "9", "items": [1, "x"]})")).substr(0, 9), "items[1]:");
}

TEST(Schema, LongTextsNeverReachThePatterns) {
  const Json value = {{"total", std::string(1 << 20, '1')}};
  EXPECT_NE(receipt().fault(value), "");
}

TEST(Schema, NoSchemaIsAnError) {
  EXPECT_THROW(AnswerSchema(Json::parse(R"({"type": 5})"), "s.json"), Error);
  EXPECT_THROW(AnswerSchema(Json::parse("[]"), "s.json"), Error);
}

}  // namespace
}  // namespace understudy::evaluation
