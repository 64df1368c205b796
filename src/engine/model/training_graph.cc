#include "engine/model/training_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/random.h"
#include "engine/model/rope_table.h"
#include "engine/ops/ops.h"

namespace understudy {

namespace {

// Examples go through the layers this many tokens at a time: one chunk's activations (about 16 KiB a token and layer at
// width 256) then stay in the third-level cache. Products are at full speed from about 500 rows.
constexpr int64_t kChunkTokens = 1536;
constexpr int64_t kHeadRows = 512;  // rows of logits at a time: 512 x 128k vocabulary is 256 MiB

// What a layer's forward pass keeps for its backward pass. Sizes: n rows.
struct LayerActivations {
  std::vector<float> input;                       // [n, width] the residual stream before the layer
  std::vector<float> attention_rms;               // [n]
  std::vector<float> attention_in;                // [n, width] after the norm
  std::vector<float> q, k, v;                     // rotated (q, k)
  std::vector<float> q_raw, k_raw, q_rms, k_rms;  // before their norms (Qwen3)
  std::vector<float> attended;                    // [n, q_width]
  std::vector<float> log_sums;                    // [heads, n]
  std::vector<float> middle;                      // [n, width] the residual stream after attention
  std::vector<float> ffn_rms;                     // [n]
  std::vector<float> ffn_in;                      // [n, width]
  std::vector<float> gate, up, activated;         // [n, ffn_width]
  std::array<std::vector<float>, 7> low_rank;     // A x of each LoRA pair [n, rank]
};

float* sized(std::vector<float>& buffer, int64_t n) {
  if (static_cast<int64_t>(buffer.size()) < n) buffer.resize(static_cast<size_t>(n));
  return buffer.data();
}

size_t bytes_in(const LayerActivations& a) {
  size_t floats = 0;
  for (const std::vector<float>* buffer :
       {&a.input, &a.attention_rms, &a.attention_in, &a.q, &a.k, &a.v, &a.q_raw, &a.k_raw, &a.q_rms, &a.k_rms,
        &a.attended, &a.log_sums, &a.middle, &a.ffn_rms, &a.ffn_in, &a.gate, &a.up, &a.activated}) {
    floats += buffer->size();
  }
  for (const std::vector<float>& buffer : a.low_rank) floats += buffer.size();
  return floats * sizeof(float);
}

// Rows first .. last of a PackedRows, whole examples.
struct Chunk {
  std::span<const int32_t> tokens, targets;
  std::vector<int64_t> starts;  // from 0
};

std::vector<Chunk> chunks_of(const PackedRows& rows) {
  std::vector<Chunk> chunks;
  size_t example = 0;
  while (example + 1 < rows.starts.size()) {
    const int64_t first = rows.starts[example];
    Chunk chunk;
    chunk.starts.push_back(0);
    do {
      chunk.starts.push_back(rows.starts[++example] - first);
    } while (example + 1 < rows.starts.size() && rows.starts[example + 1] - first <= kChunkTokens);
    const auto begin = static_cast<size_t>(first), size = static_cast<size_t>(chunk.starts.back());
    chunk.tokens = std::span(rows.tokens).subspan(begin, size);
    chunk.targets = std::span(rows.targets).subspan(begin, size);
    chunks.push_back(std::move(chunk));
  }
  return chunks;
}

}  // namespace

int64_t PackedRows::n_targets() const {
  return std::count_if(targets.begin(), targets.end(), [](int32_t target) { return target != kNoTarget; });
}

struct TrainingGraph::State {
  State(std::shared_ptr<Model> the_model, std::shared_ptr<Adapter> the_adapter, const TrainingOptions& the_options)
      : model(std::move(the_model)),
        adapter(std::move(the_adapter)),
        options(the_options),
        config(model->config()),
        rope(config) {}

  // --- set-up
  void add_parameter(std::string name, TensorView value, bool decays);
  void collect_parameters();
  float* gradient_of(const void* value);  // nullptr for what is frozen

  // --- one chunk
  double run(const Chunk& chunk, bool backward, double scale, uint64_t key);
  void layer_forward(int64_t layer, LayerActivations& a, const float* input, float* output);
  void layer_backward(int64_t layer, LayerActivations& a, float* dx);
  double head(const Chunk& chunk, const float* x, bool backward, double scale, float* dx);
  void linear_forward(int64_t layer, Linear which, LayerActivations& a, const float* x, float* y, bool accumulate);
  // dx overwritten or added to; nullptr where nothing below trains.
  void linear_backward(int64_t layer, Linear which, const LayerActivations& a, const float* x, const float* dy,
                       float* dx, bool accumulate);
  const float* expanded(const Weight& weight);
  const float* dropped(int64_t layer, Linear which, const float* x, int64_t n);
  uint64_t mask_key(int64_t layer, Linear which) const {
    return Random(dropout_key, static_cast<uint64_t>(layer * 7 + static_cast<int64_t>(which))).at(0);
  }
  bool drops() const { return training && adapter != nullptr && options.dropout > 0; }

  // constant after construction
  std::shared_ptr<Model> model;
  std::shared_ptr<Adapter> adapter;
  TrainingOptions options;
  const ModelConfig& config;
  Ops& ops = default_ops();
  std::vector<Parameter> parameters;
  std::vector<Tensor> gradients;
  std::map<const void*, float*> gradient_by_value;

  // of the chunk at hand
  int64_t n = 0;
  std::vector<int64_t> starts;
  std::vector<int32_t> positions;
  bool training = false;
  uint64_t dropout_key = 0;

  // memory, grown to the largest chunk
  RopeTable rope;
  std::vector<LayerActivations> layers;
  LayerActivations recomputed;
  std::vector<float> x, dx, d_ffn, d_gate, d_up, d_width, d_attended, dq, dk, dv, d_low_rank, dropped_input, wide;
  std::vector<float> rows, rows_in, rows_rms, d_rows, logits;
};

void TrainingGraph::State::add_parameter(std::string name, TensorView value, bool decays) {
  gradients.emplace_back(DType::kF32, value.shape);
  gradient_by_value[value.data] = gradients.back().f32();
  parameters.push_back({std::move(name), value, gradients.back().view(), decays});
}

void TrainingGraph::State::collect_parameters() {
  if (adapter == nullptr) {
    model->make_trainable();
    for (const Weight* weight : model->weights()) {
      add_parameter(weight->name, model->trainable(*weight), weight->data.shape.rank() == 2);
    }
    return;
  }
  for (int64_t layer = 0; layer < config.n_layers; ++layer) {
    for (const Linear linear : kLinears) {
      LoraPair* pair = adapter->find(layer, linear);
      if (pair == nullptr) continue;
      const std::string path = "base_model.model." + module_path(layer, linear);
      add_parameter(path + ".lora_A.weight", pair->a.view(), true);
      add_parameter(path + ".lora_B.weight", pair->b.view(), true);
    }
  }
}

float* TrainingGraph::State::gradient_of(const void* value) {
  const auto it = gradient_by_value.find(value);
  return it == gradient_by_value.end() ? nullptr : it->second;
}

// A frozen matrix that is kept narrow is widened for the length of one product: one pass over it, small beside the
// product of 500 rows and more.
const float* TrainingGraph::State::expanded(const Weight& weight) {
  if (weight.data.type == DType::kF32) return weight.data.f32();
  float* values = sized(wide, weight.data.shape.elements());
  ops.expand(weight.data, values);
  return values;
}

const float* TrainingGraph::State::dropped(int64_t layer, Linear which, const float* input, int64_t count) {
  if (!drops()) return input;
  float* output = sized(dropped_input, count);
  ops.dropout(count, options.dropout, mask_key(layer, which), input, output);
  return output;
}

void TrainingGraph::State::linear_forward(int64_t layer, Linear which, LayerActivations& a, const float* input,
                                          float* y, bool accumulate) {
  const LinearSize size = size_of(config, which);
  const LayerWeights& weights = model->layer(layer);
  ops.product({.transpose_b = true,
               .m = n,
               .n = size.out,
               .k = size.in,
               .a = input,
               .b = expanded(weights.linear(which)),
               .c = y,
               .accumulate = accumulate});
  if (weights.bias(which)) ops.add_bias(n, size.out, weights.bias(which).f32(), y);
  const LoraPair* pair = adapter == nullptr ? nullptr : adapter->find(layer, which);
  if (pair == nullptr) return;
  const int64_t rank = pair->a.shape()[0];
  float* low_rank = sized(a.low_rank[static_cast<size_t>(which)], n * rank);
  ops.product({.transpose_b = true,
               .m = n,
               .n = rank,
               .k = size.in,
               .a = dropped(layer, which, input, n * size.in),
               .b = pair->a.f32(),
               .c = low_rank});
  ops.product({.transpose_b = true,
               .m = n,
               .n = size.out,
               .k = rank,
               .a = low_rank,
               .b = pair->b.f32(),
               .c = y,
               .alpha = pair->scale,
               .accumulate = true});
}

void TrainingGraph::State::linear_backward(int64_t layer, Linear which, const LayerActivations& a, const float* input,
                                           const float* dy, float* d_input, bool accumulate) {
  const LinearSize size = size_of(config, which);
  const Weight& weight = model->layer(layer).linear(which);
  const Weight& bias = model->layer(layer).bias(which);
  if (d_input != nullptr) {
    ops.product(
        {.m = n, .n = size.in, .k = size.out, .a = dy, .b = expanded(weight), .c = d_input, .accumulate = accumulate});
  }
  if (float* d_weight = gradient_of(weight.data.data)) {
    ops.product({.transpose_a = true,
                 .m = size.out,
                 .n = size.in,
                 .k = n,
                 .a = dy,
                 .b = input,
                 .c = d_weight,
                 .accumulate = true});
    if (bias) ops.bias_backward(n, size.out, dy, gradient_of(bias.data.data));
  }
  const LoraPair* pair = adapter == nullptr ? nullptr : adapter->find(layer, which);
  if (pair == nullptr) return;
  const int64_t rank = pair->a.shape()[0];
  const float* low_rank = a.low_rank[static_cast<size_t>(which)].data();
  ops.product({.transpose_a = true,
               .m = size.out,
               .n = rank,
               .k = n,
               .a = dy,
               .b = low_rank,
               .c = gradient_of(pair->b.f32()),
               .alpha = pair->scale,
               .accumulate = true});
  float* d_low = sized(d_low_rank, n * rank);
  ops.product({.m = n, .n = rank, .k = size.out, .a = dy, .b = pair->b.f32(), .c = d_low, .alpha = pair->scale});
  ops.product({.transpose_a = true,
               .m = rank,
               .n = size.in,
               .k = n,
               .a = d_low,
               .b = dropped(layer, which, input, n * size.in),
               .c = gradient_of(pair->a.f32()),
               .accumulate = true});
  if (d_input == nullptr) return;
  if (!drops()) {
    ops.product({.m = n, .n = size.in, .k = rank, .a = d_low, .b = pair->a.f32(), .c = d_input, .accumulate = true});
    return;
  }
  float* masked = sized(dropped_input, n * size.in);
  ops.product({.m = n, .n = size.in, .k = rank, .a = d_low, .b = pair->a.f32(), .c = masked});
  ops.dropout(n * size.in, options.dropout, mask_key(layer, which), masked, masked);
  ops.add(n * size.in, masked, d_input);
}

void TrainingGraph::State::layer_forward(int64_t layer, LayerActivations& a, const float* input, float* output) {
  const LayerWeights& weights = model->layer(layer);
  const auto epsilon = static_cast<float>(config.rms_epsilon);
  const int64_t width = config.width, q_width = config.q_width(), kv_width = config.kv_width(), ffn = config.ffn_width;
  if (a.input.data() != input) std::copy_n(input, n * width, sized(a.input, n * width));

  float* normed = sized(a.attention_in, n * width);
  ops.rms_norm(n, width, a.input.data(), weights.attention_norm.f32(), epsilon, normed, sized(a.attention_rms, n));
  float* q = sized(a.q, n * q_width);
  float* k = sized(a.k, n * kv_width);
  linear_forward(layer, Linear::kQ, a, normed, q, false);
  linear_forward(layer, Linear::kK, a, normed, k, false);
  linear_forward(layer, Linear::kV, a, normed, sized(a.v, n * kv_width), false);
  if (config.qk_norm) {
    std::copy_n(q, n * q_width, sized(a.q_raw, n * q_width));
    std::copy_n(k, n * kv_width, sized(a.k_raw, n * kv_width));
    ops.rms_norm(n * config.n_heads, config.head_dim, a.q_raw.data(), weights.q_norm.f32(), epsilon, q,
                 sized(a.q_rms, n * config.n_heads));
    ops.rms_norm(n * config.n_kv_heads, config.head_dim, a.k_raw.data(), weights.k_norm.f32(), epsilon, k,
                 sized(a.k_rms, n * config.n_kv_heads));
  }
  ops.rotate(n, config.n_heads, config.head_dim, positions.data(), rope.cosines(), rope.sines(), false, q);
  ops.rotate(n, config.n_kv_heads, config.head_dim, positions.data(), rope.cosines(), rope.sines(), false, k);
  const AttentionLayout layout{starts, config.n_heads, config.n_kv_heads, config.head_dim,
                               config.sliding_window.value_or(0)};
  ops.attention(layout, q, k, a.v.data(), sized(a.attended, n * q_width), sized(a.log_sums, n * config.n_heads));

  float* middle = sized(a.middle, n * width);
  std::copy_n(a.input.data(), n * width, middle);
  linear_forward(layer, Linear::kO, a, a.attended.data(), middle, true);
  float* ffn_in = sized(a.ffn_in, n * width);
  ops.rms_norm(n, width, middle, weights.ffn_norm.f32(), epsilon, ffn_in, sized(a.ffn_rms, n));
  linear_forward(layer, Linear::kGate, a, ffn_in, sized(a.gate, n * ffn), false);
  linear_forward(layer, Linear::kUp, a, ffn_in, sized(a.up, n * ffn), false);
  ops.swiglu(n * ffn, a.gate.data(), a.up.data(), sized(a.activated, n * ffn));
  std::copy_n(middle, n * width, output);
  linear_forward(layer, Linear::kDown, a, a.activated.data(), output, true);
}

// dx comes in as the gradient of the layer's output and leaves as that of its input.
void TrainingGraph::State::layer_backward(int64_t layer, LayerActivations& a, float* dx_rows) {
  const LayerWeights& weights = model->layer(layer);
  const int64_t width = config.width, q_width = config.q_width(), kv_width = config.kv_width(), ffn = config.ffn_width;
  float* d_act = sized(d_ffn, n * ffn);
  float* dg = sized(d_gate, n * ffn);
  float* du = sized(d_up, n * ffn);
  float* d_in = sized(d_width, n * width);
  linear_backward(layer, Linear::kDown, a, a.activated.data(), dx_rows, d_act, false);
  ops.swiglu_backward(n * ffn, a.gate.data(), a.up.data(), d_act, dg, du);
  linear_backward(layer, Linear::kGate, a, a.ffn_in.data(), dg, d_in, false);
  linear_backward(layer, Linear::kUp, a, a.ffn_in.data(), du, d_in, true);
  ops.rms_norm_backward(n, width, a.middle.data(), weights.ffn_norm.f32(), a.ffn_rms.data(), d_in, dx_rows,
                        gradient_of(weights.ffn_norm.data.data), true);

  float* d_att = sized(d_attended, n * q_width);
  float* d_q = sized(dq, n * q_width);
  float* d_k = sized(dk, n * kv_width);
  float* d_v = sized(dv, n * kv_width);
  linear_backward(layer, Linear::kO, a, a.attended.data(), dx_rows, d_att, false);
  const AttentionLayout layout{starts, config.n_heads, config.n_kv_heads, config.head_dim,
                               config.sliding_window.value_or(0)};
  ops.attention_backward(layout, a.q.data(), a.k.data(), a.v.data(), a.attended.data(), a.log_sums.data(), d_att, d_q,
                         d_k, d_v);
  ops.rotate(n, config.n_heads, config.head_dim, positions.data(), rope.cosines(), rope.sines(), true, d_q);
  ops.rotate(n, config.n_kv_heads, config.head_dim, positions.data(), rope.cosines(), rope.sines(), true, d_k);
  if (config.qk_norm) {
    ops.rms_norm_backward(n * config.n_heads, config.head_dim, a.q_raw.data(), weights.q_norm.f32(), a.q_rms.data(),
                          d_q, d_q, gradient_of(weights.q_norm.data.data), false);
    ops.rms_norm_backward(n * config.n_kv_heads, config.head_dim, a.k_raw.data(), weights.k_norm.f32(), a.k_rms.data(),
                          d_k, d_k, gradient_of(weights.k_norm.data.data), false);
  }
  // Below the first layer only the embedding is left: with an adapter nothing there trains.
  float* below = layer == 0 && adapter != nullptr ? nullptr : d_in;
  linear_backward(layer, Linear::kQ, a, a.attention_in.data(), d_q, below, false);
  linear_backward(layer, Linear::kK, a, a.attention_in.data(), d_k, below, true);
  linear_backward(layer, Linear::kV, a, a.attention_in.data(), d_v, below, true);
  if (below == nullptr) return;
  ops.rms_norm_backward(n, width, a.input.data(), weights.attention_norm.f32(), a.attention_rms.data(), d_in, dx_rows,
                        gradient_of(weights.attention_norm.data.data), true);
}

// Norm, logits and loss of the rows that have a target only; with backward, dx gets their gradient, zero elsewhere.
double TrainingGraph::State::head(const Chunk& chunk, const float* hidden, bool backward, double scale,
                                  float* dx_rows) {
  const int64_t width = config.width, vocab = config.vocab_size;
  std::vector<int64_t> places;
  std::vector<int32_t> wanted;
  for (int64_t i = 0; i < n; ++i) {
    if (chunk.targets[static_cast<size_t>(i)] == kNoTarget) continue;
    places.push_back(i);
    wanted.push_back(chunk.targets[static_cast<size_t>(i)]);
  }
  if (backward) std::fill_n(dx_rows, n * width, 0.0F);
  const Weight& output = model->output();
  const float* norm = model->final_norm().f32();
  double loss = 0;
  for (size_t begin = 0; begin < places.size(); begin += kHeadRows) {
    const auto m = static_cast<int64_t>(std::min<size_t>(kHeadRows, places.size() - begin));
    float* in = sized(rows_in, m * width);
    for (int64_t i = 0; i < m; ++i)
      std::copy_n(hidden + places[begin + static_cast<size_t>(i)] * width, width, in + i * width);
    float* normed = sized(rows, m * width);
    ops.rms_norm(m, width, in, norm, static_cast<float>(config.rms_epsilon), normed, sized(rows_rms, m));
    float* scores = sized(logits, m * vocab);
    ops.product({.transpose_b = true, .m = m, .n = vocab, .k = width, .a = normed, .b = expanded(output), .c = scores});
    loss += ops.cross_entropy(m, vocab, scores, wanted.data() + begin, backward, static_cast<float>(scale));
    if (!backward) continue;
    float* d_normed = sized(d_rows, m * width);
    ops.product({.m = m, .n = width, .k = vocab, .a = scores, .b = expanded(output), .c = d_normed});
    if (float* d_output = gradient_of(output.data.data)) {
      ops.product({.transpose_a = true,
                   .m = vocab,
                   .n = width,
                   .k = m,
                   .a = scores,
                   .b = normed,
                   .c = d_output,
                   .accumulate = true});
    }
    ops.rms_norm_backward(m, width, in, norm, rows_rms.data(), d_normed, d_normed,
                          gradient_of(model->final_norm().data.data), false);
    for (int64_t i = 0; i < m; ++i)
      std::copy_n(d_normed + i * width, width, dx_rows + places[begin + static_cast<size_t>(i)] * width);
  }
  return loss;
}

double TrainingGraph::State::run(const Chunk& chunk, bool backward, double scale, uint64_t key) {
  n = static_cast<int64_t>(chunk.tokens.size());
  starts = chunk.starts;
  training = backward;
  dropout_key = key;
  positions.resize(static_cast<size_t>(n));
  int64_t longest = 0;
  for (size_t e = 0; e + 1 < starts.size(); ++e) {
    longest = std::max(longest, starts[e + 1] - starts[e]);
    for (int64_t i = starts[e]; i < starts[e + 1]; ++i)
      positions[static_cast<size_t>(i)] = static_cast<int32_t>(i - starts[e]);
  }
  rope.cover(longest);
  for (size_t i = 0; i < chunk.tokens.size(); ++i) {
    const int32_t token = chunk.tokens[i], target = chunk.targets[i];
    if (token < 0 || token >= config.vocab_size ||
        (target != kNoTarget && (target < 0 || target >= config.vocab_size))) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("training data: token id {} or label {} is outside the vocabulary of {}", token, target,
                              config.vocab_size));
    }
  }
  const bool keep = backward && !options.recompute;
  layers.resize(static_cast<size_t>(config.n_layers));
  float* stream = sized(x, n * config.width);
  ops.embed(chunk.tokens, model->embedding().data, stream);
  for (int64_t layer = 0; layer < config.n_layers; ++layer) {
    LayerActivations& own = layers[static_cast<size_t>(layer)];
    if (backward && options.recompute) std::copy_n(stream, n * config.width, sized(own.input, n * config.width));
    layer_forward(layer, keep ? own : recomputed, stream, stream);
  }
  const double loss = head(chunk, stream, backward, scale, backward ? sized(dx, n * config.width) : nullptr);
  if (!backward) return loss;
  for (int64_t layer = config.n_layers - 1; layer >= 0; --layer) {
    LayerActivations& own = layers[static_cast<size_t>(layer)];
    if (options.recompute) layer_forward(layer, recomputed, own.input.data(), stream);
    layer_backward(layer, options.recompute ? recomputed : own, dx.data());
  }
  if (float* d_table = gradient_of(model->embedding().data.data))
    ops.embed_backward(chunk.tokens, config.width, dx.data(), d_table);
  return loss;
}

TrainingGraph::TrainingGraph(std::shared_ptr<Model> model, std::shared_ptr<Adapter> adapter,
                             const TrainingOptions& options)
    : state_(std::make_unique<State>(std::move(model), std::move(adapter), options)) {
  state_->collect_parameters();
}

TrainingGraph::~TrainingGraph() = default;

std::vector<Parameter>& TrainingGraph::parameters() {
  return state_->parameters;
}

void TrainingGraph::zero_gradients() {
  for (Tensor& gradient : state_->gradients) std::fill_n(gradient.f32(), gradient.shape().elements(), 0.0F);
}

double TrainingGraph::forward_backward(const PackedRows& rows, double scale, uint64_t dropout_key) {
  double loss = 0;
  uint64_t part = 0;
  for (const Chunk& chunk : chunks_of(rows)) loss += state_->run(chunk, true, scale, Random(dropout_key, part++).at(0));
  return loss;
}

double TrainingGraph::loss(const PackedRows& rows) {
  double loss = 0;
  for (const Chunk& chunk : chunks_of(rows)) loss += state_->run(chunk, false, 1, 0);
  return loss;
}

size_t TrainingGraph::memory_bytes() const {
  size_t bytes = bytes_in(state_->recomputed);
  for (const LayerActivations& layer : state_->layers) bytes += bytes_in(layer);
  for (const Tensor& gradient : state_->gradients) bytes += gradient.bytes();
  return bytes;
}

}  // namespace understudy
