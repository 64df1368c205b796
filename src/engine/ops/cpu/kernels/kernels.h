// What an instruction set has to offer: plain functions over plain pointers and counts, one table of them per set.
// Kernels cannot fail, allocate nothing and know no threads. Every element of a result is summed in one fixed order
// that does not depend on how many rows or columns are asked for; tails use masked or zero-filled vectors, never
// another formula.
//
// This header and everything beside it is compiled with instruction-set flags: it may include nothing but <cstdint> and
// the intrinsics (an inline library function compiled here would be a weak symbol, and the linker may keep that copy
// for everybody).
#pragma once

#include <cstdint>

namespace understudy {

struct Kernels {
  const char* name;

  // y[r * ldy + o] = scale * Σ_i x[r * in + i] w[o][i] + bias[o] (+ y): outputs first..last of a weight's rows.
  // stride: bytes from one row of the weight to the next.
  void (*dot_f32)(int64_t rows, int64_t in, const float* x, const void* w, int64_t stride, int64_t first, int64_t last,
                  const float* bias, float scale, bool accumulate, float* y, int64_t ldy);
  void (*dot_bf16)(int64_t, int64_t, const float*, const void*, int64_t, int64_t, int64_t, const float*, float, bool,
                   float*, int64_t);
  void (*dot_f16)(int64_t, int64_t, const float*, const void*, int64_t, int64_t, int64_t, const float*, float, bool,
                  float*, int64_t);
  void (*dot_q8_0)(int64_t, int64_t, const float*, const void*, int64_t, int64_t, int64_t, const float*, float, bool,
                   float*, int64_t);

  // c[m, n] (+)= Σ_k a(i, k) b[k, n], a(i, k) = a[i * row_step + k * k_step]; b has rows of ldb, c of ldc. For
  // attention's blocks.
  void (*small_product)(int64_t m, int64_t n, int64_t k, const float* a, int64_t row_step, int64_t k_step,
                        const float* b, int64_t ldb, float* c, int64_t ldc, bool accumulate);

  // In place: row = exp(row * scale - max) over columns first..last, zero in [0, first) and [last, n). Returns Σ; max
  // in *largest.
  float (*softmax_row)(float* row, int64_t n, int64_t first, int64_t last, float scale, float* largest);
  // In place: row = exp(row * scale - log_sum) over first..last, zero elsewhere.
  void (*probabilities_row)(float* row, int64_t n, int64_t first, int64_t last, float scale, float log_sum);
  // ds = p (dp - delta) * scale, in place of p
  void (*softmax_backward_row)(float* p, const float* dp, int64_t n, float delta, float scale);
  void (*scale_row)(float* x, int64_t n, float factor);
  float (*dot)(const float* x, const float* y, int64_t n);
  void (*add)(const float* x, float* y, int64_t n);

  void (*rms_norm_row)(const float* x, const float* w, float epsilon, int64_t n, float* y, float* inverse_rms);
  // dw (may be null) is added to.
  void (*rms_norm_backward_row)(const float* x, const float* w, float inverse_rms, const float* dy, int64_t n,
                                float* dx, float* dw, bool accumulate);
  void (*rotate_head)(float* x, const float* cosines, const float* sines, int64_t half, float sign);
  void (*swiglu)(const float* gate, const float* up, float* y, int64_t n);
  void (*swiglu_backward)(const float* gate, const float* up, const float* dy, float* dgate, float* dup, int64_t n);
  // The row becomes scale * (softmax - onehot) where write; returns the loss.
  float (*cross_entropy_row)(float* logits, int64_t n, int32_t target, bool write, float scale);
  // One block of AdamW; rate is already corrected for bias 1, root_correction is 1 / sqrt(1 - b2^t).
  void (*adamw)(float* value, const float* gradient, float* m, float* v, int64_t n, const float* settings);
  float (*sum_of_squares)(const float* x, int64_t n);
  void (*bf16_to_f32)(const uint16_t* x, float* y, int64_t n);
};

namespace avx512 {
const Kernels* kernels();
}
namespace avx2 {
const Kernels* kernels();
}

}  // namespace understudy
