#include <algorithm>

#include "base/random.h"
#include "engine/ops/cpu/cpu_ops.h"

namespace understudy {

void CpuOps::dropout(int64_t n, double rate, uint64_t key, const float* x, float* y) {
  constexpr int64_t kBlock = 4096;
  const Random random(key);
  const auto keep = static_cast<float>(1.0 / (1.0 - rate));
  const auto threshold = static_cast<uint64_t>(rate * 0x1.0p53);
#pragma omp parallel for schedule(static) if (n > kParallelFloats)
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    for (int64_t i = begin; i < std::min(n, begin + kBlock); ++i) {
      y[i] = (random.at(static_cast<uint64_t>(i)) >> 11) >= threshold ? x[i] * keep : 0.0F;
    }
  }
}

void CpuOps::expand(ConstTensorView weight, float* y) {
  const int64_t width = weight.shape.last(), rows = weight.shape.rows();
  const auto row_bytes = static_cast<int64_t>(bytes_of(weight.type, width));
#pragma omp parallel for schedule(static) if (rows * width > kParallelFloats)
  for (int64_t r = 0; r < rows; ++r) {
    const void* row = weight.as<std::byte>() + r * row_bytes;
    if (weight.type == DType::kBF16) {
      kernels_.bf16_to_f32(static_cast<const uint16_t*>(row), y + r * width, width);
    } else {
      convert_to_f32({row, weight.type, Shape{width}}, y + r * width);
    }
  }
}

}  // namespace understudy
