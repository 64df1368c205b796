#include "evaluation/assignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/random.h"

namespace understudy::evaluation {
namespace {

int64_t total(const std::vector<std::vector<int64_t>>& weight, const std::vector<int>& column_of) {
  int64_t sum = 0;
  for (size_t i = 0; i < weight.size(); ++i) {
    if (column_of[i] >= 0) sum += weight[i][static_cast<size_t>(column_of[i])];
  }
  return sum;
}

// Tries all ways; rows no more than columns.
int64_t best_by_trying(const std::vector<std::vector<int64_t>>& weight) {
  std::vector<int> columns(weight[0].size());
  std::iota(columns.begin(), columns.end(), 0);
  int64_t best = 0;
  do {
    best = std::max(best, total(weight, columns));
  } while (std::next_permutation(columns.begin(), columns.end()));
  return best;
}

TEST(Assignment, BeatsTheGreedyChoice) {
  EXPECT_EQ(best_assignment({{5, 4}, {4, 0}}), (std::vector<int>{1, 0}));
}

TEST(Assignment, EqualsTryingAll) {
  Random random(11);
  for (int i = 0; i < 200; ++i) {
    const auto n = 1 + random.below(5);
    const auto m = n + random.below(3);
    std::vector<std::vector<int64_t>> weight(n, std::vector<int64_t>(m));
    for (auto& row : weight) {
      for (int64_t& w : row) w = random.between(0, 9);
    }
    const int64_t best = best_by_trying(weight);
    EXPECT_EQ(total(weight, best_assignment(weight)), best) << "case " << i;
    std::vector<std::vector<int64_t>> flipped(m, std::vector<int64_t>(n));
    for (size_t r = 0; r < n; ++r) {
      for (size_t c = 0; c < m; ++c) flipped[c][r] = weight[r][c];
    }
    EXPECT_EQ(total(flipped, best_assignment(flipped)), best) << "case " << i;
  }
}

TEST(Assignment, EmptyLists) {
  EXPECT_TRUE(best_assignment({}).empty());
  EXPECT_EQ(best_assignment({{}, {}}), (std::vector<int>{-1, -1}));
}

}  // namespace
}  // namespace understudy::evaluation
