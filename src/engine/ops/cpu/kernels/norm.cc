// RMS norm of one row, forward (reads the row twice: 8 bytes a value, from the cache the second time) and backward.
#include "engine/ops/cpu/kernels/functions.h"

namespace understudy::UNDERSTUDY_ISA_NAMESPACE {

float sum_of_squares(const float* x, int64_t n) {
  F total = zero();
  for (int64_t i = 0; i < n; i += kLanes) {
    const F value = load_n(x + i, n - i);
    total = fma(value, value, total);
  }
  return sum(total);
}

void rms_norm_row(const float* x, const float* w, float epsilon, int64_t n, float* y, float* inverse_rms) {
  const float mean = sum_of_squares(x, n) / static_cast<float>(n);
  const float s = 1.0F / __builtin_sqrtf(mean + epsilon);
  if (inverse_rms != nullptr) *inverse_rms = s;
  for (int64_t i = 0; i < n; i += kLanes) {
    store_n(y + i, mul(mul(load_n(x + i, n - i), all(s)), load_n(w + i, n - i)), n - i);
  }
}

void rms_norm_backward_row(const float* x, const float* w, float s, const float* dy, int64_t n, float* dx, float* dw,
                           bool accumulate) {
  F total = zero();  // Σ dy w n, with n = x s
  for (int64_t i = 0; i < n; i += kLanes) {
    const F normed = mul(load_n(x + i, n - i), all(s));
    const F d = load_n(dy + i, n - i);
    total = fma(mul(d, load_n(w + i, n - i)), normed, total);
    if (dw != nullptr) store_n(dw + i, fma(d, normed, load_n(dw + i, n - i)), n - i);
  }
  const F mean = all(sum(total) / static_cast<float>(n));
  for (int64_t i = 0; i < n; i += kLanes) {
    const F normed = mul(load_n(x + i, n - i), all(s));
    const F inner = sub(mul(load_n(dy + i, n - i), load_n(w + i, n - i)), mul(normed, mean));
    const F value = mul(all(s), inner);
    store_n(dx + i, accumulate ? add(load_n(dx + i, n - i), value) : value, n - i);
  }
}

}  // namespace understudy::UNDERSTUDY_ISA_NAMESPACE
