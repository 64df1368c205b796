#include "evaluation/grounding.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace understudy::evaluation {
namespace {

constexpr const char* kReceipt =
    "TAN WOON YANN\nBOOK TA .K(TAMAN DAYA) SDN BND\nNO.53 55,57 & 59, JALAN SAGU 18,\nTAMAN DAYA,\n81100 JOHOR BAHRU,\n"
    "DATE: 25/12/2018 8:13:39 PM\nTOTAL: 1,009.00\nDISCOUNT -5.59";

// The piece of the input that a value was found at; "-" where it is not grounded. ASCII inputs only.
std::string place(const std::string& input, const Json& value, Kind kind) {
  FieldRule rule;
  rule.kind = kind;
  rule.number.decimal = '.';
  rule.date.orders = {DateOrder::kDayMonthYear};
  const std::optional<CharSpan> span = Grounding(input).find(value, rule);
  return span ? input.substr(span->first, span->after - span->first) : "-";
}

TEST(Grounding, TextAsOneRunOfLettersAndDigits) {
  EXPECT_EQ(place(kReceipt, "Book TAK Taman Daya", Kind::kText), "BOOK TA .K(TAMAN DAYA");
  EXPECT_EQ(place(kReceipt, "BOOK TA SDN BHD", Kind::kText), "-");
  EXPECT_EQ(place(kReceipt, "***", Kind::kText), "-");
}

TEST(Grounding, TextOfFiveWordsWithFourOfThem) {
  const std::string input = "alpha beta x gamma delta y omega";
  EXPECT_EQ(place(input, "alpha beta gamma delta wrong", Kind::kText), "alpha beta x gamma delta");
  EXPECT_EQ(place(input, "alpha beta gamma wrong false", Kind::kText), "-");  // 60%
  EXPECT_EQ(place(input, "alpha beta gamma wrong", Kind::kText), "-");        // four words have to be a run
  EXPECT_EQ(place(input, "alpha alpha alpha alpha beta", Kind::kText),
            "-");  // a word counts as often as it stands there
}

TEST(Grounding, WordsHaveToStandTogether) {
  std::string filler;
  for (int i = 0; i < 12; ++i) filler += " filler";
  EXPECT_EQ(place("one two" + filler + " three four", "one two three four five", Kind::kText), "-");  // 16 words apart
  std::string less;
  for (int i = 0; i < 11; ++i) less += " filler";
  EXPECT_NE(place("one two" + less + " three four", "one two three four five", Kind::kText), "-");  // 15 = 3 x 5
}

TEST(Grounding, AmountsAmongTheNumbers) {
  EXPECT_EQ(place(kReceipt, "RM 1009", Kind::kAmount), "1,009.00");
  EXPECT_EQ(place(kReceipt, "-5.59", Kind::kAmount), "5.59");
  EXPECT_EQ(place(kReceipt, "-1009.00", Kind::kAmount), "-");  // no minus stands there
  EXPECT_EQ(place(kReceipt, "100.90", Kind::kAmount), "-");
  EXPECT_EQ(place(kReceipt, 1009.0, Kind::kNumber), "1,009.00");
}

TEST(Grounding, DatesInAnyShape) {
  EXPECT_EQ(place(kReceipt, "2018-12-25", Kind::kDate), "25/12/2018");
  EXPECT_EQ(place(kReceipt, "26/12/2018", Kind::kDate), "-");
}

TEST(Grounding, ExactAsWritten) {
  EXPECT_EQ(place(kReceipt, "NO.53", Kind::kExact), "NO.53");
  EXPECT_EQ(place(kReceipt, "no.53", Kind::kExact), "-");
}

TEST(Grounding, SpansCountUnicodeCharacters) {
  FieldRule rule;
  const std::optional<CharSpan> span = Grounding("\U0001F9FE Größe: e\u0301cole ﬁn").find("École Fin", rule);
  ASSERT_TRUE(span);
  EXPECT_EQ(*span, (CharSpan{9, 18}));
}

}  // namespace
}  // namespace understudy::evaluation
