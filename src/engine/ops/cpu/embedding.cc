#include <algorithm>

#include "engine/ops/cpu/cpu_ops.h"

namespace understudy {

void CpuOps::embed(std::span<const int32_t> tokens, ConstTensorView table, float* y) {
  const int64_t width = table.shape[1];
  const size_t row_bytes = bytes_of(table.type, width);
  for (size_t r = 0; r < tokens.size(); ++r) {
    const auto* row = table.as<std::byte>() + static_cast<size_t>(tokens[r]) * row_bytes;
    convert_to_f32({row, table.type, Shape{width}}, y + static_cast<int64_t>(r) * width);
  }
}

void CpuOps::embed_backward(std::span<const int32_t> tokens, int64_t width, const float* dy, float* dtable) {
  constexpr int64_t kColumns = 64;  // a thread owns columns, so that a token that stands twice is no race
#pragma omp parallel for schedule(static) if (static_cast <int64_t>(tokens.size()) * width > kParallelFloats)
  for (int64_t column = 0; column < width; column += kColumns) {
    const int64_t n = std::min(kColumns, width - column);
    for (size_t r = 0; r < tokens.size(); ++r) {
      kernels_.add(dy + static_cast<int64_t>(r) * width + column, dtable + tokens[r] * width + column, n);
    }
  }
}

}  // namespace understudy
