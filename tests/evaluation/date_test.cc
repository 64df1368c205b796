#include "evaluation/date.h"

#include <gtest/gtest.h>

#include "base/unicode.h"

namespace understudy::evaluation {
namespace {

std::string date(std::string_view text, std::vector<DateOrder> orders = {DateOrder::kDayMonthYear}, int pivot = 69) {
  const std::optional<Date> value = parse_date(text, {std::move(orders), pivot});
  return value ? value->text() : "none";
}

TEST(Date, ReadsTheShapesOfReceipts) {
  for (const char* text : {"25/12/2018",
                           "25-12-2018",
                           "25-12-18",
                           "25/12/18",
                           "25 DEC 2018",
                           "25 DEC 18",
                           "25/DEC/2018",
                           "25-DEC-2018",
                           "2018-12-25",
                           "2018/12/25",
                           "25.12.18",
                           "25122018",
                           "20181225",
                           "DEC 25, 2018",
                           "25. Dezember 2018",
                           "25 décembre 2018",
                           "25 de diciembre de 2018",
                           "25th of December 2018",
                           "2018年12月25日",
                           "25 Disember 2018",
                           "Tue, 25 Dec 2018 20:13",
                           "25/12/2018 8:13:39 PM",
                           "2018-12-25T10:00:00Z",
                           "２５／１２／２０１８",
                           "25DEC2018",
                           "25 DEC '18"}) {
    EXPECT_EQ(date(text), "2018-12-25") << text;
  }
}

TEST(Date, FollowsTheOrder) {
  EXPECT_EQ(date("03/04/2018"), "2018-04-03");
  EXPECT_EQ(date("03/04/2018", {DateOrder::kMonthDayYear}), "2018-03-04");
  EXPECT_EQ(date("18/03/04", {DateOrder::kYearMonthDay}), "2018-03-04");
  EXPECT_EQ(date("12/25/2018"), "none");            // no month 25 in this order
  EXPECT_EQ(date("12/25/2018", {}), "2018-12-25");  // any order
  EXPECT_EQ(date("12/25/2018", {DateOrder::kDayMonthYear, DateOrder::kMonthDayYear}), "2018-12-25");
}

TEST(Date, PivotSplitsTheCenturies) {
  EXPECT_EQ(date("01/02/68"), "2068-02-01");
  EXPECT_EQ(date("01/02/69"), "1969-02-01");
  EXPECT_EQ(date("01/02/30", {DateOrder::kDayMonthYear}, 30), "1930-02-01");
}

TEST(Date, RefusesWhatIsNone) {
  for (const char* text : {"", "tomorrow", "31/02/2018", "29/02/2019", "25/12", "2018", "25/12/2018 and 26/12/2018",
                           "order 25/12/2018", "1-25-12-2018-7"}) {
    EXPECT_EQ(date(text), "none") << text;
  }
  EXPECT_EQ(date("29/02/2020"), "2020-02-29");
}

TEST(Date, FindsEveryAllowedReadingWithItsPlace) {
  const std::u32string text =
      map_nfkc("TEL 07-3523888\nDATE: 03/04/18 20:49\nDUE 5 MAY 2018", CaseFold::kYes).characters;
  const std::vector<FoundDate> found = find_dates(text, {{DateOrder::kDayMonthYear, DateOrder::kMonthDayYear}});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].date.text(), "2018-04-03");
  EXPECT_EQ(found[1].date.text(), "2018-03-04");
  EXPECT_EQ(to_utf8(std::u32string_view(text).substr(found[0].begin, found[0].end - found[0].begin)), "03/04/18");
  EXPECT_EQ(found[2].date.text(), "2018-05-05");
}

}  // namespace
}  // namespace understudy::evaluation
