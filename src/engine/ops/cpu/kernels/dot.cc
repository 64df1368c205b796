// Rows times a weight's rows: 2 · rows · in · out operations; reads the weight once per block of rows.
// Each result is one chain of fused multiply-adds over the lanes, in the order of `in`, then one sum over the lanes:
// the same for every blocking, so that a row's result does not depend on its neighbours. Blocks of 4 rows x 4 outputs
// keep 16 chains going (a multiply-add has a latency of 4 cycles and two start per cycle); a single row takes 8 outputs
// at a time instead.
#include "engine/ops/cpu/kernels/functions.h"

namespace understudy::UNDERSTUDY_ISA_NAMESPACE {
namespace {

struct F32 {
  static F at(const void* w, int64_t i) { return load(static_cast<const float*>(w) + i); }
  static F at_n(const void* w, int64_t i, int64_t n) { return load_n(static_cast<const float*>(w) + i, n); }
};
struct Bf16 {
  static F at(const void* w, int64_t i) { return load_bf16(static_cast<const uint16_t*>(w) + i); }
  static F at_n(const void* w, int64_t i, int64_t n) { return load_bf16_n(static_cast<const uint16_t*>(w) + i, n); }
};
struct F16 {
  static F at(const void* w, int64_t i) { return load_f16(static_cast<const uint16_t*>(w) + i); }
  static F at_n(const void* w, int64_t i, int64_t n) { return load_f16_n(static_cast<const uint16_t*>(w) + i, n); }
};
struct Q8 {  // blocks of 34 bytes: an f16 scale, 32 signed bytes; rows are whole blocks, so there are no tails
  static F at(const void* w, int64_t i) {
    const auto* block = static_cast<const uint8_t*>(w) + i / 32 * 34;
    uint16_t bits = 0;
    __builtin_memcpy(&bits, block, 2);
    const F scale = all(_cvtsh_ss(bits));
    return mul(scale, load_i8(reinterpret_cast<const int8_t*>(block + 2 + i % 32)));
  }
  static F at_n(const void* w, int64_t i, int64_t) { return at(w, i); }
};

struct Call {
  int64_t in;
  const float* x;
  const uint8_t* w;
  int64_t stride;
  const float* bias;
  float scale;
  bool accumulate;
  float* y;
  int64_t ldy;
};

template <class Load, int R, int O>
void block(const Call& call, int64_t row, int64_t out) {
  F sums[R][O];
  for (int r = 0; r < R; ++r) {
    for (int o = 0; o < O; ++o) sums[r][o] = zero();
  }
  const float* x = call.x + row * call.in;
  const uint8_t* w = call.w + out * call.stride;
  int64_t i = 0;
  for (; i + kLanes <= call.in; i += kLanes) {
    F xs[R];
    for (int r = 0; r < R; ++r) xs[r] = load(x + r * call.in + i);
    for (int o = 0; o < O; ++o) {
      const F value = Load::at(w + o * call.stride, i);
      for (int r = 0; r < R; ++r) sums[r][o] = fma(xs[r], value, sums[r][o]);
    }
  }
  if (i < call.in) {
    const int64_t n = call.in - i;
    for (int o = 0; o < O; ++o) {
      const F value = Load::at_n(w + o * call.stride, i, n);
      for (int r = 0; r < R; ++r) sums[r][o] = fma(load_n(x + r * call.in + i, n), value, sums[r][o]);
    }
  }
  for (int r = 0; r < R; ++r) {
    float* y = call.y + (row + r) * call.ldy + out;
    for (int o = 0; o < O; ++o) {
      float value = call.scale * sum(sums[r][o]);
      if (call.bias != nullptr) value += call.bias[out + o];
      y[o] = call.accumulate ? y[o] + value : value;
    }
  }
}

template <class Load, int R, int O>
int64_t blocks(const Call& call, int64_t row, int64_t out, int64_t last) {
  for (; out + O <= last; out += O) block<Load, R, O>(call, row, out);
  return out;
}

template <class Load>
void dot_rows(const Call& call, int64_t rows, int64_t first_out, int64_t last_out) {
#if defined(__AVX512F__)
  constexpr int kRowBlock = 4, kOutBlock = 4, kSingleRow = 8;
#else
  constexpr int kRowBlock = 2, kOutBlock = 4, kSingleRow = 8;  // 16 registers
#endif
  // As many rows at a time as keep x in half of a 48 KiB first-level cache.
  int64_t chunk = 24 * 1024 / (call.in * 4) / kRowBlock * kRowBlock;
  if (chunk < kRowBlock) chunk = kRowBlock;
  for (int64_t begin = 0; begin < rows; begin += chunk) {
    const int64_t end = begin + chunk < rows ? begin + chunk : rows;
    for (int64_t out = first_out; out < last_out;) {
      const int64_t width = end - begin == 1 ? kSingleRow : kOutBlock;
      const int64_t stop = out + width <= last_out ? out + width : last_out;
      int64_t row = begin;
      for (; row + kRowBlock <= end; row += kRowBlock) {
        const int64_t done = blocks<Load, kRowBlock, kOutBlock>(call, row, out, stop);
        blocks<Load, kRowBlock, 1>(call, row, done, stop);
      }
      for (; row < end; ++row) {
        int64_t done = blocks<Load, 1, kSingleRow>(call, row, out, stop);
        done = blocks<Load, 1, kOutBlock>(call, row, done, stop);
        blocks<Load, 1, 1>(call, row, done, stop);
      }
      out = stop;
    }
  }
}

}  // namespace

#define UNDERSTUDY_DOT(name, Load)                                                                                    \
  void name(int64_t rows, int64_t in, const float* x, const void* w, int64_t stride, int64_t first_out,               \
            int64_t last_out, const float* bias, float scale, bool accumulate, float* y, int64_t ldy) {               \
    dot_rows<Load>({in, x, static_cast<const uint8_t*>(w), stride, bias, scale, accumulate, y, ldy}, rows, first_out, \
                   last_out);                                                                                         \
  }
UNDERSTUDY_DOT(dot_f32, F32)
UNDERSTUDY_DOT(dot_bf16, Bf16)
UNDERSTUDY_DOT(dot_f16, F16)
UNDERSTUDY_DOT(dot_q8_0, Q8)
#undef UNDERSTUDY_DOT

float dot(const float* x, const float* y, int64_t n) {
  F total = zero();
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) total = fma(load(x + i), load(y + i), total);
  if (i < n) total = fma(load_n(x + i, n - i), load_n(y + i, n - i), total);
  return sum(total);
}

}  // namespace understudy::UNDERSTUDY_ISA_NAMESPACE
