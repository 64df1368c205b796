// One list of operation cases: an operation, a shape (odd sizes, tails, one row), its inputs, and how to call it
// forward and backward. It serves the comparison of every backend with the reference, the check of the backward
// operations against finite differences, and the benchmark.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/ops/ops.h"

namespace understudy::testing {

using Values = std::vector<float>;

struct OpCase {
  std::string name;            // "rms_norm 3x67"
  std::vector<Values> inputs;  // random, made with the case
  std::function<Values(Ops&, const std::vector<Values>&)> forward;
  // Gradients of every input, given that of the output; empty for operations that have none.
  std::function<std::vector<Values>(Ops&, const std::vector<Values>&, const Values&)> backward;
  int64_t depth = 1;      // terms of the longest sum: what rounding grows with
  double operations = 0;  // floating-point operations of the forward call
  double bytes = 0;       // moved at least by the forward call
};

// Small shapes for tests; large ones for the benchmark.
std::vector<OpCase> op_cases(uint64_t seed, bool large);

}  // namespace understudy::testing
