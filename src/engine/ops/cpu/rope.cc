#include "engine/ops/cpu/cpu_ops.h"

namespace understudy {

void CpuOps::rotate(int64_t rows, int64_t n_heads, int64_t head_dim, const int32_t* positions, const float* cosines,
                    const float* sines, bool inverse, float* x) {
  const int64_t half = head_dim / 2;
#pragma omp parallel for schedule(static) if (rows * n_heads * head_dim > kParallelFloats)
  for (int64_t r = 0; r < rows; ++r) {
    const float* c = cosines + positions[r] * half;
    const float* s = sines + positions[r] * half;
    for (int64_t h = 0; h < n_heads; ++h) {
      kernels_.rotate_head(x + (r * n_heads + h) * head_dim, c, s, half, inverse ? -1.0F : 1.0F);
    }
  }
}

}  // namespace understudy
