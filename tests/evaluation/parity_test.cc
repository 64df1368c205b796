#include "evaluation/parity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace understudy::evaluation {
namespace {

// n records: first b that only the other has right, then c that only the specialist has, the rest right for both.
std::vector<PairedOutcome> pairs_of(int n, int b, int c) {
  std::vector<PairedOutcome> pairs;
  for (int i = 0; i < n; ++i) {
    const bool specialist = i >= b;
    const bool other = i < b || i >= b + c;
    pairs.push_back({"r" + std::to_string(i), i, other, specialist, specialist && other});
  }
  return pairs;
}

TEST(Parity, FiguresByHand) {
  const Comparison result = compare("teacher", pairs_of(200, 6, 4), {});
  EXPECT_DOUBLE_EQ(result.delta, -0.01);
  EXPECT_EQ(result.teacher_only_right, 6);
  EXPECT_EQ(result.specialist_only_right, 4);
  EXPECT_EQ(result.lost.size(), 6u);
  // delta_i - delta is -0.99 six times, 1.01 four times and 0.01 190 times.
  const double squares = 6 * 0.9801 + 4 * 1.0201 + 190 * 0.0001;
  EXPECT_NEAR(*result.standard_error, std::sqrt(200.0 / 199 * squares) / 200, 1e-12);
  EXPECT_LE(result.low95, result.low90);
  EXPECT_LE(result.high90, result.high95);
  EXPECT_NEAR(result.low90, -0.01 - 1.645 * *result.standard_error, 0.006);
}

TEST(Parity, AsGoodWhenEnoughRecordsShowIt) {
  EXPECT_EQ(compare("teacher", pairs_of(133, 0, 0), {}).verdict, Parity::kAsGood);
  EXPECT_FALSE(compare("teacher", pairs_of(133, 0, 0), {}).more_needed);
  EXPECT_EQ(compare("teacher", pairs_of(1000, 10, 10), {}).verdict, Parity::kAsGood);
}

TEST(Parity, NotEnoughDataSaysHowMuchIs) {
  const Comparison none = compare("teacher", pairs_of(100, 0, 0), {});
  EXPECT_EQ(none.verdict, Parity::kNotEnoughData);
  EXPECT_EQ(none.more_needed, 33);  // 2.71 x 0.98 / 0.02 = 132.79
  const Comparison some = compare("teacher", pairs_of(200, 10, 10), {});
  EXPECT_EQ(some.verdict, Parity::kNotEnoughData);
  EXPECT_EQ(some.more_needed, 1348);  // 6.19 x 0.1 / 0.0004 = 1547.5
}

TEST(Parity, WorseWhenTheIntervalSaysSo) {
  EXPECT_EQ(compare("teacher", pairs_of(200, 30, 2), {}).verdict, Parity::kWorse);
  // A loss within the margin is never "worse", however sure.
  EXPECT_NE(compare("teacher", pairs_of(10'000, 150, 0), {}).verdict, Parity::kWorse);
}

TEST(Parity, GroupsCountAsOne) {
  std::vector<PairedOutcome> pairs = pairs_of(1000, 0, 0);
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i].group = static_cast<int>(i / 10);  // 100 groups of ten
  EXPECT_EQ(compare("teacher", pairs, {}).verdict, Parity::kNotEnoughData);
}

TEST(Parity, AWiderMarginDecidesSooner) {
  ParityRule rule;
  rule.margin = 0.05;
  EXPECT_EQ(compare("teacher", pairs_of(100, 0, 0), rule).verdict, Parity::kAsGood);
}

// A specialist that is exactly the margin worse must seldom be called as good: the promise behind a gate. The
// specialist is wrong where the teacher is right on 6% of records, the reverse on 4%. The verdict of b, c and n is the
// same for the same counts, so each pair of counts is judged once.
TEST(Parity, ASpecialistAtTheMarginIsSeldomCalledAsGood) {
  for (const int n : {30, 100, 300}) {
    for (const auto& [p_b, p_c] : {std::pair(0.06, 0.04), std::pair(0.02, 0.0), std::pair(0.12, 0.10)}) {
      std::vector<int> known(301 * 301, -1);
      Random random(static_cast<uint64_t>(n) * 1000 + static_cast<uint64_t>(p_b * 100));
      int called_as_good = 0;
      constexpr int kSimulations = 2000;
      for (int s = 0; s < kSimulations; ++s) {
        int b = 0;
        int c = 0;
        for (int i = 0; i < n; ++i) {
          const double u = random.uniform();
          b += u < p_b ? 1 : 0;
          c += u >= p_b && u < p_b + p_c ? 1 : 0;
        }
        int& verdict = known[static_cast<size_t>(b * 301 + c)];
        if (verdict < 0) {
          ParityRule rule;
          rule.draws = 1000;
          verdict = compare("teacher", pairs_of(n, b, c), rule).verdict == Parity::kAsGood ? 1 : 0;
        }
        called_as_good += verdict;
      }
      EXPECT_LE(called_as_good, kSimulations * 8 / 100) << "n " << n << ", only teacher right " << p_b;
    }
  }
}

}  // namespace
}  // namespace understudy::evaluation
