// The best one-to-one assignment between two lists (Kuhn 1955, Munkres 1957; in the O(n^2 m) form with potentials of
// Jonker and Volgenant 1987). Pure function.
#pragma once

#include <cstdint>
#include <vector>

namespace understudy::evaluation {

// weight[row][column] >= 0, every row as long as the others. Returns for each row its column, or -1 where there are
// fewer columns than rows and it got none; the sum of the weights is the largest there is. Among equals, deterministic.
std::vector<int> best_assignment(const std::vector<std::vector<int64_t>>& weight);

}  // namespace understudy::evaluation
