// Blocks of attention: small products and rows of softmax. A product's element is one chain of multiply-adds over k in
// order, whatever the block, so that a query's result does not depend on how many queries are computed beside it.
#include "engine/ops/cpu/kernels/functions.h"

namespace understudy::UNDERSTUDY_ISA_NAMESPACE {
namespace {

struct Block {
  int64_t k;
  const float* a;
  int64_t row_step, k_step;
  const float* b;
  int64_t ldb;
  float* c;
  int64_t ldc;
  bool accumulate;
};

// R rows by V vectors; the last vector has `tail` lanes, all of them where kWhole.
template <int R, int V, bool kWhole>
void product_block(const Block& p, int64_t row, int64_t column, int64_t tail) {
  F sums[R][V];
  float* c = p.c + row * p.ldc + column;
  const auto load_lanes = [tail](const float* from, int v) {
    return !kWhole && v + 1 == V ? load_n(from + v * kLanes, tail) : load(from + v * kLanes);
  };
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) sums[r][v] = p.accumulate ? load_lanes(c + r * p.ldc, v) : zero();
  }
  const float* a = p.a + row * p.row_step;
  const float* b = p.b + column;
  for (int64_t k = 0; k < p.k; ++k, b += p.ldb, a += p.k_step) {
    F bs[V];
    for (int v = 0; v < V; ++v) bs[v] = load_lanes(b, v);
    for (int r = 0; r < R; ++r) {
      const F value = all(a[r * p.row_step]);
      for (int v = 0; v < V; ++v) sums[r][v] = fma(value, bs[v], sums[r][v]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v + 1 < V; ++v) store(c + r * p.ldc + v * kLanes, sums[r][v]);
    store_n(c + r * p.ldc + (V - 1) * kLanes, sums[r][V - 1], kWhole ? kLanes : tail);
  }
}

template <int V, bool kWhole>
void product_columns(const Block& p, int64_t m, int64_t column, int64_t tail = kLanes) {
  int64_t row = 0;
#if defined(__AVX512F__)
  // Sixteen sums hide the latency of a multiply-add, and a block of 32 queries has no rest: single rows cost four times
  // as much each.
  constexpr int kRows = V == 4 ? 4 : 8;
  for (; row + kRows <= m; row += kRows) product_block<kRows, V, kWhole>(p, row, column, tail);
#endif
  for (; row + 3 <= m; row += 3) product_block<3, V, kWhole>(p, row, column, tail);
  for (; row + 2 <= m; row += 2) product_block<2, V, kWhole>(p, row, column, tail);
  for (; row < m; ++row) product_block<1, V, kWhole>(p, row, column, tail);
}

}  // namespace

void small_product(int64_t m, int64_t n, int64_t k, const float* a, int64_t row_step, int64_t k_step, const float* b,
                   int64_t ldb, float* c, int64_t ldc, bool accumulate) {
  const Block p{k, a, row_step, k_step, b, ldb, c, ldc, accumulate};
  int64_t column = 0;
#if defined(__AVX512F__)
  for (; column + 4 * kLanes <= n; column += 4 * kLanes) product_columns<4, true>(p, m, column);
#endif
  for (; column + 2 * kLanes <= n; column += 2 * kLanes) product_columns<2, true>(p, m, column);
  for (; column + kLanes <= n; column += kLanes) product_columns<1, true>(p, m, column);
  if (column < n) product_columns<1, false>(p, m, column, n - column);
}

float softmax_row(float* row, int64_t n, int64_t first_column, int64_t last_column, float scale, float* largest_value) {
  const F minus = all(kMinusInfinity);
  F most = minus;
  for (int64_t i = first_column / kLanes * kLanes; i < last_column; i += kLanes) {
    const F x = mul(load_n(row + i, n - i), all(scale));
    most = max(most, keep_lanes(x, first_column - i, last_column - i, minus));
  }
  const float top = largest(most);
  F total = zero();
  for (int64_t i = 0; i < n; i += kLanes) {
    if (i + kLanes <= first_column || i >= last_column) {
      store_n(row + i, zero(), n - i);
      continue;
    }
    const F x = mul(load_n(row + i, n - i), all(scale));
    const F e = keep_lanes(exp(sub(x, all(top))), first_column - i, last_column - i, zero());
    total = add(total, e);
    store_n(row + i, e, n - i);
  }
  *largest_value = top;
  return sum(total);
}

void probabilities_row(float* row, int64_t n, int64_t first_column, int64_t last_column, float scale, float log_sum) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const F x = fma(load_n(row + i, n - i), all(scale), all(-log_sum));
    store_n(row + i, keep_lanes(exp(x), first_column - i, last_column - i, zero()), n - i);
  }
}

void softmax_backward_row(float* p, const float* dp, int64_t n, float delta, float scale) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const F inner = sub(load_n(dp + i, n - i), all(delta));
    store_n(p + i, mul(mul(load_n(p + i, n - i), inner), all(scale)), n - i);
  }
}

void scale_row(float* x, int64_t n, float factor) {
  for (int64_t i = 0; i < n; i += kLanes) store_n(x + i, mul(load_n(x + i, n - i), all(factor)), n - i);
}

void rotate_head(float* x, const float* cosines, const float* sines, int64_t half, float sign) {
  for (int64_t i = 0; i < half; i += kLanes) {
    const int64_t n = half - i;
    const F c = load_n(cosines + i, n);
    const F s = mul(load_n(sines + i, n), all(sign));
    const F low = load_n(x + i, n);
    const F high = load_n(x + half + i, n);
    store_n(x + i, sub(mul(low, c), mul(high, s)), n);
    store_n(x + half + i, fma(high, c, mul(low, s)), n);
  }
}

}  // namespace understudy::UNDERSTUDY_ISA_NAMESPACE
