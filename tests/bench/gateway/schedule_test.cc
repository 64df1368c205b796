#include "bench/gateway/schedule.h"

#include <gtest/gtest.h>

namespace understudy::bench {
namespace {

using std::chrono::nanoseconds;

const Schedule::Clock::time_point kBegin{nanoseconds(1'000'000)};

TEST(ScheduleTest, RequestsAreDueAtEqualDistances) {
  const Schedule schedule(kBegin, 4);
  EXPECT_EQ(schedule.due(0), kBegin);
  EXPECT_EQ(schedule.due(1), kBegin + nanoseconds(250'000'000));
  EXPECT_EQ(schedule.due(8), kBegin + nanoseconds(2'000'000'000));
}

TEST(ScheduleTest, RoundingDoesNotAddUp) {
  const Schedule schedule(kBegin, 3);
  EXPECT_EQ(schedule.due(3'000'000), kBegin + std::chrono::seconds(1'000'000));
}

TEST(ScheduleTest, AStallLeavesNoRequestOut) {
  Schedule schedule(kBegin, 1000);
  const auto late = kBegin + std::chrono::milliseconds(10);
  int64_t taken = 0;
  while (schedule.take(late)) ++taken;
  EXPECT_EQ(taken, 11);  // those of 0, 1, ..., 10 ms
  EXPECT_EQ(schedule.next_due(), kBegin + std::chrono::milliseconds(11));
}

TEST(ScheduleTest, NothingIsTakenBeforeItIsDue) {
  Schedule schedule(kBegin, 1);
  EXPECT_FALSE(schedule.take(kBegin - nanoseconds(1)));
  EXPECT_TRUE(schedule.take(kBegin));
  EXPECT_FALSE(schedule.take(kBegin));
  EXPECT_EQ(schedule.taken(), 1);
}

}  // namespace
}  // namespace understudy::bench
