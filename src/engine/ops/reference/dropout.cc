#include "base/random.h"
#include "engine/ops/reference/reference_ops.h"

namespace understudy {

void ReferenceOps::dropout(int64_t n, double rate, uint64_t key, const float* x, float* y) {
  Random random(key);
  for (int64_t i = 0; i < n; ++i) y[i] = random.uniform() >= rate ? static_cast<float>(x[i] / (1.0 - rate)) : 0.0F;
}

void ReferenceOps::expand(ConstTensorView weight, float* y) {
  convert_to_f32(weight, y);
}

}  // namespace understudy
