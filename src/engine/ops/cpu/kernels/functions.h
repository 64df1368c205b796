// The kernels of one instruction set, as table.cc lists them; kernels.h says what each does.
#pragma once

#include "engine/ops/cpu/kernels/kernels.h"
#include "engine/ops/cpu/kernels/simd.h"

namespace understudy::UNDERSTUDY_ISA_NAMESPACE {

void dot_f32(int64_t rows, int64_t in, const float* x, const void* w, int64_t stride, int64_t first_out,
             int64_t last_out, const float* bias, float scale, bool accumulate, float* y, int64_t ldy);
void dot_bf16(int64_t rows, int64_t in, const float* x, const void* w, int64_t stride, int64_t first_out,
              int64_t last_out, const float* bias, float scale, bool accumulate, float* y, int64_t ldy);
void dot_f16(int64_t rows, int64_t in, const float* x, const void* w, int64_t stride, int64_t first_out,
             int64_t last_out, const float* bias, float scale, bool accumulate, float* y, int64_t ldy);
void dot_q8_0(int64_t rows, int64_t in, const float* x, const void* w, int64_t stride, int64_t first_out,
              int64_t last_out, const float* bias, float scale, bool accumulate, float* y, int64_t ldy);
void small_product(int64_t m, int64_t n, int64_t k, const float* a, int64_t row_step, int64_t k_step, const float* b,
                   int64_t ldb, float* c, int64_t ldc, bool accumulate);
float softmax_row(float* row, int64_t n, int64_t first_column, int64_t last_column, float scale, float* largest_value);
void probabilities_row(float* row, int64_t n, int64_t first_column, int64_t last_column, float scale, float log_sum);
void softmax_backward_row(float* p, const float* dp, int64_t n, float delta, float scale);
void scale_row(float* x, int64_t n, float factor);
float dot(const float* x, const float* y, int64_t n);
void add_to(const float* x, float* y, int64_t n);
void rms_norm_row(const float* x, const float* w, float epsilon, int64_t n, float* y, float* inverse_rms);
void rms_norm_backward_row(const float* x, const float* w, float inverse_rms, const float* dy, int64_t n, float* dx,
                           float* dw, bool accumulate);
void rotate_head(float* x, const float* cosines, const float* sines, int64_t half, float sign);
void swiglu(const float* gate, const float* up, float* y, int64_t n);
void swiglu_backward(const float* gate, const float* up, const float* dy, float* dgate, float* dup, int64_t n);
float cross_entropy_row(float* logits, int64_t n, int32_t target, bool write, float scale);
void adamw_block(float* value, const float* gradient, float* m, float* v, int64_t n, const float* settings);
float sum_of_squares(const float* x, int64_t n);
void bf16_to_f32(const uint16_t* x, float* y, int64_t n);

}  // namespace understudy::UNDERSTUDY_ISA_NAMESPACE
