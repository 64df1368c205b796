#include "engine/training/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Schedule, CosineGrowsThenFallsToZeroAtTheLastStep) {
  const Schedule schedule{.kind = ScheduleKind::kCosine, .base_rate = 2e-3, .total = 110, .warmup = 10};
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 1), 2e-4);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 5), 1e-3);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 10), 2e-3);
  EXPECT_NEAR(learning_rate(schedule, 60), 1e-3, 1e-15);
  EXPECT_NEAR(learning_rate(schedule, 35), 2e-3 * 0.8535533905932737, 1e-15);
  EXPECT_NEAR(learning_rate(schedule, 110), 0, 1e-18);
}

TEST(Schedule, CosineEndsAtItsSmallestShare) {
  const Schedule schedule{.kind = ScheduleKind::kCosine, .base_rate = 1, .total = 100, .min_rate_ratio = 0.1};
  EXPECT_NEAR(learning_rate(schedule, 100), 0.1, 1e-12);
  EXPECT_NEAR(learning_rate(schedule, 50), 0.55, 1e-12);
}

TEST(Schedule, LinearFallsToZero) {
  const Schedule schedule{.kind = ScheduleKind::kLinear, .base_rate = 1, .total = 12, .warmup = 2};
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 1), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 2), 1);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 7), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 12), 0);
}

TEST(Schedule, ConstantHasNoWarmupUnlessItsNameSaysSo) {
  Schedule schedule{.kind = ScheduleKind::kConstant, .base_rate = 1, .total = 10, .warmup = 4};
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 1), 1);
  schedule.kind = ScheduleKind::kConstantWithWarmup;
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 1), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 10), 1);
}

TEST(Schedule, ARunOfOneStepHasARate) {
  for (const ScheduleKind kind : {ScheduleKind::kLinear, ScheduleKind::kCosine}) {
    for (const int64_t warmup : {0, 1}) {
      EXPECT_DOUBLE_EQ(learning_rate({.kind = kind, .base_rate = 1, .total = 1, .warmup = warmup}, 1), 1);
    }
  }
}

TEST(Schedule, WarmupStepsWinOverRatioAndRatioIsCutToWholeSteps) {
  EXPECT_EQ(warmup_steps(100, 7, -1), 7);
  EXPECT_EQ(warmup_steps(100, 0, -1), 0);
  EXPECT_EQ(warmup_steps(5, 7, -1), 5);
  EXPECT_EQ(warmup_steps(109, -1, 0.1), 10);
  EXPECT_EQ(warmup_steps(19, -1, 0.1), 2);  // int(1.9) is 1, and 1 becomes 2
  EXPECT_EQ(warmup_steps(9, -1, 0.1), 0);
  EXPECT_EQ(warmup_steps(1, -1, 1.0), 1);  // 2 would be more than there are
  EXPECT_EQ(warmup_steps(200, -1, -1), 6);
  EXPECT_EQ(warmup_steps(10'000, -1, -1), 100);
}

// (epochs, evaluations an epoch, steps an epoch): evaluations fall out nowhere, and the last step always is one.
TEST(DueSteps, PerEpochPointsAreSpreadWithinEachEpoch) {
  EXPECT_THAT(due_steps({.per_epoch = 1}, {7}, true), ElementsAre(7));
  EXPECT_THAT(due_steps({.per_epoch = 1}, {7, 14, 21}, true), ElementsAre(7, 14, 21));
  EXPECT_THAT(due_steps({.per_epoch = 4}, {10, 20}, true), ElementsAre(3, 5, 8, 10, 13, 15, 18, 20));
  EXPECT_THAT(due_steps({.per_epoch = 4}, {2}, true), ElementsAre(1, 2));
  EXPECT_THAT(due_steps({.per_epoch = 2}, {5, 9}, true), ElementsAre(3, 5, 7, 9));
}

TEST(DueSteps, EveryNStepsAndTheLast) {
  EXPECT_THAT(due_steps({.every_steps = 4}, {5, 10}, true), ElementsAre(4, 8, 10));
  EXPECT_THAT(due_steps({.every_steps = 4}, {5, 10}, false), ElementsAre(4, 8));
  EXPECT_THAT(due_steps({.every_steps = 100}, {10}, true), ElementsAre(10));
}

TEST(DueSteps, AShareOfAllSteps) {
  EXPECT_THAT(due_steps({.every_share = 0.25}, {10}, false), ElementsAre(3, 6, 9));
  EXPECT_THAT(due_steps({.every_share = 0.5}, {10}, true), ElementsAre(5, 10));
}

TEST(DueSteps, NeverIsNeverEvenAtTheEnd) {
  EXPECT_THAT(due_steps({}, {10}, true), IsEmpty());
}

TEST(DueSteps, EpochEnds) {
  EXPECT_THAT(due_steps({.at_epoch_ends = true}, {3, 6, 8}, false), ElementsAre(3, 6, 8));
}

}  // namespace
}  // namespace understudy
