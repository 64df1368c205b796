#include <numeric>
#include <vector>

#include "engine/ops/cpu/cpu_ops.h"

namespace understudy {

double CpuOps::cross_entropy(int64_t rows, int64_t vocab, float* logits, const int32_t* targets, bool write_gradient,
                             float scale) {
  std::vector<double> losses(static_cast<size_t>(rows));
#pragma omp parallel for schedule(static) if (rows * vocab > kParallelFloats)
  for (int64_t r = 0; r < rows; ++r) {
    losses[static_cast<size_t>(r)] =
        kernels_.cross_entropy_row(logits + r * vocab, vocab, targets[r], write_gradient, scale);
  }
  return std::accumulate(losses.begin(), losses.end(), 0.0);
}

}  // namespace understudy
