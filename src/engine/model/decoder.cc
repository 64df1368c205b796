#include "engine/model/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "engine/model/rope_table.h"
#include "engine/ops/ops.h"

namespace understudy {

// Memory of one forward pass; grows to the largest batch seen.
struct Decoder::Workspace {
  explicit Workspace(const ModelConfig& config) : rope(config) {}
  Ops& ops = default_ops();
  RopeTable rope;
  std::vector<int32_t> tokens, positions;
  std::vector<float> x, normed, q, k, v, attended, gate, up, low_rank;
  std::vector<float> wanted;
  Tensor logits;
};

namespace {

// Where an entry's rows stand in the batch.
struct Rows {
  int64_t first = 0;
  int64_t count = 0;
};

float* sized(std::vector<float>& buffer, int64_t n) {
  if (static_cast<int64_t>(buffer.size()) < n) buffer.resize(static_cast<size_t>(n));
  return buffer.data();
}

// Everything about one call of forward(), so that a layer reads as its steps.
class ForwardPass {
 public:
  ForwardPass(const Model& model, Decoder::Workspace& workspace, std::span<const BatchEntry> batch, KvCache& cache)
      : model_(model), config_(model.config()), w_(workspace), ops_(workspace.ops), batch_(batch), cache_(cache) {
    lay_out();
  }

  ConstTensorView run() {
    float* x = sized(w_.x, n_rows_ * config_.width);
    ops_.embed(w_.tokens, model_.embedding().data, x);
    for (int64_t layer = 0; layer < config_.n_layers; ++layer) {
      attention(layer, x);
      feed_forward(layer, x);
    }
    for (const BatchEntry& entry : batch_) entry.sequence->length += static_cast<int64_t>(entry.tokens.size());
    return logits(x);
  }

 private:
  void lay_out() {
    w_.tokens.clear();
    w_.positions.clear();
    int64_t last_position = 0;
    for (const BatchEntry& entry : batch_) {
      rows_.push_back({n_rows_, static_cast<int64_t>(entry.tokens.size())});
      n_rows_ += rows_.back().count;
      for (const int32_t token : entry.tokens) {
        if (token < 0 || token >= config_.vocab_size) {
          throw Error(ErrorCode::kInvalidInput,
                      fmt::format("token id {} is outside the vocabulary of {}", token, config_.vocab_size));
        }
        w_.tokens.push_back(token);
      }
      const int64_t begin = entry.sequence->length;
      for (int64_t i = 0; i < rows_.back().count; ++i) w_.positions.push_back(static_cast<int32_t>(begin + i));
      last_position = std::max(last_position, begin + rows_.back().count);
      CHECK(static_cast<int64_t>(entry.sequence->pages.size()) * kPageTokens >= begin + rows_.back().count,
            "pages were not reserved");
    }
    w_.rope.cover(last_position);
  }

  // y = W x + b (+ y), and each entry's own LoRA on its rows.
  void linear(int64_t layer, Linear which, const float* x, float* y, bool accumulate) {
    const LayerWeights& weights = model_.layer(layer);
    const LinearSize size = size_of(config_, which);
    ops_.linear(n_rows_, x, weights.linear(which).data, weights.bias(which).f32(), y, 1, accumulate);
    for (size_t i = 0; i < batch_.size(); ++i) {
      const LoraPair* pair = batch_[i].adapter == nullptr ? nullptr : batch_[i].adapter->find(layer, which);
      if (pair == nullptr) continue;
      float* low_rank = sized(w_.low_rank, rows_[i].count * pair->a.shape()[0]);
      ops_.linear(rows_[i].count, x + rows_[i].first * size.in, pair->a.view(), nullptr, low_rank);
      ops_.linear(rows_[i].count, low_rank, pair->b.view(), nullptr, y + rows_[i].first * size.out, pair->scale, true);
    }
  }

  void attention(int64_t layer, float* x) {
    const LayerWeights& weights = model_.layer(layer);
    float* normed = sized(w_.normed, n_rows_ * config_.width);
    float* q = sized(w_.q, n_rows_ * config_.q_width());
    float* k = sized(w_.k, n_rows_ * config_.kv_width());
    float* v = sized(w_.v, n_rows_ * config_.kv_width());
    const auto epsilon = static_cast<float>(config_.rms_epsilon);
    ops_.rms_norm(n_rows_, config_.width, x, weights.attention_norm.f32(), epsilon, normed, nullptr);
    linear(layer, Linear::kQ, normed, q, false);
    linear(layer, Linear::kK, normed, k, false);
    linear(layer, Linear::kV, normed, v, false);
    if (config_.qk_norm) {
      ops_.rms_norm(n_rows_ * config_.n_heads, config_.head_dim, q, weights.q_norm.f32(), epsilon, q, nullptr);
      ops_.rms_norm(n_rows_ * config_.n_kv_heads, config_.head_dim, k, weights.k_norm.f32(), epsilon, k, nullptr);
    }
    const int32_t* positions = w_.positions.data();
    ops_.rotate(n_rows_, config_.n_heads, config_.head_dim, positions, w_.rope.cosines(), w_.rope.sines(), false, q);
    ops_.rotate(n_rows_, config_.n_kv_heads, config_.head_dim, positions, w_.rope.cosines(), w_.rope.sines(), false, k);
    float* attended = sized(w_.attended, n_rows_ * config_.q_width());
    for (size_t i = 0; i < batch_.size(); ++i) {
      remember(layer, i, k, v);
      attend(layer, i, q, attended);
    }
    linear(layer, Linear::kO, attended, x, true);
  }

  // Writes the entry's new keys and values into its pages.
  void remember(int64_t layer, size_t entry, const float* k, const float* v) {
    const CacheSequence& sequence = *batch_[entry].sequence;
    const int64_t dim = config_.head_dim;
    for (int64_t r = 0; r < rows_[entry].count; ++r) {
      const int64_t position = sequence.length + r, slot = position % kPageTokens;
      const int32_t page = sequence.pages[static_cast<size_t>(position / kPageTokens)];
      float* keys = cache_.keys(page, layer);
      float* values = cache_.values(page, layer);
      const int64_t row = (rows_[entry].first + r) * config_.kv_width();
      for (int64_t head = 0; head < config_.n_kv_heads; ++head) {
        for (int64_t d = 0; d < dim; ++d) keys[(head * dim + d) * kPageTokens + slot] = k[row + head * dim + d];
        std::copy_n(v + row + head * dim, dim, values + (head * kPageTokens + slot) * dim);
      }
    }
  }

  void attend(int64_t layer, size_t entry, const float* q, float* attended) {
    const CacheSequence& sequence = *batch_[entry].sequence;
    std::vector<const float*> keys, values;
    for (const int32_t page : sequence.pages) {
      keys.push_back(cache_.keys(page, layer));
      values.push_back(cache_.values(page, layer));
    }
    const int64_t offset = rows_[entry].first * config_.q_width();
    ops_.cached_attention({.queries = q + offset,
                           .output = attended + offset,
                           .n_rows = rows_[entry].count,
                           .first_position = sequence.length,
                           .key_pages = keys,
                           .value_pages = values,
                           .page_tokens = kPageTokens,
                           .n_heads = config_.n_heads,
                           .n_kv_heads = config_.n_kv_heads,
                           .head_dim = config_.head_dim,
                           .window = config_.sliding_window.value_or(0)});
  }

  void feed_forward(int64_t layer, float* x) {
    const int64_t n = n_rows_ * config_.ffn_width;
    float* normed = sized(w_.normed, n_rows_ * config_.width);
    float* gate = sized(w_.gate, n);
    float* up = sized(w_.up, n);
    ops_.rms_norm(n_rows_, config_.width, x, model_.layer(layer).ffn_norm.f32(),
                  static_cast<float>(config_.rms_epsilon), normed, nullptr);
    linear(layer, Linear::kGate, normed, gate, false);
    linear(layer, Linear::kUp, normed, up, false);
    ops_.swiglu(n, gate, up, gate);
    linear(layer, Linear::kDown, gate, x, true);
  }

  ConstTensorView logits(const float* x) {
    const int64_t width = config_.width;
    std::vector<int64_t> wanted;
    for (size_t i = 0; i < batch_.size(); ++i) {
      const int64_t last = rows_[i].first + rows_[i].count - 1;
      for (int64_t r = batch_[i].all_logits ? rows_[i].first : last; r <= last; ++r) wanted.push_back(r);
    }
    const auto n = static_cast<int64_t>(wanted.size());
    float* rows = sized(w_.wanted, n * width);
    for (int64_t i = 0; i < n; ++i) std::copy_n(x + wanted[static_cast<size_t>(i)] * width, width, rows + i * width);
    ops_.rms_norm(n, width, rows, model_.final_norm().f32(), static_cast<float>(config_.rms_epsilon), rows, nullptr);
    w_.logits = Tensor::uninitialized(DType::kF32, Shape{n, config_.vocab_size});
    ops_.linear(n, rows, model_.output().data, nullptr, w_.logits.f32());
    return w_.logits.const_view();
  }

  const Model& model_;
  const ModelConfig& config_;
  Decoder::Workspace& w_;
  Ops& ops_;
  std::span<const BatchEntry> batch_;
  KvCache& cache_;
  std::vector<Rows> rows_;
  int64_t n_rows_ = 0;
};

}  // namespace

Decoder::Decoder(std::shared_ptr<const Model> model)
    : model_(std::move(model)), workspace_(std::make_unique<Workspace>(model_->config())) {}

Decoder::~Decoder() = default;

ConstTensorView Decoder::forward(std::span<const BatchEntry> batch, KvCache& cache) {
  return ForwardPass(*model_, *workspace_, batch, cache).run();
}

}  // namespace understudy
