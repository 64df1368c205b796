#include "engine/ops/reference/reference_ops.h"

namespace understudy {

void ReferenceOps::rotate(int64_t rows, int64_t n_heads, int64_t head_dim, const int32_t* positions,
                          const float* cosines, const float* sines, bool inverse, float* x) {
  const int64_t half = head_dim / 2;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t h = 0; h < n_heads; ++h) {
      float* head = x + (r * n_heads + h) * head_dim;
      for (int64_t i = 0; i < half; ++i) {
        const double c = cosines[positions[r] * half + i];
        const double s = (inverse ? -1.0 : 1.0) * sines[positions[r] * half + i];
        const double low = head[i], high = head[i + half];
        head[i] = static_cast<float>(low * c - high * s);
        head[i + half] = static_cast<float>(high * c + low * s);
      }
    }
  }
}

}  // namespace understudy
