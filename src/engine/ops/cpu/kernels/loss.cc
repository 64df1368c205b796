// Cross-entropy of one row of logits: three passes over a row that stays in the cache (vocab · 4 bytes).
#include "engine/ops/cpu/kernels/functions.h"

namespace understudy::UNDERSTUDY_ISA_NAMESPACE {

float cross_entropy_row(float* logits, int64_t n, int32_t target, bool write, float scale) {
  F most = all(kMinusInfinity);
  for (int64_t i = 0; i < n; i += kLanes) {
    most = max(most, keep_lanes(load_n(logits + i, n - i), 0, n - i, all(kMinusInfinity)));
  }
  const float top = largest(most);
  F total = zero();
  for (int64_t i = 0; i < n; i += kLanes) {
    const F e = exp(sub(load_n(logits + i, n - i), all(top)));
    total = add(total, keep_lanes(e, 0, n - i, zero()));
  }
  const float denominator = sum(total);
  const auto loss =
      static_cast<float>(__builtin_log(static_cast<double>(denominator)) - static_cast<double>(logits[target] - top));
  if (!write) return loss;
  const F factor = all(scale / denominator);
  for (int64_t i = 0; i < n; i += kLanes) {
    store_n(logits + i, mul(exp(sub(load_n(logits + i, n - i), all(top))), factor), n - i);
  }
  logits[target] -= scale;
  return loss;
}

}  // namespace understudy::UNDERSTUDY_ISA_NAMESPACE
