#include <algorithm>

#include "engine/ops/cpu/cpu_ops.h"

namespace understudy {

namespace {
constexpr int64_t kBlock = 4096;
}

void CpuOps::swiglu(int64_t n, const float* gate, const float* up, float* y) {
#pragma omp parallel for schedule(static) if (n > kParallelFloats)
  for (int64_t i = 0; i < n; i += kBlock) kernels_.swiglu(gate + i, up + i, y + i, std::min(kBlock, n - i));
}

void CpuOps::swiglu_backward(int64_t n, const float* gate, const float* up, const float* dy, float* dgate, float* dup) {
#pragma omp parallel for schedule(static) if (n > kParallelFloats)
  for (int64_t i = 0; i < n; i += kBlock) {
    kernels_.swiglu_backward(gate + i, up + i, dy + i, dgate + i, dup + i, std::min(kBlock, n - i));
  }
}

void CpuOps::add(int64_t n, const float* x, float* y) {
#pragma omp parallel for schedule(static) if (n > kParallelFloats)
  for (int64_t i = 0; i < n; i += kBlock) kernels_.add(x + i, y + i, std::min(kBlock, n - i));
}

}  // namespace understudy
