#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

namespace understudy {
namespace {

TEST(Random, IsAFunctionOfSeedStreamAndCounter) {
  Random a(1, 2);
  Random b(1, 2);
  std::vector<uint64_t> first;
  for (int i = 0; i < 10; ++i) first.push_back(a.next());
  b.seek(5);
  EXPECT_EQ(b.next(), first[5]) << "resuming is seeking";
  EXPECT_EQ(b.at(0), first[0]);
  EXPECT_EQ(a.counter(), 10U);
  EXPECT_NE(Random(1, 3).next(), first[0]);
  EXPECT_NE(Random(2, 2).next(), first[0]);
}

TEST(Random, StreamsDoNotMeet) {
  std::set<uint64_t> seen;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    for (uint64_t stream = 0; stream < 30; ++stream) {
      Random random(seed, stream);
      for (int i = 0; i < 30; ++i) seen.insert(random.next());
    }
  }
  EXPECT_EQ(seen.size(), 27'000U);
}

// Bounds are five standard errors of 100,000 draws; the seed is fixed, so this never flickers.
TEST(Random, DrawsAreEvenAndNormal) {
  constexpr int kDraws = 100'000;
  Random random(7);
  double sum = 0;
  double normal_sum = 0;
  double square_sum = 0;
  std::vector<int> counts(10);
  for (int i = 0; i < kDraws; ++i) {
    const double u = random.uniform();
    ASSERT_TRUE(u >= 0 && u < 1);
    sum += u;
    ++counts[random.below(10)];
    const double z = random.normal();
    normal_sum += z;
    square_sum += z * z;
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 5 * 0.2887 / std::sqrt(kDraws));
  EXPECT_NEAR(normal_sum / kDraws, 0, 5 / std::sqrt(kDraws));
  EXPECT_NEAR(square_sum / kDraws, 1, 5 * std::sqrt(2.0 / kDraws));
  for (const int count : counts) EXPECT_NEAR(count, kDraws / 10, 5 * std::sqrt(kDraws * 0.09));
}

TEST(Random, BetweenHasBothEnds) {
  Random random(3);
  std::set<int64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(random.between(-1, 1));
  EXPECT_EQ(seen, (std::set<int64_t>{-1, 0, 1}));
}

TEST(Random, ShufflingKeepsWhatWasThere) {
  std::vector<int> values(100);
  std::iota(values.begin(), values.end(), 0);
  std::vector<int> shuffled = values;
  Random(5).shuffle(std::span<int>(shuffled));
  EXPECT_NE(shuffled, values);
  std::sort(shuffled.begin(), shuffled.end());
  EXPECT_EQ(shuffled, values);
}

}  // namespace
}  // namespace understudy
