// The room's page. engine/ops are the operations that a Llama-family decoder is made of, forward and backward: one
// interface, several backends behind it. This header is the manual: formula, source, shapes, what is added to and what
// is overwritten.
//   reference/  plain loops in double: obviously right, slow; a backend like the others (UNDERSTUDY_ISA=reference)
//   cpu/        OpenMP over rows or heads, oneDNN for dense products, vector kernels per instruction set (cpu/kernels/)
// Operations write into memory that the caller gives and allocate only scratch of their own. Matrices are row-major and
// contiguous, f32 unless a ConstTensorView says otherwise. One thread calls an Ops; the work spreads over the OpenMP
// team. Gradients of inputs are overwritten unless `accumulate` is said; gradients of weights are always added to.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/tensor/tensor.h"

namespace understudy {

// Which rows attend to which in training: examples one behind the other, causal, each alone.
struct AttentionLayout {
  std::span<const int64_t> starts;  // first row of each example, then the number of rows
  int64_t n_heads = 0;
  int64_t n_kv_heads = 0;  // divides n_heads; head h reads kv head h / (n_heads / n_kv_heads)
  int64_t head_dim = 0;
  int64_t window = 0;  // a row sees itself and window - 1 rows before it; 0: all
};

// Queries of one sequence against its cached keys and values, in pages.
struct CachedAttention {
  const float* queries = nullptr;  // [n_rows, n_heads, head_dim], rotated
  float* output = nullptr;         // [n_rows, n_heads, head_dim]
  int64_t n_rows = 0;
  int64_t first_position = 0;  // of the first row; row r sees positions up to first_position + r
  std::span<const float* const>
      key_pages;  // each [n_kv_heads, head_dim, page_tokens]: transposed, so that one query meets
  std::span<const float* const> value_pages;  // a page's keys side by side; values [n_kv_heads, page_tokens, head_dim]
  int64_t page_tokens = 0;
  int64_t n_heads = 0, n_kv_heads = 0, head_dim = 0, window = 0;
};

struct Product {
  bool transpose_a = false;  // a is [k, m] instead of [m, k]
  bool transpose_b = false;  // b is [n, k] instead of [k, n]
  int64_t m = 0, n = 0, k = 0;
  const float* a = nullptr;
  const float* b = nullptr;
  float* c = nullptr;  // [m, n]
  float alpha = 1;
  bool accumulate = false;  // c += instead of c =
};

class Ops {
 public:
  virtual ~Ops() = default;
  virtual std::string_view name() const = 0;  // "avx512", "avx2", "reference"

  // y[r] = table[tokens[r]]          table [vocab, width] of any weight type, y [rows, width]
  virtual void embed(std::span<const int32_t> tokens, ConstTensorView table, float* y) = 0;
  // dtable[tokens[r]] += dy[r]
  virtual void embed_backward(std::span<const int32_t> tokens, int64_t width, const float* dy, float* dtable) = 0;

  // y = x · w / sqrt(mean(x²) + ε)    Zhang & Sennrich 2019
  //   x, y [rows, width]   w [width]   inverse_rms [rows] is kept for the backward pass (may be null)
  // Rows are independent.
  virtual void rms_norm(int64_t rows, int64_t width, const float* x, const float* w, float epsilon, float* y,
                        float* inverse_rms) = 0;
  // With s = inverse_rms, n = x s:  dx = s (dy w - n · mean(dy w n)),  dw += Σ_rows dy n.   dw may be null (frozen).
  //   accumulate: dx += instead of dx =
  virtual void rms_norm_backward(int64_t rows, int64_t width, const float* x, const float* w, const float* inverse_rms,
                                 const float* dy, float* dx, float* dw, bool accumulate) = 0;

  // y[r, o] = Σ_i x[r, i] weight[o, i] + bias[o]     weight [out, in]: f32, f16, bf16 or q8_0, summed in f32; bias may
  // be null
  //   scale multiplies the sum; accumulate adds to y.
  // A row's result does not depend on the number of rows: serving rests on it.
  virtual void linear(int64_t rows, const float* x, ConstTensorView weight, const float* bias, float* y,
                      float scale = 1, bool accumulate = false) = 0;

  // c = α a b (+ c), with either transposed: the dense products of training.
  virtual void product(const Product& product) = 0;
  // y[r] += bias;   dbias += Σ_rows dy
  virtual void add_bias(int64_t rows, int64_t width, const float* bias, float* y) = 0;
  virtual void bias_backward(int64_t rows, int64_t width, const float* dy, float* dbias) = 0;

  // Rotates pairs (i, i + head_dim / 2) of each head by the row's angles (Su et al. 2021, in Hugging Face's order):
  //   x'[i] = x[i] cos - x[i + h] sin,  x'[i + h] = x[i + h] cos + x[i] sin,   h = head_dim / 2
  //   x [rows, n_heads, head_dim] in place   cosines, sines [positions, h]   positions [rows]
  // inverse: by the negative angle, which is the backward pass.
  virtual void rotate(int64_t rows, int64_t n_heads, int64_t head_dim, const int32_t* positions, const float* cosines,
                      const float* sines, bool inverse, float* x) = 0;

  // o[r, h] = Σ_j softmax_j(q[r, h] · k[j, h'] / sqrt(head_dim)) v[j, h'],  j over the rows that r sees
  //   q, o [rows, n_heads, head_dim]   k, v [rows, n_kv_heads, head_dim]
  //   log_sums [n_heads, rows] = log Σ_j exp(...) is kept for the backward pass
  virtual void attention(const AttentionLayout& layout, const float* q, const float* k, const float* v, float* o,
                         float* log_sums) = 0;
  // dq, dk, dv overwritten. Probabilities are computed again from log_sums (Dao et al. 2022).
  virtual void attention_backward(const AttentionLayout& layout, const float* q, const float* k, const float* v,
                                  const float* o, const float* log_sums, const float* d_o, float* dq, float* dk,
                                  float* dv) = 0;
  // The same sum for serving; a row's result does not depend on how its prompt was cut or on other sequences.
  virtual void cached_attention(const CachedAttention& call) = 0;

  // y = silu(gate) · up,  silu(g) = g / (1 + e^-g)     Shazeer 2020
  virtual void swiglu(int64_t n, const float* gate, const float* up, float* y) = 0;
  // dgate, dup overwritten; may be the memory of gate and up.
  virtual void swiglu_backward(int64_t n, const float* gate, const float* up, const float* dy, float* dgate,
                               float* dup) = 0;

  // Returns Σ_r -log softmax(logits[r])[targets[r]]; with write_gradient, logits become scale · (softmax - onehot).
  //   logits [rows, vocab]   every target is a token
  virtual double cross_entropy(int64_t rows, int64_t vocab, float* logits, const int32_t* targets, bool write_gradient,
                               float scale) = 0;

  // y += x
  virtual void add(int64_t n, const float* x, float* y) = 0;
  // y[i] = x[i] / (1 - rate) where uniform(key, i) >= rate, else 0 (Srivastava et al. 2014). The same key gives the
  // same mask, so that the backward pass is the same operation on the gradient. x may be y.
  virtual void dropout(int64_t n, double rate, uint64_t key, const float* x, float* y) = 0;
  // The values of a weight of any type as f32.
  virtual void expand(ConstTensorView weight, float* y) = 0;
};

// Reads UNDERSTUDY_ISA (avx512, avx2, reference) once, else takes the fastest that this processor has; refuses, naming
// it, one that it lacks. The object lives as long as the process.
Ops& default_ops();
std::unique_ptr<Ops> make_reference_ops();
// nullptr where the processor lacks it. isa: "avx512" or "avx2".
std::unique_ptr<Ops> make_cpu_ops(std::string_view isa);
// Names of all backends that this process can use, fastest first.
std::vector<std::string_view> available_ops();

}  // namespace understudy
