#include "engine/ops/reference/reference_ops.h"

namespace understudy {

void ReferenceOps::embed(std::span<const int32_t> tokens, ConstTensorView table, float* y) {
  const Tensor rows = to_f32(table);
  const int64_t width = table.shape[1];
  for (size_t r = 0; r < tokens.size(); ++r) {
    for (int64_t i = 0; i < width; ++i) y[static_cast<int64_t>(r) * width + i] = rows.f32()[tokens[r] * width + i];
  }
}

void ReferenceOps::embed_backward(std::span<const int32_t> tokens, int64_t width, const float* dy, float* dtable) {
  for (size_t r = 0; r < tokens.size(); ++r) {
    for (int64_t i = 0; i < width; ++i) dtable[tokens[r] * width + i] += dy[static_cast<int64_t>(r) * width + i];
  }
}

}  // namespace understudy
