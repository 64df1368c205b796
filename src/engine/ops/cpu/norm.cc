#include <algorithm>
#include <vector>

#include "engine/ops/cpu/cpu_ops.h"

namespace understudy {

namespace {
constexpr int64_t kGradientBlocks = 16;  // fixed, so that dw does not depend on the number of threads
}

void CpuOps::rms_norm(int64_t rows, int64_t width, const float* x, const float* w, float epsilon, float* y,
                      float* inverse_rms) {
#pragma omp parallel for schedule(static) if (rows * width > kParallelFloats)
  for (int64_t r = 0; r < rows; ++r) {
    kernels_.rms_norm_row(x + r * width, w, epsilon, width, y + r * width,
                          inverse_rms == nullptr ? nullptr : inverse_rms + r);
  }
}

void CpuOps::rms_norm_backward(int64_t rows, int64_t width, const float* x, const float* w, const float* inverse_rms,
                               const float* dy, float* dx, float* dw, bool accumulate) {
  std::vector<float> partial(dw == nullptr ? 0 : static_cast<size_t>(kGradientBlocks * width), 0.0F);
  const int64_t block_rows = (rows + kGradientBlocks - 1) / kGradientBlocks;
#pragma omp parallel for schedule(static) if (rows * width > kParallelFloats)
  for (int64_t block = 0; block < kGradientBlocks; ++block) {
    float* sums = dw == nullptr ? nullptr : partial.data() + block * width;
    for (int64_t r = block * block_rows; r < std::min(rows, (block + 1) * block_rows); ++r) {
      kernels_.rms_norm_backward_row(x + r * width, w, inverse_rms[r], dy + r * width, width, dx + r * width, sums,
                                     accumulate);
    }
  }
  if (dw == nullptr) return;
  for (int64_t block = 0; block < kGradientBlocks; ++block) kernels_.add(partial.data() + block * width, dw, width);
}

}  // namespace understudy
