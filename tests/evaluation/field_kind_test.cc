#include "evaluation/field_kind.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace understudy::evaluation {
namespace {

bool match(const Json& a, const Json& b, Kind kind) {
  FieldRule rule;
  rule.kind = kind;
  rule.number.decimal = '.';
  rule.date.orders = {DateOrder::kDayMonthYear};
  return values_match(a, b, rule);
}

TEST(FieldKind, TextIsLettersAndDigits) {
  EXPECT_TRUE(match("BOOK TA .K(TAMAN DAYA) SDN BHD", "Book Ta K Taman Daya Sdn. Bhd.", Kind::kText));
  EXPECT_TRUE(match("Café", "CAFE\u0301", Kind::kText));
  EXPECT_FALSE(match("Cafe", "Café", Kind::kText));
  EXPECT_FALSE(match("***", "---", Kind::kText));
}

TEST(FieldKind, ExactKeepsCaseAndSigns) {
  EXPECT_TRUE(match(" AB-12 ", "AB-12", Kind::kExact));
  EXPECT_FALSE(match("ab-12", "AB-12", Kind::kExact));
  EXPECT_FALSE(match("AB12", "AB-12", Kind::kExact));
}

TEST(FieldKind, AmountsAreEqualInMinorUnitsOnly) {
  EXPECT_TRUE(match("RM 9.00", "9", Kind::kAmount));
  EXPECT_TRUE(match(9.5, "$9.50", Kind::kAmount));
  EXPECT_TRUE(match("1,200.00", 1200, Kind::kAmount));
  EXPECT_FALSE(match("12.00", "21.00", Kind::kAmount));
  EXPECT_FALSE(match("9.00", "-9.00", Kind::kAmount));
  EXPECT_FALSE(match("nine", "9", Kind::kAmount));
}

TEST(FieldKind, NumbersWithinTolerance) {
  EXPECT_TRUE(match(0.1, "0.10", Kind::kNumber));
  EXPECT_TRUE(match(1e3, "1,000", Kind::kNumber));
  EXPECT_FALSE(match(1000, 1000.001, Kind::kNumber));
  FieldRule rule;
  rule.kind = Kind::kNumber;
  rule.tolerance = 0.01;
  EXPECT_TRUE(values_match(100, 100.9, rule));
  EXPECT_FALSE(values_match(100, 102, rule));
}

TEST(FieldKind, DatesByDayElseAsText) {
  EXPECT_TRUE(match("25/12/2018", "2018-12-25", Kind::kDate));
  EXPECT_FALSE(match("03/04/2018", "04/03/2018", Kind::kDate));
  EXPECT_TRUE(match("Next Friday", "next friday.", Kind::kDate));
  EXPECT_FALSE(match("Next Friday", "25/12/2018", Kind::kDate));
}

TEST(FieldKind, EnumsAndBooleansByCaseFold) {
  EXPECT_TRUE(match("Paid", "paid ", Kind::kChoice));
  EXPECT_FALSE(match("paid!", "paid", Kind::kChoice));
  EXPECT_TRUE(match(true, "True", Kind::kBoolean));
}

TEST(FieldKind, SoftScoreIsAnls) {
  EXPECT_DOUBLE_EQ(soft_score("kitten", "sitting"), 1 - 3.0 / 7);
  EXPECT_DOUBLE_EQ(soft_score("abc", "xyz"), 0);
  EXPECT_DOUBLE_EQ(soft_score("A.B.", "ab"), 1);
}

TEST(FieldKind, NamesRoundTrip) {
  for (const char* word : {"text", "exact", "amount", "number", "date", "enum", "boolean"}) {
    EXPECT_EQ(to_string(kind_from(word).value()), word);
  }
  EXPECT_FALSE(kind_from("money"));
}

}  // namespace
}  // namespace understudy::evaluation
