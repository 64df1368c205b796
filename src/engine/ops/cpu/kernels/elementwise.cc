// SwiGLU, sums, AdamW and type changes: bound by memory, one pass each.
#include "engine/ops/cpu/kernels/functions.h"

namespace understudy::UNDERSTUDY_ISA_NAMESPACE {

void swiglu(const float* gate, const float* up, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const F g = load_n(gate + i, n - i);
    const F silu = div(g, add(all(1.0F), exp(sub(zero(), g))));
    store_n(y + i, mul(silu, load_n(up + i, n - i)), n - i);
  }
}

void swiglu_backward(const float* gate, const float* up, const float* dy, float* dgate, float* dup, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const F g = load_n(gate + i, n - i);
    const F u = load_n(up + i, n - i);
    const F d = load_n(dy + i, n - i);
    const F sigmoid = div(all(1.0F), add(all(1.0F), exp(sub(zero(), g))));
    // silu' = σ (1 + g (1 - σ))
    const F slope = mul(sigmoid, fma(g, sub(all(1.0F), sigmoid), all(1.0F)));
    store_n(dgate + i, mul(mul(d, u), slope), n - i);
    store_n(dup + i, mul(d, mul(g, sigmoid)), n - i);
  }
}

void add_to(const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) store_n(y + i, add(load_n(x + i, n - i), load_n(y + i, n - i)), n - i);
}

// settings: learning rate, beta1, beta2, epsilon, 1 - lr · decay, gradient scale, 1 / (1 - b1^t), 1 / sqrt(1 - b2^t)
void adamw_block(float* value, const float* gradient, float* m, float* v, int64_t n, const float* settings) {
  const F beta1 = all(settings[1]), beta2 = all(settings[2]), epsilon = all(settings[3]), keep = all(settings[4]);
  const F rest1 = all(1.0F - settings[1]), rest2 = all(1.0F - settings[2]);
  const F rate = all(settings[0] * settings[6]), root = all(settings[7]), scale = all(settings[5]);
  for (int64_t i = 0; i < n; i += kLanes) {
    const F g = mul(load_n(gradient + i, n - i), scale);
    const F first_moment = fma(load_n(m + i, n - i), beta1, mul(g, rest1));
    const F second_moment = fma(load_n(v + i, n - i), beta2, mul(mul(g, g), rest2));
    const F denominator = fma(sqrt(second_moment), root, epsilon);
    const F update = div(mul(first_moment, rate), denominator);
    store_n(m + i, first_moment, n - i);
    store_n(v + i, second_moment, n - i);
    store_n(value + i, sub(mul(load_n(value + i, n - i), keep), update), n - i);
  }
}

void bf16_to_f32(const uint16_t* x, float* y, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(y + i, load_bf16(x + i));
  if (i < n) store_n(y + i, load_bf16_n(x + i, n - i), n - i);
}

}  // namespace understudy::UNDERSTUDY_ISA_NAMESPACE
