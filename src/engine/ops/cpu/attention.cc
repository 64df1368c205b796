// Attention in blocks of queries: scores of a block against all keys that it may see lie in a buffer that stays in the
// second-level cache (32 queries x 2,048 keys = 256 KiB), and five small products do the rest. Keys and values are
// transposed once per example and head, so that every product runs along contiguous memory.
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/ops/cpu/cpu_ops.h"

namespace understudy {

namespace {

constexpr int64_t kQueryBlock = 32;
constexpr int64_t kVector = 16;  // columns begin at multiples of this, so that lanes mean the same in every block

int64_t padded(int64_t n) {
  return (n + kVector - 1) / kVector * kVector;
}

// One example's rows seen through one head.
struct Example {
  int64_t first = 0;  // row
  int64_t size = 0;
};

// Which keys a block of queries [begin, end) of an example may see: columns [low, end), low rounded down to a vector.
int64_t first_column(int64_t begin, int64_t window) {
  const int64_t low = window > 0 ? std::max<int64_t>(0, begin - window + 1) : 0;
  return low / kVector * kVector;
}
int64_t first_visible(int64_t query, int64_t window) {
  return window > 0 ? std::max<int64_t>(0, query - window + 1) : 0;
}

void transpose(const float* rows, int64_t step, int64_t n, int64_t width, float* columns, int64_t ld) {
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t d = 0; d < width; ++d) columns[d * ld + j] = rows[j * step + d];
  }
}

std::vector<Example> examples_of(const AttentionLayout& layout) {
  std::vector<Example> examples;
  for (size_t i = 0; i + 1 < layout.starts.size(); ++i) {
    examples.push_back({layout.starts[i], layout.starts[i + 1] - layout.starts[i]});
  }
  return examples;
}

}  // namespace

void CpuOps::attention(const AttentionLayout& layout, const float* q, const float* k, const float* v, float* o,
                       float* log_sums) {
  const std::vector<Example> examples = examples_of(layout);
  const int64_t n_rows = layout.starts.empty() ? 0 : layout.starts.back();
  const int64_t dim = layout.head_dim, q_step = layout.n_heads * dim, kv_step = layout.n_kv_heads * dim;
  const int64_t group = layout.n_heads / layout.n_kv_heads;
  const float scale = 1.0F / std::sqrt(static_cast<float>(dim));
  const int64_t n_tasks = static_cast<int64_t>(examples.size()) * layout.n_heads;
#pragma omp parallel
  {
    std::vector<float> keys, scores;
#pragma omp for schedule(dynamic)
    for (int64_t task = 0; task < n_tasks; ++task) {
      const Example example = examples[static_cast<size_t>(task / layout.n_heads)];
      const int64_t head = task % layout.n_heads;
      const int64_t ld = padded(example.size);
      keys.resize(static_cast<size_t>(std::max<int64_t>(static_cast<int64_t>(keys.size()), ld * dim)));
      scores.resize(static_cast<size_t>(std::max<int64_t>(static_cast<int64_t>(scores.size()), ld * kQueryBlock)));
      const float* k_head = k + example.first * kv_step + head / group * dim;
      const float* v_head = v + example.first * kv_step + head / group * dim;
      transpose(k_head, kv_step, example.size, dim, keys.data(), ld);
      for (int64_t begin = 0; begin < example.size; begin += kQueryBlock) {
        const int64_t end = std::min(example.size, begin + kQueryBlock);
        const int64_t low = first_column(begin, layout.window), n = end - low;
        const int64_t offset = (example.first + begin) * q_step + head * dim;
        kernels_.small_product(end - begin, n, dim, q + offset, q_step, 1, keys.data() + low, ld, scores.data(), ld,
                               false);
        float inverse[kQueryBlock];
        for (int64_t r = 0; r < end - begin; ++r) {
          const int64_t query = begin + r;
          float top = 0;
          const float sum = kernels_.softmax_row(scores.data() + r * ld, n, first_visible(query, layout.window) - low,
                                                 query + 1 - low, scale, &top);
          inverse[r] = 1.0F / sum;
          log_sums[head * n_rows + example.first + query] = top + std::log(sum);
        }
        kernels_.small_product(end - begin, dim, n, scores.data(), ld, 1, v_head + low * kv_step, kv_step, o + offset,
                               q_step, false);
        for (int64_t r = 0; r < end - begin; ++r) kernels_.scale_row(o + offset + r * q_step, dim, inverse[r]);
      }
    }
  }
}

void CpuOps::attention_backward(const AttentionLayout& layout, const float* q, const float* k, const float* v,
                                const float* o, const float* log_sums, const float* d_o, float* dq, float* dk,
                                float* dv) {
  const std::vector<Example> examples = examples_of(layout);
  const int64_t n_rows = layout.starts.empty() ? 0 : layout.starts.back();
  const int64_t dim = layout.head_dim, q_step = layout.n_heads * dim, kv_step = layout.n_kv_heads * dim;
  const int64_t group = layout.n_heads / layout.n_kv_heads;
  const float scale = 1.0F / std::sqrt(static_cast<float>(dim));
  // A task owns one kv head of one example, so that dk and dv have one writer.
  const int64_t n_tasks = static_cast<int64_t>(examples.size()) * layout.n_kv_heads;
#pragma omp parallel
  {
    std::vector<float> keys, values, p, dp;
#pragma omp for schedule(dynamic)
    for (int64_t task = 0; task < n_tasks; ++task) {
      const Example example = examples[static_cast<size_t>(task / layout.n_kv_heads)];
      const int64_t kv_head = task % layout.n_kv_heads;
      const int64_t ld = padded(example.size);
      for (std::vector<float>* buffer : {&keys, &values})
        buffer->resize(std::max(buffer->size(), static_cast<size_t>(ld * dim)));
      for (std::vector<float>* buffer : {&p, &dp})
        buffer->resize(std::max(buffer->size(), static_cast<size_t>(ld * kQueryBlock)));
      const int64_t kv_offset = example.first * kv_step + kv_head * dim;
      transpose(k + kv_offset, kv_step, example.size, dim, keys.data(), ld);
      transpose(v + kv_offset, kv_step, example.size, dim, values.data(), ld);
      for (int64_t j = 0; j < example.size; ++j) {
        std::fill_n(dk + kv_offset + j * kv_step, dim, 0.0F);
        std::fill_n(dv + kv_offset + j * kv_step, dim, 0.0F);
      }
      for (int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
        for (int64_t begin = 0; begin < example.size; begin += kQueryBlock) {
          const int64_t end = std::min(example.size, begin + kQueryBlock), m = end - begin;
          const int64_t low = first_column(begin, layout.window), n = end - low;
          const int64_t offset = (example.first + begin) * q_step + head * dim;
          const int64_t kv_low = kv_offset + low * kv_step;
          kernels_.small_product(m, n, dim, q + offset, q_step, 1, keys.data() + low, ld, p.data(), ld, false);
          kernels_.small_product(m, n, dim, d_o + offset, q_step, 1, values.data() + low, ld, dp.data(), ld, false);
          for (int64_t r = 0; r < m; ++r) {
            kernels_.probabilities_row(p.data() + r * ld, n, first_visible(begin + r, layout.window) - low,
                                       begin + r + 1 - low, scale, log_sums[head * n_rows + example.first + begin + r]);
          }
          kernels_.small_product(n, dim, m, p.data(), 1, ld, d_o + offset, q_step, dv + kv_low, kv_step, true);
          for (int64_t r = 0; r < m; ++r) {
            const float delta = kernels_.dot(d_o + offset + r * q_step, o + offset + r * q_step, dim);
            kernels_.softmax_backward_row(p.data() + r * ld, dp.data() + r * ld, n, delta, scale);
          }
          kernels_.small_product(m, dim, n, p.data(), ld, 1, k + kv_low, kv_step, dq + offset, q_step, false);
          kernels_.small_product(n, dim, m, p.data(), 1, ld, q + offset, q_step, dk + kv_low, kv_step, true);
        }
      }
    }
  }
}

void CpuOps::cached_attention(const CachedAttention& call) {
  constexpr int64_t kRows = 8;
  const int64_t dim = call.head_dim, page = call.page_tokens;
  const int64_t group = call.n_heads / call.n_kv_heads;
  const float scale = 1.0F / std::sqrt(static_cast<float>(dim));
  const int64_t row_blocks = (call.n_rows + kRows - 1) / kRows;
  const int64_t work = call.n_rows * call.n_heads * dim * (call.first_position + call.n_rows);
#pragma omp parallel if (work > kParallelProducts)
  {
    std::vector<float> queries, scores, sums;
#pragma omp for schedule(dynamic) collapse(2)
    for (int64_t block = 0; block < row_blocks; ++block) {
      for (int64_t kv_head = 0; kv_head < call.n_kv_heads; ++kv_head) {
        const int64_t first_row = block * kRows, n_rows = std::min(kRows, call.n_rows - first_row), m = n_rows * group;
        const int64_t last =
            call.first_position + first_row + n_rows;  // one past the newest position that a row here sees
        const int64_t low_page = first_visible(call.first_position + first_row, call.window) / page;
        const int64_t n_pages = (last + page - 1) / page - low_page, ld = n_pages * page;
        queries.resize(static_cast<size_t>(m * dim));
        sums.resize(static_cast<size_t>(m * dim));
        scores.resize(static_cast<size_t>(m * ld));
        for (int64_t r = 0; r < n_rows; ++r) {
          std::copy_n(call.queries + ((first_row + r) * call.n_heads + kv_head * group) * dim, group * dim,
                      queries.data() + r * group * dim);
        }
        for (int64_t i = 0; i < n_pages; ++i) {
          const float* keys = call.key_pages[static_cast<size_t>(low_page + i)] + kv_head * dim * page;
          kernels_.small_product(m, page, dim, queries.data(), dim, 1, keys, page, scores.data() + i * page, ld, false);
        }
        for (int64_t i = 0; i < m; ++i) {
          const int64_t position = call.first_position + first_row + i / group;
          float top = 0;
          const float sum =
              kernels_.softmax_row(scores.data() + i * ld, ld, first_visible(position, call.window) - low_page * page,
                                   position + 1 - low_page * page, scale, &top);
          kernels_.scale_row(scores.data() + i * ld, ld, 1.0F / sum);
        }
        for (int64_t i = 0; i < n_pages; ++i) {
          const float* values = call.value_pages[static_cast<size_t>(low_page + i)] + kv_head * page * dim;
          kernels_.small_product(m, dim, page, scores.data() + i * page, ld, 1, values, dim, sums.data(), dim, i > 0);
        }
        for (int64_t r = 0; r < n_rows; ++r) {
          std::copy_n(sums.data() + r * group * dim, group * dim,
                      call.output + ((first_row + r) * call.n_heads + kv_head * group) * dim);
        }
      }
    }
  }
}

}  // namespace understudy
