// Tokens per second in training (LoRA, all weights), reading a prompt and decoding, for three shapes with random
// weights (speed does not depend on the values), or for a given model. A table on standard error, JSON on standard
// output.
//
// A shape too large to be made in a minute is measured with few layers, twice: the difference is a layer's time, and
// the rest (embedding, norm, head, loss) is counted once. The table marks such figures with "~".
//
// FLOP/s are those of the matrix products alone, 2 per weight and token and pass: reading a prompt one pass over the
// layers, decoding one with the head, LoRA training two (forward, and backward to the inputs), full training three.
// Attention, norms and the adapter's own products are left out, so the shares are a little too low. The ceiling is the
// best rate of one large f32 product on this machine, and of one sequential read of memory.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "base/random.h"
#include "display/table.h"
#include "engine/model/decoder.h"
#include "engine/model/training_graph.h"
#include "engine/ops/ops.h"
#include "engine/ops/optimizer.h"

namespace understudy {
namespace {

struct BenchShape {
  std::string name;
  ModelConfig config;
  int64_t few_layers = 0;  // 0: measured whole
  bool full_training = true;
  int64_t sequence = 512;  // tokens of a training step and of a prompt
};

ModelConfig llama(int64_t width, int64_t layers, int64_t heads, int64_t kv_heads, int64_t ffn_width, int64_t vocab) {
  ModelConfig config;
  config.vocab_size = vocab;
  config.width = width;
  config.n_layers = layers;
  config.n_heads = heads;
  config.n_kv_heads = kv_heads;
  config.head_dim = width / heads;
  config.ffn_width = ffn_width;
  config.max_positions = 8192;
  config.rope_theta = 500000;
  config.tied_embeddings = true;
  return config;
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The fastest of three after one to warm up, or of fewer where they take long: other work on the machine only adds.
double best_seconds(const std::function<void()>& work) {
  constexpr double kEnough = 6;
  double best = seconds_of(work);
  double spent = best;
  for (int i = 0; i < 3 && spent < kEnough; ++i) {
    const double again = seconds_of(work);
    best = std::min(best, again);
    spent += again;
  }
  return best;
}

// ---- what the machine can do
// ---------------------------------------------------------------------------------------------------

struct Ceiling {
  double product_flops = 0;  // f32, a second
  double read_bytes = 0;     // a second
};

double product_flops() {
  constexpr int64_t kSize = 1536;  // three matrices of 9 MB: large enough for full speed
  Tensor a(DType::kF32, Shape{kSize, kSize});
  Tensor b(DType::kF32, Shape{kSize, kSize});
  Tensor c(DType::kF32, Shape{kSize, kSize});
  const Product product{.m = kSize, .n = kSize, .k = kSize, .a = a.f32(), .b = b.f32(), .c = c.f32()};
  double best = 1e9;
  for (int i = 0; i < 8; ++i) best = std::min(best, seconds_of([&] { default_ops().product(product); }));
  return 2.0 * kSize * kSize * kSize / best;
}

// One cache line a round, into eight sums, so that no addition waits for the one before.
int64_t read_all(std::span<const int64_t> values) {
  std::array<int64_t, 8> sums{};
  for (size_t i = 0; i + 8 <= values.size(); i += 8) {
    for (size_t j = 0; j < 8; ++j) sums[j] += values[i + j];
  }
  return std::accumulate(sums.begin(), sums.end(), INT64_C(0));
}

double read_bytes() {
  constexpr size_t kBytes = size_t{1} << 29;  // 512 MiB: far beyond the caches
  Tensor memory(DType::kI64, Shape{static_cast<int64_t>(kBytes / 8)});
  const std::span<int64_t> values(memory.view().as<int64_t>(), kBytes / 8);
  std::fill(values.begin(), values.end(), 1);  // pages of zeros may be one and the same page
  const size_t n_threads = std::max(1U, std::thread::hardware_concurrency());
  const size_t part = values.size() / n_threads;
  std::vector<int64_t> sums(n_threads);
  const auto read = [&] {
    std::vector<std::thread> threads;
    for (size_t t = 0; t < n_threads; ++t) {
      threads.emplace_back([&, t] { sums[t] = read_all(values.subspan(t * part, part)); });
    }
    for (std::thread& thread : threads) thread.join();
  };
  double best = 1e9;
  for (int i = 0; i < 8; ++i) best = std::min(best, seconds_of(read));
  for (const int64_t sum : sums) CHECK(sum == static_cast<int64_t>(part / 8 * 8), "every value was read once");
  return static_cast<double>(kBytes) / best;
}

// ---- what is measured
// ----------------------------------------------------------------------------------------------------------

struct Work {
  std::string name;
  int64_t tokens = 0;
  double passes = 1;  // over the weights, for the FLOPs
  bool with_head = true;
  bool reads_once = false;  // all rows share one reading of the weights that bounds it: decoding
};

std::vector<int32_t> random_tokens(const ModelConfig& config, int64_t n) {
  Random random(3);
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < n; ++i)
    tokens.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(config.vocab_size))));
  return tokens;
}

double prompt_seconds(const std::shared_ptr<const Model>& model, int64_t n) {
  Decoder decoder(model);
  KvCache cache(model->config(), n);
  const std::vector<int32_t> tokens = random_tokens(model->config(), n);
  return best_seconds([&] {
    CacheSequence sequence;
    CHECK(cache.reserve(sequence, n), "the cache was made for it");
    const BatchEntry entry{.sequence = &sequence, .tokens = tokens};
    decoder.forward({&entry, 1}, cache);
    cache.release(sequence);
  });
}

// One step of `n` sequences with 128 tokens each behind them.
double decode_seconds(const std::shared_ptr<const Model>& model, int64_t n) {
  constexpr int64_t kBehind = 128;
  constexpr int64_t kSteps = 8;
  Decoder decoder(model);
  KvCache cache(model->config(), n * (kBehind + kPageTokens));
  const std::vector<int32_t> prompt = random_tokens(model->config(), kBehind);
  std::vector<CacheSequence> sequences(static_cast<size_t>(n));
  std::vector<BatchEntry> batch;
  for (CacheSequence& sequence : sequences) {
    CHECK(cache.reserve(sequence, kBehind + kPageTokens), "the cache was made for it");
    const BatchEntry entry{.sequence = &sequence, .tokens = prompt};
    decoder.forward({&entry, 1}, cache);
    batch.push_back({.sequence = &sequence, .tokens = std::span(prompt).first(1)});
  }
  return best_seconds([&] {
           for (CacheSequence& sequence : sequences) sequence.length = kBehind;
           for (int64_t i = 0; i < kSteps; ++i) decoder.forward(batch, cache);
         }) /
         kSteps;
}

// Forward, backward and AdamW on one packed row of n tokens, every one a target.
double training_seconds(const std::shared_ptr<Model>& model, int64_t n, bool lora) {
  std::shared_ptr<Adapter> adapter;
  if (lora) {
    const LoraSettings settings{.rank = 16, .alpha = 32, .targets = {kLinears.begin(), kLinears.end()}};
    adapter = Adapter::create(model->config(), settings, 1);
  }
  TrainingGraph graph(model, adapter, {});
  PackedRows rows{.tokens = random_tokens(model->config(), n), .starts = {0, n}};
  rows.targets.assign(rows.tokens.begin() + 1, rows.tokens.end());
  rows.targets.push_back(rows.tokens.front());
  std::vector<Tensor> moments;
  for (const Parameter& parameter : graph.parameters()) {
    for (int i = 0; i < 2; ++i) moments.emplace_back(DType::kF32, parameter.value.shape);
  }
  const auto floats = [](TensorView view) { return std::span(view.f32(), static_cast<size_t>(view.shape.elements())); };
  return best_seconds([&] {
    graph.zero_gradients();
    graph.forward_backward(rows, 1.0 / static_cast<double>(n));
    for (size_t i = 0; i < graph.parameters().size(); ++i) {
      const Parameter& parameter = graph.parameters()[i];
      adamw({.learning_rate = 1e-6}, floats(parameter.value), floats(parameter.gradient), floats(moments[2 * i].view()),
            floats(moments[2 * i + 1].view()));
    }
  });
}

using Seconds = std::map<std::string, double>;

std::vector<Work> works_of(const BenchShape& shape) {
  std::vector<Work> works = {
      {.name = fmt::format("prompt of {}", shape.sequence), .tokens = shape.sequence, .with_head = false},
      {.name = "decode, 1 sequence", .tokens = 1, .reads_once = true},
      {.name = "decode, 16 sequences", .tokens = 16, .reads_once = true},
      {.name = fmt::format("LoRA training, {} tokens", shape.sequence), .tokens = shape.sequence, .passes = 2}};
  if (shape.full_training) {
    works.push_back(
        {.name = fmt::format("full training, {} tokens", shape.sequence), .tokens = shape.sequence, .passes = 3});
  }
  return works;
}

// Full training comes last: it makes the model's weights its own f32 copies.
Seconds measure(const std::vector<Work>& works, const std::shared_ptr<Model>& model) {
  Seconds seconds;
  for (const Work& work : works) {
    fmt::print(stderr, "  {} layers: {} ...\n", model->config().n_layers, work.name);
    double& result = seconds[work.name];
    if (work.reads_once) {
      result = decode_seconds(model, work.tokens);
    } else if (work.passes == 1) {
      result = prompt_seconds(model, work.tokens);
    } else {
      result = training_seconds(model, work.tokens, work.passes == 2);
    }
  }
  return seconds;
}

Seconds measure_shape(const BenchShape& shape, Compute compute) {
  const auto with_layers = [&](int64_t layers) {
    ModelConfig config = shape.config;
    config.n_layers = layers;
    return measure(works_of(shape), Model::random(config, 1, {.compute = compute}));
  };
  if (shape.few_layers == 0) return with_layers(shape.config.n_layers);
  const Seconds one = with_layers(1);
  Seconds whole = with_layers(1 + shape.few_layers);
  for (auto& [name, seconds] : whole) {
    const double layer = (seconds - one.at(name)) / static_cast<double>(shape.few_layers);
    seconds = one.at(name) + layer * static_cast<double>(shape.config.n_layers - 1);
  }
  return whole;
}

// ---- what is shown
// -------------------------------------------------------------------------------------------------------------

// Weights that a token meets in products.
double product_weights(const ModelConfig& config, bool with_head) {
  double weights = with_head ? static_cast<double>(config.vocab_size * config.width) : 0;
  for (const Linear linear : kLinears) {
    const LinearSize size = size_of(config, linear);
    weights += static_cast<double>(config.n_layers * size.out * size.in);
  }
  return weights;
}

void report(const BenchShape& shape, Compute compute, const Seconds& seconds, const Ceiling& ceiling, Table& table,
            Json& json) {
  const double bytes_per_weight = compute == Compute::kBF16 ? 2 : 4;
  for (const Work& work : works_of(shape)) {
    const double weights = product_weights(shape.config, work.with_head);
    const double per_second = static_cast<double>(work.tokens) / seconds.at(work.name);
    const double flops = 2 * weights * work.passes * per_second;
    const double bytes = weights * bytes_per_weight / seconds.at(work.name);
    const double share = flops / ceiling.product_flops;
    const std::string read_share = work.reads_once ? fmt::format("{:.0f} %", 100 * bytes / ceiling.read_bytes) : "";
    const bool is_scaled = shape.few_layers > 0;
    table.add_row({shape.name, compute == Compute::kBF16 ? "bf16" : "f32", work.name,
                   fmt::format("{}{:.{}f}", is_scaled ? "~" : "", per_second, per_second < 100 ? 1 : 0),
                   fmt::format("{:.1f}", flops / 1e9), fmt::format("{:.0f} %", 100 * share), read_share});
    Json row = {{"shape", shape.name},
                {"weights", compute == Compute::kBF16 ? "bf16" : "f32"},
                {"work", work.name},
                {"tokens_per_second", per_second},
                {"flops_per_second", flops},
                {"share_of_product_ceiling", share},
                {"scaled_from_layers", is_scaled ? Json(1 + shape.few_layers) : Json()}};
    if (work.reads_once) row["share_of_read_ceiling"] = bytes / ceiling.read_bytes;
    json.push_back(std::move(row));
  }
}

struct Arguments {
  std::string shape = "all";
  std::optional<Compute> compute;  // nothing: each shape's own
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "f32") {
      arguments.compute = Compute::kF32;
    } else if (word == "bf16") {
      arguments.compute = Compute::kBF16;
    } else if (word == "seedling" || word == "1b" || word == "8b") {
      arguments.shape = word;
    } else {
      throw Error(ErrorCode::kUsage, fmt::format("unknown argument {}", word),
                  "throughput [seedling|1b|8b] [f32|bf16]");
    }
  }
  return arguments;
}

// Processes that want a core, at the start; above the number of cores the figures are those of a shared machine.
double load_at_start() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : 0;
}

int run(const Arguments& arguments) {
  const double load = load_at_start();
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  if (load > 0.5) {
    fmt::print(stderr, "warning: {:.1f} other processes want the {} cores: the figures will be too low\n", load, cores);
  }

  // Sizes of the project's seedling, of Llama 3.2 1B and of Llama 3.1 8B; the latter with its head tied to the
  // embedding, which changes its memory but not its products.
  const std::vector<BenchShape> shapes = {
      {.name = "seedling", .config = llama(256, 6, 8, 4, 768, 2048)},
      {.name = "1b", .config = llama(2048, 16, 32, 8, 8192, 128256), .few_layers = 2},
      {.name = "8b",
       .config = llama(4096, 32, 32, 8, 14336, 128256),
       .few_layers = 1,
       .full_training = false,
       .sequence = 128}};
  const Ceiling ceiling{.product_flops = product_flops(), .read_bytes = read_bytes()};
  Table table({{"shape", Align::kLeft},
               {"weights", Align::kLeft},
               {"work", Align::kLeft},
               {"tokens/s", Align::kRight},
               {"GFLOP/s", Align::kRight},
               {"of product", Align::kRight},
               {"of read", Align::kRight}});
  Json rows = Json::array();
  for (const BenchShape& shape : shapes) {
    if (arguments.shape != "all" && arguments.shape != shape.name) continue;
    const Compute compute = arguments.compute.value_or(shape.name == "seedling" ? Compute::kF32 : Compute::kBF16);
    fmt::print(stderr, "{}\n", shape.name);
    report(shape, compute, measure_shape(shape, compute), ceiling, table, rows);
  }
  fmt::print(
      stderr,
      "\n{}\n~ from a few layers, scaled to all. Ceilings: product {:.1f} GFLOP/s in f32, read {:.1f} GB/s; {}.\n",
      table.to_text(), ceiling.product_flops / 1e9, ceiling.read_bytes / 1e9, default_ops().name());
  const Json json = {{"operations", default_ops().name()},
                     {"cores", cores},
                     {"load_at_start", load},
                     {"product_flops_per_second", ceiling.product_flops},
                     {"read_bytes_per_second", ceiling.read_bytes},
                     {"rows", rows}};
  fmt::print("{}", dump_json_pretty(json));
  return 0;
}

}  // namespace
}  // namespace understudy

int main(int argc, char** argv) {
  try {
    return understudy::run(understudy::parse(argc, argv));
  } catch (const understudy::Error& error) {
    fmt::print(stderr, "error: {}\n  {}\n", error.message(), error.hint());
    return understudy::exit_status(error.code());
  }
}
