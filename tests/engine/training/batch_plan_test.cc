#include "engine/training/batch_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "base/random.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using Rows = std::vector<std::vector<int32_t>>;

std::vector<int32_t> numbers(size_t n) {
  std::vector<int32_t> list(n);
  std::iota(list.begin(), list.end(), 0);
  return list;
}

std::vector<int32_t> random_lengths(size_t n, int longest, uint64_t seed) {
  Random random(seed);
  std::vector<int32_t> lengths;
  for (size_t i = 0; i < n; ++i) lengths.push_back(static_cast<int32_t>(random.between(2, longest)));
  return lengths;
}

std::map<int32_t, int> times_seen(const BatchPlan& plan) {
  std::map<int32_t, int> seen;
  for (int64_t step = 1; step <= plan.n_steps(); ++step) {
    for (int64_t i = 0; i < plan.n_micro_batches(step); ++i) {
      for (const int32_t example : plan.micro_batch(step, i)) ++seen[example];
    }
  }
  return seen;
}

std::vector<int32_t> order_of(const BatchPlan& plan) {
  std::vector<int32_t> order;
  for (int64_t step = 1; step <= plan.n_steps(); ++step) {
    for (int64_t i = 0; i < plan.n_micro_batches(step); ++i) {
      const auto row = plan.micro_batch(step, i);
      order.insert(order.end(), row.begin(), row.end());
    }
  }
  return order;
}

TEST(Packing, FirstFitPutsEachExampleIntoTheFirstRowWithRoom) {
  const std::vector<int32_t> lengths = {6, 5, 3, 5, 1, 10, 2};
  EXPECT_EQ(pack_first_fit(numbers(7), lengths, 10), (Rows{{0, 2, 4}, {1, 3}, {5}, {6}}));
}

TEST(Packing, NextFitKeepsTheOrder) {
  const std::vector<int32_t> lengths = {6, 5, 3, 5, 1};
  EXPECT_EQ(pack_in_order(numbers(5), lengths, 10), (Rows{{0}, {1, 2}, {3, 4}}));
}

// The plain definition of first fit, row by row, against the tree.
TEST(Packing, FirstFitEqualsItsDefinitionOnRandomLengths) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const std::vector<int32_t> lengths = random_lengths(300, 64, seed);
    Rows expected;
    std::vector<int64_t> room;
    for (int32_t i = 0; i < 300; ++i) {
      size_t row = 0;
      while (row < room.size() && room[row] < lengths[static_cast<size_t>(i)]) ++row;
      if (row == room.size()) {
        room.push_back(64);
        expected.emplace_back();
      }
      room[row] -= lengths[static_cast<size_t>(i)];
      expected[row].push_back(i);
    }
    EXPECT_EQ(pack_first_fit(numbers(300), lengths, 64), expected) << "seed " << seed;
  }
}

TEST(BatchPlan, APackedRunShowsEveryExampleExactlyOnceAnEpoch) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const std::vector<int32_t> lengths = random_lengths(211, 100, seed);
    const BatchPlan plan =
        BatchPlan::make(numbers(211), lengths, std::vector<int32_t>(211, 1),
                        {.packing = true, .row_tokens = 128, .accumulation = 3, .epochs = 3, .seed = seed});
    EXPECT_EQ(times_seen(plan).size(), 211u);
    for (const auto& [example, times] : times_seen(plan))
      EXPECT_EQ(times, 3) << "example " << example << ", seed " << seed;
    EXPECT_EQ(plan.epoch_ends().back(), plan.n_steps());
    EXPECT_EQ(plan.epoch_ends().size(), 3u);
    EXPECT_DOUBLE_EQ(plan.epoch(plan.n_steps()), 3.0);
  }
}

TEST(BatchPlan, NoRowHoldsMoreThanItsCapacityAndSumsAreRight) {
  const std::vector<int32_t> lengths = random_lengths(150, 50, 5);
  std::vector<int32_t> targets;
  for (const int32_t length : lengths) targets.push_back(length / 2);
  const BatchPlan plan =
      BatchPlan::make(numbers(150), lengths, targets, {.packing = true, .row_tokens = 2 * 50, .accumulation = 2});
  int64_t all_targets = 0;
  for (int64_t step = 1; step <= plan.n_steps(); ++step) {
    int64_t tokens = 0;
    for (int64_t i = 0; i < plan.n_micro_batches(step); ++i) {
      int64_t row = 0;
      for (const int32_t example : plan.micro_batch(step, i)) row += lengths[static_cast<size_t>(example)];
      EXPECT_LE(row, 100);
      tokens += row;
    }
    EXPECT_EQ(plan.tokens(step), tokens);
    all_targets += plan.targets(step);
  }
  EXPECT_EQ(all_targets, std::accumulate(targets.begin(), targets.end(), int64_t{0}));
}

TEST(BatchPlan, WithoutPackingStepsAreCeilOfExamplesByBatch) {
  const std::vector<int32_t> lengths(10, 5);
  const BatchPlan plan =
      BatchPlan::make(numbers(10), lengths, lengths, {.micro_batch_size = 2, .accumulation = 2, .epochs = 2});
  EXPECT_EQ(plan.n_steps(), 6);
  EXPECT_THAT(plan.epoch_ends(), ElementsAre(3, 6));
  EXPECT_EQ(plan.n_micro_batches(3), 1);  // 10 = 4 + 4 + 2
}

TEST(BatchPlan, CurriculumKeepsTheFilesOrderInEveryEpoch) {
  const std::vector<int32_t> lengths(6, 5);
  for (const bool packing : {false, true}) {
    const BatchPlan plan = BatchPlan::make(numbers(6), lengths, lengths,
                                           {.packing = packing, .row_tokens = 10, .keep_order = true, .epochs = 2});
    EXPECT_THAT(order_of(plan), ElementsAre(0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5));
  }
}

TEST(BatchPlan, EpochsAreShuffledDifferentlyAndByTheSeedAlone) {
  const std::vector<int32_t> lengths(50, 5);
  const auto order = [&](uint64_t seed, double epochs) {
    return order_of(BatchPlan::make(numbers(50), lengths, lengths, {.epochs = epochs, .seed = seed}));
  };
  EXPECT_EQ(order(1, 2), order(1, 2));
  EXPECT_NE(order(1, 1), order(2, 1));
  const std::vector<int32_t> both = order(1, 2);
  EXPECT_EQ(order(1, 1),
            std::vector<int32_t>(both.begin(), both.begin() + 50));  // a longer run begins as the shorter one
  EXPECT_NE(std::vector<int32_t>(both.begin(), both.begin() + 50), std::vector<int32_t>(both.begin() + 50, both.end()));
}

TEST(BatchPlan, APartEpochShowsItsShare) {
  const std::vector<int32_t> lengths(10, 5);
  const BatchPlan plan = BatchPlan::make(numbers(10), lengths, lengths, {.epochs = 1.5});
  EXPECT_EQ(plan.n_steps(), 15);
}

TEST(BatchPlan, MaxStepsWinsOverEpochsBothWays) {
  const std::vector<int32_t> lengths(10, 5);
  EXPECT_EQ(BatchPlan::make(numbers(10), lengths, lengths, {.epochs = 5, .max_steps = 7}).n_steps(), 7);
  const BatchPlan longer = BatchPlan::make(numbers(10), lengths, lengths, {.epochs = 1, .max_steps = 25});
  EXPECT_EQ(longer.n_steps(), 25);
  EXPECT_THAT(longer.epoch_ends(), ElementsAre(10, 20, 25));
}

}  // namespace
}  // namespace understudy
