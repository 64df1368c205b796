#include "engine/ops/reference/reference_ops.h"

namespace understudy {

void ReferenceOps::linear(int64_t rows, const float* x, ConstTensorView weight, const float* bias, float* y,
                          float scale, bool accumulate) {
  const Tensor w = to_f32(weight);
  const int64_t out = weight.shape[0], in = weight.shape[1];
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t o = 0; o < out; ++o) {
      double sum = 0;
      for (int64_t i = 0; i < in; ++i) sum += static_cast<double>(x[r * in + i]) * w.f32()[o * in + i];
      const double value = scale * sum + (bias == nullptr ? 0.0 : bias[o]);
      y[r * out + o] = static_cast<float>(accumulate ? y[r * out + o] + value : value);
    }
  }
}

void ReferenceOps::product(const Product& p) {
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t j = 0; j < p.n; ++j) {
      double sum = 0;
      for (int64_t l = 0; l < p.k; ++l) {
        const float a = p.transpose_a ? p.a[l * p.m + i] : p.a[i * p.k + l];
        const float b = p.transpose_b ? p.b[j * p.k + l] : p.b[l * p.n + j];
        sum += static_cast<double>(a) * b;
      }
      const double value = p.alpha * sum;
      p.c[i * p.n + j] = static_cast<float>(p.accumulate ? p.c[i * p.n + j] + value : value);
    }
  }
}

void ReferenceOps::add_bias(int64_t rows, int64_t width, const float* bias, float* y) {
  for (int64_t i = 0; i < rows * width; ++i) y[i] += bias[i % width];
}

void ReferenceOps::bias_backward(int64_t rows, int64_t width, const float* dy, float* dbias) {
  for (int64_t i = 0; i < width; ++i) {
    double sum = 0;
    for (int64_t r = 0; r < rows; ++r) sum += dy[r * width + i];
    dbias[i] += static_cast<float>(sum);
  }
}

}  // namespace understudy
