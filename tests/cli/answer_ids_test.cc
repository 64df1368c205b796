#include "cli/answer_ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace understudy::cli {
namespace {

TEST(AnswerIdsTest, StandInTheOrderInWhichTheyWereMadeAndAreNeverTwiceTheSame) {
  AnswerIds ids;
  std::vector<std::string> made;
  for (int i = 0; i < 5000; ++i) made.push_back(ids.next());  // many within one millisecond
  EXPECT_TRUE(std::is_sorted(made.begin(), made.end()));
  EXPECT_EQ(std::adjacent_find(made.begin(), made.end()), made.end());
  for (const std::string& id : made) EXPECT_EQ(id.size(), 32U);
}

TEST(AnswerIdsTest, TwoMakersDoNotAgree) {
  AnswerIds one;
  AnswerIds other;
  EXPECT_NE(one.next(), other.next());
}

}  // namespace
}  // namespace understudy::cli
