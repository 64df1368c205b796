// The CPU backend: splits the work of an operation over the OpenMP team and calls one instruction set's kernels. How
// the work is split never changes a result: every element is summed by one thread in a fixed order, and sums over rows
// go by fixed blocks.
#pragma once

#include "engine/ops/cpu/kernels/kernels.h"
#include "engine/ops/ops.h"

namespace understudy {

class CpuOps : public Ops {
 public:
  explicit CpuOps(const Kernels& kernels) : kernels_(kernels) {}
  std::string_view name() const override { return kernels_.name; }

  void embed(std::span<const int32_t> tokens, ConstTensorView table, float* y) override;
  void embed_backward(std::span<const int32_t> tokens, int64_t width, const float* dy, float* dtable) override;
  void rms_norm(int64_t rows, int64_t width, const float* x, const float* w, float epsilon, float* y,
                float* inverse_rms) override;
  void rms_norm_backward(int64_t rows, int64_t width, const float* x, const float* w, const float* inverse_rms,
                         const float* dy, float* dx, float* dw, bool accumulate) override;
  void linear(int64_t rows, const float* x, ConstTensorView weight, const float* bias, float* y, float scale,
              bool accumulate) override;
  void product(const Product& product) override;
  void add_bias(int64_t rows, int64_t width, const float* bias, float* y) override;
  void bias_backward(int64_t rows, int64_t width, const float* dy, float* dbias) override;
  void rotate(int64_t rows, int64_t n_heads, int64_t head_dim, const int32_t* positions, const float* cosines,
              const float* sines, bool inverse, float* x) override;
  void attention(const AttentionLayout& layout, const float* q, const float* k, const float* v, float* o,
                 float* log_sums) override;
  void attention_backward(const AttentionLayout& layout, const float* q, const float* k, const float* v, const float* o,
                          const float* log_sums, const float* d_o, float* dq, float* dk, float* dv) override;
  void cached_attention(const CachedAttention& call) override;
  void swiglu(int64_t n, const float* gate, const float* up, float* y) override;
  void swiglu_backward(int64_t n, const float* gate, const float* up, const float* dy, float* dgate,
                       float* dup) override;
  double cross_entropy(int64_t rows, int64_t vocab, float* logits, const int32_t* targets, bool write_gradient,
                       float scale) override;
  void add(int64_t n, const float* x, float* y) override;
  void dropout(int64_t n, double rate, uint64_t key, const float* x, float* y) override;
  void expand(ConstTensorView weight, float* y) override;

 private:
  const Kernels& kernels_;
};

// Below these a team costs more than it brings: waking it takes about 10 us, and far longer where other programs have
// the cores.
inline constexpr int64_t kParallelFloats = 1 << 16;    // moved by one pass
inline constexpr int64_t kParallelProducts = 1 << 20;  // multiply-adds of one product: about 20 us for one core

}  // namespace understudy
