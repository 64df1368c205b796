#include <cmath>
#include <vector>

#include "engine/ops/reference/reference_ops.h"

namespace understudy {

void ReferenceOps::rms_norm(int64_t rows, int64_t width, const float* x, const float* w, float epsilon, float* y,
                            float* inverse_rms) {
  for (int64_t r = 0; r < rows; ++r) {
    double squares = 0;
    for (int64_t i = 0; i < width; ++i) squares += static_cast<double>(x[r * width + i]) * x[r * width + i];
    const double s = 1.0 / std::sqrt(squares / static_cast<double>(width) + epsilon);
    if (inverse_rms != nullptr) inverse_rms[r] = static_cast<float>(s);
    for (int64_t i = 0; i < width; ++i) y[r * width + i] = static_cast<float>(x[r * width + i] * s * w[i]);
  }
}

void ReferenceOps::rms_norm_backward(int64_t rows, int64_t width, const float* x, const float* w,
                                     const float* inverse_rms, const float* dy, float* dx, float* dw, bool accumulate) {
  std::vector<double> weight_sums(static_cast<size_t>(width));
  for (int64_t r = 0; r < rows; ++r) {
    const double s = inverse_rms[r];
    double mean = 0;
    for (int64_t i = 0; i < width; ++i)
      mean += dy[r * width + i] * w[i] * (x[r * width + i] * s) / static_cast<double>(width);
    for (int64_t i = 0; i < width; ++i) {
      const double normed = x[r * width + i] * s;
      const double value = s * (static_cast<double>(dy[r * width + i]) * w[i] - normed * mean);
      weight_sums[static_cast<size_t>(i)] += dy[r * width + i] * normed;
      dx[r * width + i] = static_cast<float>(accumulate ? dx[r * width + i] + value : value);
    }
  }
  if (dw == nullptr) return;
  for (int64_t i = 0; i < width; ++i) dw[i] += static_cast<float>(weight_sums[static_cast<size_t>(i)]);
}

}  // namespace understudy
