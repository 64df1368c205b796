// Fills the table of this instruction set.
#include "engine/ops/cpu/kernels/functions.h"

namespace understudy::UNDERSTUDY_ISA_NAMESPACE {

const Kernels* kernels() {
  static constexpr Kernels table = {
#if defined(__AVX512F__)
    "avx512",
#else
    "avx2",
#endif
    dot_f32,
    dot_bf16,
    dot_f16,
    dot_q8_0,
    small_product,
    softmax_row,
    probabilities_row,
    softmax_backward_row,
    scale_row,
    dot,
    add_to,
    rms_norm_row,
    rms_norm_backward_row,
    rotate_head,
    swiglu,
    swiglu_backward,
    cross_entropy_row,
    adamw_block,
    sum_of_squares,
    bf16_to_f32
  };
  return &table;
}

}  // namespace understudy::UNDERSTUDY_ISA_NAMESPACE
