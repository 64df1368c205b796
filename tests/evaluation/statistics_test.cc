#include "evaluation/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace understudy::evaluation {
namespace {

TEST(Statistics, WilsonByHand) {
  const Rate rate = rate_of(80, 100);  // centre (0.8 + 0.019207)/1.038415, half 1.96/1.038415 sqrt(0.0016 + 0.00009604)
  EXPECT_DOUBLE_EQ(*rate.value, 0.8);
  EXPECT_NEAR(*rate.low, 0.71117, 1e-5);
  EXPECT_NEAR(*rate.high, 0.86663, 1e-5);
  EXPECT_EQ(rate.n, 100);
}

TEST(Statistics, NoEventsAndNoRecords) {
  EXPECT_DOUBLE_EQ(*rate_of(0, 300).high, 1 - std::pow(0.05, 1.0 / 300));
  EXPECT_LT(*rate_of(0, 299).high, 0.01);  // some 300 records bound a rate below 1%
  EXPECT_EQ(*rate_of(0, 300).low, 0);
  EXPECT_EQ(*rate_of(5, 5).high, 1);
  EXPECT_NEAR(*rate_of(5, 5).low, 5 / (5 + 3.841459), 1e-6);
  EXPECT_FALSE(rate_of(0, 0).value);
}

TEST(Statistics, QuantilesBetweenNeighbours) {
  const std::vector<double> values = {1, 2, 4};
  EXPECT_DOUBLE_EQ(quantile(values, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(values, 0.75), 3);
  EXPECT_DOUBLE_EQ(quantile(values, 1), 4);
}

TEST(Statistics, NormalQuantiles) {
  EXPECT_NEAR(normal_quantile(0.95), 1.6448536, 1e-7);
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-12);
  EXPECT_NEAR(normal_quantile(0.001), -3.0902323, 1e-7);
}

TEST(Statistics, McNemarMidPByHand) {
  EXPECT_DOUBLE_EQ(mcnemar_mid_p(0, 0), 1);
  // b = 8, c = 2: 2 (1 + 10)/1024 + 45/1024
  EXPECT_NEAR(mcnemar_mid_p(8, 2), 67.0 / 1024, 1e-12);
  EXPECT_NEAR(mcnemar_mid_p(2, 8), 67.0 / 1024, 1e-12);
  EXPECT_NEAR(mcnemar_mid_p(3, 3), 1, 1e-12);
}

TEST(Statistics, TangoWithoutDiscordantRecordsNeeds133) {
  EXPECT_LT(tango_z(0, 0, 132, -0.02), 1.645);
  EXPECT_GE(tango_z(0, 0, 133, -0.02), 1.645);
}

TEST(Statistics, TangoByHand) {
  // b = 4, c = 2, n = 100, D = -0.1: A = 200, B = -6 - 20.2 = -26.2, C = 0.44; q = (sqrt(686.44 - 352) + 26.2)/400 =
  // 0.111219; z = (-2 + 10)/sqrt(100 (0.222438 - 0.11)) = 8/3.35318
  EXPECT_NEAR(tango_z(4, 2, 100, -0.1), 2.38579, 1e-4);
}

TEST(Statistics, TangoLimitIsWhereZFalls) {
  const double limit = tango_lower_limit(4, 2, 100, 1.645);
  EXPECT_NEAR(tango_z(4, 2, 100, limit), 1.645, 1e-9);
  EXPECT_LT(limit, -0.02);
}

TEST(Statistics, DrawsAreOfWholeGroups) {
  GroupSums sums(2, 2);
  sums.at(0, 0) = 3;
  sums.at(0, 1) = 3;
  sums.at(1, 0) = 5;
  int n_draws = 0;
  sums.draw(200, 1, [&](std::span<const int64_t> totals) {
    ++n_draws;
    EXPECT_TRUE((totals[0] == 6 && totals[1] == 6) || (totals[0] == 8 && totals[1] == 3) ||
                (totals[0] == 10 && totals[1] == 0))
        << totals[0] << " " << totals[1];
  });
  EXPECT_EQ(n_draws, 200);
}

TEST(Statistics, TheSameSeedDrawsTheSame) {
  GroupSums sums(50, 1);
  for (size_t g = 0; g < 50; ++g) sums.at(g, 0) = static_cast<int32_t>(g);
  const auto first_totals = [&sums](uint64_t seed) {
    std::vector<int64_t> totals;
    sums.draw(5, seed, [&](std::span<const int64_t> t) { totals.push_back(t[0]); });
    return totals;
  };
  EXPECT_EQ(first_totals(1), first_totals(1));
  EXPECT_NE(first_totals(1), first_totals(2));
}

}  // namespace
}  // namespace understudy::evaluation
