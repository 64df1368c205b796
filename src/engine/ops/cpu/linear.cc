// Two kinds of product: `linear` for serving, by our own kernels, whose rows do not depend on their neighbours and
// whose weights stay as they lie in the file; `product` for training, by oneDNN (its sgemm reaches 125 to 165 GFLOP/s a
// core where the instructions can do 166, and gives other bits for 8 rows than for 16, which training may and serving
// may not).
#include <dnnl.h>

#include <algorithm>

#include "engine/ops/cpu/cpu_ops.h"

namespace understudy {

void CpuOps::linear(int64_t rows, const float* x, ConstTensorView weight, const float* bias, float* y, float scale,
                    bool accumulate) {
  const int64_t out = weight.shape[0];
  const int64_t in = weight.shape[1];
  auto* dot = weight.type == DType::kBF16   ? kernels_.dot_bf16
              : weight.type == DType::kF16  ? kernels_.dot_f16
              : weight.type == DType::kQ8_0 ? kernels_.dot_q8_0
                                            : kernels_.dot_f32;
  CHECK(weight.type == DType::kF32 || dot != kernels_.dot_f32, "a weight of a type that cannot be multiplied");
  const auto stride = static_cast<int64_t>(bytes_of(weight.type, in));
  constexpr int64_t kOutputs = 32;  // a task's share: 8 at a time, and large enough to be worth handing out
  const int64_t n_tasks = (out + kOutputs - 1) / kOutputs;
#pragma omp parallel for schedule(static) if (rows * in * out > kParallelProducts)
  for (int64_t task = 0; task < n_tasks; ++task) {
    dot(rows, in, x, weight.data, stride, task * kOutputs, std::min(out, (task + 1) * kOutputs), bias, scale,
        accumulate, y, out);
  }
}

void CpuOps::product(const Product& p) {
  if (p.m == 0 || p.n == 0) return;
  const dnnl_status_t status =
      dnnl_sgemm(p.transpose_a ? 'T' : 'N', p.transpose_b ? 'T' : 'N', p.m, p.n, p.k, p.alpha, p.a,
                 p.transpose_a ? p.m : p.k, p.b, p.transpose_b ? p.k : p.n, p.accumulate ? 1.0F : 0.0F, p.c, p.n);
  CHECK(status == dnnl_success, "oneDNN refused a matrix product");
}

void CpuOps::add_bias(int64_t rows, int64_t width, const float* bias, float* y) {
#pragma omp parallel for schedule(static) if (rows * width > kParallelFloats)
  for (int64_t r = 0; r < rows; ++r) kernels_.add(bias, y + r * width, width);
}

void CpuOps::bias_backward(int64_t rows, int64_t width, const float* dy, float* dbias) {
  for (int64_t r = 0; r < rows; ++r) kernels_.add(dy + r * width, dbias, width);
}

}  // namespace understudy
