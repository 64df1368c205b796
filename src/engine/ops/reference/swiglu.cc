#include <cmath>

#include "engine/ops/reference/reference_ops.h"

namespace understudy {

void ReferenceOps::swiglu(int64_t n, const float* gate, const float* up, float* y) {
  for (int64_t i = 0; i < n; ++i) {
    const double g = gate[i];
    y[i] = static_cast<float>(g / (1.0 + std::exp(-g)) * up[i]);
  }
}

void ReferenceOps::swiglu_backward(int64_t n, const float* gate, const float* up, const float* dy, float* dgate,
                                   float* dup) {
  for (int64_t i = 0; i < n; ++i) {
    const double g = gate[i], u = up[i], d = dy[i];
    const double sigmoid = 1.0 / (1.0 + std::exp(-g));
    dgate[i] = static_cast<float>(d * u * sigmoid * (1.0 + g * (1.0 - sigmoid)));
    dup[i] = static_cast<float>(d * g * sigmoid);
  }
}

void ReferenceOps::add(int64_t n, const float* x, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] += x[i];
}

}  // namespace understudy
