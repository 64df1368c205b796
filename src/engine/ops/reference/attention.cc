#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "engine/ops/reference/reference_ops.h"

namespace understudy {

namespace {

double dot(const float* a, const float* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

int64_t first_visible(int64_t query, int64_t window) {
  return window > 0 ? std::max<int64_t>(0, query - window + 1) : 0;
}

// Calls visit(query row, head, first key row) for every query of every example.
void for_each_query(const AttentionLayout& layout, const std::function<void(int64_t, int64_t, int64_t)>& visit) {
  for (size_t e = 0; e + 1 < layout.starts.size(); ++e) {
    for (int64_t row = layout.starts[e]; row < layout.starts[e + 1]; ++row) {
      const int64_t first = layout.starts[e] + first_visible(row - layout.starts[e], layout.window);
      for (int64_t head = 0; head < layout.n_heads; ++head) visit(row, head, first);
    }
  }
}

}  // namespace

void ReferenceOps::attention(const AttentionLayout& layout, const float* q, const float* k, const float* v, float* o,
                             float* log_sums) {
  const int64_t dim = layout.head_dim, group = layout.n_heads / layout.n_kv_heads;
  const int64_t n_rows = layout.starts.empty() ? 0 : layout.starts.back();
  const double scale = 1.0 / std::sqrt(static_cast<double>(dim));
  for_each_query(layout, [&](int64_t row, int64_t head, int64_t first) {
    const auto at = [&](const float* x, int64_t j) { return x + (j * layout.n_kv_heads + head / group) * dim; };
    const float* query = q + (row * layout.n_heads + head) * dim;
    double top = -INFINITY, sum = 0;
    for (int64_t j = first; j <= row; ++j) top = std::max(top, scale * dot(query, at(k, j), dim));
    for (int64_t j = first; j <= row; ++j) sum += std::exp(scale * dot(query, at(k, j), dim) - top);
    std::vector<double> result(static_cast<size_t>(dim));
    for (int64_t j = first; j <= row; ++j) {
      const double p = std::exp(scale * dot(query, at(k, j), dim) - top) / sum;
      for (int64_t d = 0; d < dim; ++d) result[static_cast<size_t>(d)] += p * at(v, j)[d];
    }
    log_sums[head * n_rows + row] = static_cast<float>(top + std::log(sum));
    for (int64_t d = 0; d < dim; ++d)
      o[(row * layout.n_heads + head) * dim + d] = static_cast<float>(result[static_cast<size_t>(d)]);
  });
}

// p = softmax, D = dO · O:  dV_j = Σ p dO,  dS = p (dO · V_j - D) scale,  dQ = Σ dS K_j,  dK_j = Σ dS Q.
void ReferenceOps::attention_backward(const AttentionLayout& layout, const float* q, const float* k, const float* v,
                                      const float* o, const float* log_sums, const float* d_o, float* dq, float* dk,
                                      float* dv) {
  const int64_t dim = layout.head_dim, group = layout.n_heads / layout.n_kv_heads;
  const int64_t n_rows = layout.starts.empty() ? 0 : layout.starts.back();
  const double scale = 1.0 / std::sqrt(static_cast<double>(dim));
  std::vector<double> k_sums(static_cast<size_t>(n_rows * layout.n_kv_heads * dim)), v_sums(k_sums.size());
  for_each_query(layout, [&](int64_t row, int64_t head, int64_t first) {
    const int64_t offset = (row * layout.n_heads + head) * dim;
    const double delta = dot(d_o + offset, o + offset, dim);
    std::vector<double> q_sums(static_cast<size_t>(dim));
    for (int64_t j = first; j <= row; ++j) {
      const int64_t key = (j * layout.n_kv_heads + head / group) * dim;
      const double p = std::exp(scale * dot(q + offset, k + key, dim) - log_sums[head * n_rows + row]);
      const double ds = p * (dot(d_o + offset, v + key, dim) - delta) * scale;
      for (int64_t d = 0; d < dim; ++d) {
        v_sums[static_cast<size_t>(key + d)] += p * d_o[offset + d];
        k_sums[static_cast<size_t>(key + d)] += ds * q[offset + d];
        q_sums[static_cast<size_t>(d)] += ds * k[key + d];
      }
    }
    for (int64_t d = 0; d < dim; ++d) dq[offset + d] = static_cast<float>(q_sums[static_cast<size_t>(d)]);
  });
  for (size_t i = 0; i < k_sums.size(); ++i) {
    dk[i] = static_cast<float>(k_sums[i]);
    dv[i] = static_cast<float>(v_sums[i]);
  }
}

void ReferenceOps::cached_attention(const CachedAttention& call) {
  const int64_t dim = call.head_dim, page = call.page_tokens, group = call.n_heads / call.n_kv_heads;
  const double scale = 1.0 / std::sqrt(static_cast<double>(dim));
  for (int64_t row = 0; row < call.n_rows; ++row) {
    const int64_t position = call.first_position + row;
    const int64_t first = first_visible(position, call.window);
    for (int64_t head = 0; head < call.n_heads; ++head) {
      const float* query = call.queries + (row * call.n_heads + head) * dim;
      const int64_t kv = head / group;
      std::vector<double> scores;
      for (int64_t j = first; j <= position; ++j) {
        const float* keys = call.key_pages[static_cast<size_t>(j / page)] + kv * dim * page + j % page;
        double sum = 0;
        for (int64_t d = 0; d < dim; ++d) sum += static_cast<double>(query[d]) * keys[d * page];
        scores.push_back(sum * scale);
      }
      const double top = *std::max_element(scores.begin(), scores.end());
      double total = 0;
      for (double& score : scores) total += (score = std::exp(score - top));
      for (int64_t d = 0; d < dim; ++d) {
        double sum = 0;
        for (int64_t j = first; j <= position; ++j) {
          const float* values = call.value_pages[static_cast<size_t>(j / page)] + (kv * page + j % page) * dim;
          sum += scores[static_cast<size_t>(j - first)] / total * values[d];
        }
        call.output[(row * call.n_heads + head) * dim + d] = static_cast<float>(sum);
      }
    }
  }
}

}  // namespace understudy
