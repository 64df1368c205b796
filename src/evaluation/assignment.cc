#include "evaluation/assignment.h"

#include <cstddef>
#include <limits>

namespace understudy::evaluation {

namespace {

// Rows no more than columns. Adds one row after the other; for each, grows a tree of tight edges (cost = potential of
// row + potential of column) until it reaches a free column, then flips the path back to the row. Index 0 is a
// sentinel.
std::vector<int> assign_rows(const std::vector<std::vector<int64_t>>& cost) {
  const size_t n = cost.size();
  const size_t m = cost[0].size();
  constexpr int64_t kFar = std::numeric_limits<int64_t>::max() / 4;
  std::vector<int64_t> row_potential(n + 1, 0);
  std::vector<int64_t> column_potential(m + 1, 0);
  std::vector<size_t> row_of(m + 1, 0);
  std::vector<size_t> came_from(m + 1, 0);
  for (size_t row = 1; row <= n; ++row) {
    row_of[0] = row;
    size_t column = 0;
    std::vector<int64_t> slack(m + 1, kFar);
    std::vector<bool> in_tree(m + 1, false);
    while (row_of[column] != 0) {
      in_tree[column] = true;
      const size_t from = row_of[column];
      int64_t smallest = kFar;
      size_t next = 0;
      for (size_t j = 1; j <= m; ++j) {
        if (in_tree[j]) continue;
        const int64_t reduced = cost[from - 1][j - 1] - row_potential[from] - column_potential[j];
        if (reduced < slack[j]) {
          slack[j] = reduced;
          came_from[j] = column;
        }
        if (slack[j] < smallest) {
          smallest = slack[j];
          next = j;
        }
      }
      for (size_t j = 0; j <= m; ++j) {
        if (in_tree[j]) {
          row_potential[row_of[j]] += smallest;
          column_potential[j] -= smallest;
        } else {
          slack[j] -= smallest;
        }
      }
      column = next;
    }
    while (column != 0) {
      row_of[column] = row_of[came_from[column]];
      column = came_from[column];
    }
  }
  std::vector<int> column_of(n, -1);
  for (size_t j = 1; j <= m; ++j) {
    if (row_of[j] != 0) column_of[row_of[j] - 1] = static_cast<int>(j - 1);
  }
  return column_of;
}

}  // namespace

std::vector<int> best_assignment(const std::vector<std::vector<int64_t>>& weight) {
  const size_t n = weight.size();
  const size_t m = n == 0 ? 0 : weight[0].size();
  if (m == 0) return std::vector<int>(n, -1);
  const bool flipped = n > m;
  std::vector<std::vector<int64_t>> cost(flipped ? m : n, std::vector<int64_t>(flipped ? n : m));
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < m; ++j) (flipped ? cost[j][i] : cost[i][j]) = -weight[i][j];
  }
  const std::vector<int> assigned = assign_rows(cost);
  if (!flipped) return assigned;
  std::vector<int> column_of(n, -1);
  for (size_t j = 0; j < m; ++j) column_of[static_cast<size_t>(assigned[j])] = static_cast<int>(j);
  return column_of;
}

}  // namespace understudy::evaluation
