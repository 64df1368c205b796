#include "engine/model/export_gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "engine/formats/gguf.h"
#include "engine/formats/gguf_names.h"
#include "engine/model/rope_table.h"
#include "engine/ops/ops.h"

namespace understudy {

namespace {

// general.file_type, as llama.h numbers them (LLAMA_FTYPE_MOSTLY_F16, _Q8_0).
constexpr uint32_t kMostlyF16 = 1;
constexpr uint32_t kMostlyQ8 = 7;
constexpr uint32_t kQuantizationVersion = 2;  // ggml's GGML_QNT_VERSION
constexpr float kMostF16 = 65504.0F;

std::string architecture_of(Family family) {
  return std::string(family == Family::kMistral ? "llama" : to_string(family));
}

struct ExpectedTensor {
  std::string name;  // Hugging Face's
  Shape shape;
};

void add_linear(const ModelConfig& config, int64_t layer, Linear linear, bool bias,
                std::vector<ExpectedTensor>& tensors) {
  const LinearSize size = size_of(config, linear);
  const std::string path = module_path(layer, linear);
  tensors.push_back({path + ".weight", {size.out, size.in}});
  if (bias) tensors.push_back({path + ".bias", {size.out}});
}

// All tensors that the configuration asks for, in the order in which they stand in the file.
std::vector<ExpectedTensor> expected_tensors(const ModelConfig& config, bool own_output) {
  std::vector<ExpectedTensor> tensors;
  if (own_output) tensors.push_back({"lm_head.weight", {config.vocab_size, config.width}});
  tensors.push_back({"model.embed_tokens.weight", {config.vocab_size, config.width}});
  for (int64_t layer = 0; layer < config.n_layers; ++layer) {
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    tensors.push_back({prefix + "input_layernorm.weight", {config.width}});
    for (const Linear linear : {Linear::kDown, Linear::kGate, Linear::kUp}) {
      add_linear(config, layer, linear, config.mlp_bias, tensors);
    }
    tensors.push_back({prefix + "post_attention_layernorm.weight", {config.width}});
    for (const Linear linear : {Linear::kK, Linear::kO, Linear::kQ, Linear::kV}) {
      add_linear(config, layer, linear, linear == Linear::kO ? config.output_bias : config.qkv_bias, tensors);
    }
    if (config.qk_norm) {
      tensors.push_back({prefix + "self_attn.k_norm.weight", {config.head_dim}});
      tensors.push_back({prefix + "self_attn.q_norm.weight", {config.head_dim}});
    }
  }
  tensors.push_back({"model.norm.weight", {config.width}});
  return tensors;
}

void describe(const ModelConfig& config, const std::string& name, DType type, GgufWriter& writer) {
  const std::string arch = architecture_of(config.family);
  const auto set_size = [&](const char* key, int64_t value) {
    writer.set_u32(fmt::format("{}.{}", arch, key), static_cast<uint32_t>(value));
  };
  const auto set_number = [&](const char* key, double value) {
    writer.set_f32(fmt::format("{}.{}", arch, key), static_cast<float>(value));
  };
  writer.set("general.architecture", arch);
  writer.set("general.name", name);
  set_size("context_length", config.max_positions);
  set_size("embedding_length", config.width);
  set_size("block_count", config.n_layers);
  set_size("feed_forward_length", config.ffn_width);
  set_size("attention.head_count", config.n_heads);
  set_size("attention.head_count_kv", config.n_kv_heads);
  set_number("attention.layer_norm_rms_epsilon", config.rms_epsilon);
  set_size("vocab_size", config.vocab_size);
  set_number("rope.freq_base", config.rope_theta);
  set_size("rope.dimension_count", config.head_dim);
  set_size("attention.key_length", config.head_dim);
  set_size("attention.value_length", config.head_dim);
  if (config.sliding_window) set_size("attention.sliding_window", *config.sliding_window);
  writer.set_u32("general.quantization_version", kQuantizationVersion);
  writer.set_u32("general.file_type", type == DType::kQ8_0 ? kMostlyQ8 : kMostlyF16);
}

// What divides each pair's frequency under Llama 3's scaling: 1 for short wavelengths, the factor for long ones.
Tensor rope_factors(const ModelConfig& config) {
  ModelConfig plain = config;
  plain.rope_scaling.reset();
  const std::vector<double> unscaled = rope_frequencies(plain);
  const std::vector<double> scaled = rope_frequencies(config);
  Tensor factors(DType::kF32, {static_cast<int64_t>(scaled.size())});
  for (size_t i = 0; i < scaled.size(); ++i) factors.f32()[i] = static_cast<float>(unscaled[i] / scaled[i]);
  return factors;
}

// The weights of the file to be written, tensor by tensor, by Hugging Face's names.
class MergedWeights {
 public:
  explicit MergedWeights(const ModelExport& what) : what_(what) {
    if (what.adapter == nullptr) return;
    for (const AdapterModule& module : what.adapter->modules) modules_.emplace(module.path + ".weight", &module);
    for (const SavedTensor& saved : what.adapter->saved) saved_.emplace(saved.name, &saved.value);
  }

  // A tied head that the adapter trained apart is a head of its own from then on.
  bool has_own_output() const { return !what_.config.tied_embeddings || touches("lm_head.weight"); }

  // Every tensor of both is one that the model has; every one that it has is there and fits.
  void check(const std::vector<ExpectedTensor>& expected) const {
    std::set<std::string, std::less<>> known;
    for (const ExpectedTensor& tensor : expected) {
      known.insert(tensor.name);
      check_one(tensor);
    }
    for (const auto& [name, module] : modules_) {
      if (known.count(name) == 0) throw unknown("the adapter", name);
    }
    for (const auto& [name, value] : saved_) {
      if (known.count(name) == 0) throw unknown("the adapter", name);
    }
    for (const std::string& name : what_.weights.names()) {
      if (known.count(name) == 0 && !is_needless(name)) throw unknown(what_.weights.describe(name), name);
    }
  }

  DType type_of(const ExpectedTensor& tensor) const {
    if (tensor.shape.rank() == 1) return DType::kF32;
    return what_.type == DType::kQ8_0 && tensor.shape.last() % kQ8Block != 0 ? DType::kF16 : what_.type;
  }

  Tensor make(const ExpectedTensor& tensor) const {
    if (what_.stop.stop_requested()) throw Error(ErrorCode::kCancelled, "stopped; nothing was exported");
    Tensor merged = to_f32(source(tensor.name));
    add_adapter(tensor.name, merged);
    put_rows_in_order(tensor.name, merged);
    check_values(tensor, merged);
    Tensor rounded = Tensor::uninitialized(type_of(tensor), tensor.shape);
    convert_from_f32(merged.f32(), rounded.view());
    return rounded;
  }

 private:
  static Error unknown(const std::string& where, const std::string& name) {
    return Error(ErrorCode::kInvalidInput, fmt::format("{}: tensor {} is none of the model's", where, name),
                 "check that config.json, weights and adapter belong together");
  }

  // A tied head's copy, and the angles that old checkpoints kept beside the weights.
  bool is_needless(const std::string& name) const {
    return (name == "lm_head.weight" && !has_own_output()) || name.ends_with(".rotary_emb.inv_freq");
  }

  bool touches(const std::string& name) const { return modules_.count(name) > 0 || saved_.count(name) > 0; }

  ConstTensorView source(const std::string& name) const {
    const auto saved = saved_.find(name);
    if (saved != saved_.end()) return saved->second->const_view();
    const bool tied = name == "lm_head.weight" && what_.config.tied_embeddings;
    return what_.weights.find(tied ? "model.embed_tokens.weight" : name);
  }

  void check_one(const ExpectedTensor& tensor) const {
    const std::string where = what_.weights.describe(tensor.name);
    const ConstTensorView view = source(tensor.name);
    if (!view) throw Error(ErrorCode::kInvalidInput, where + " is missing");
    if (view.shape != tensor.shape) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: shape {}, but config.json says {}", where, view.shape.text(), tensor.shape.text()));
    }
    const auto found = modules_.find(tensor.name);
    if (found == modules_.end()) return;
    const AdapterModule& module = *found->second;
    const bool fits =
        tensor.shape.rank() == 2 && module.b.shape()[0] == tensor.shape[0] && module.a.shape()[1] == tensor.shape[1];
    if (!fits) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("the adapter's {}: A {} and B {} do not fit the model's {}", module.path,
                              module.a.shape().text(), module.b.shape().text(), tensor.shape.text()),
                  "the adapter was trained on another base model");
    }
  }

  void add_adapter(const std::string& name, Tensor& weight) const {
    const auto found = modules_.find(name);
    if (found == modules_.end()) return;
    const AdapterModule& module = *found->second;
    default_ops().product({.m = weight.shape()[0],
                           .n = weight.shape()[1],
                           .k = module.a.shape()[0],
                           .a = module.b.f32(),
                           .b = module.a.f32(),
                           .c = weight.f32(),
                           .alpha = static_cast<float>(module.scale),
                           .accumulate = true});
  }

  void put_rows_in_order(const std::string& name, Tensor& weight) const {
    const bool is_query = is_query_projection(name);
    if (!has_interleaved_heads(architecture_of(what_.config.family))) return;
    if (!is_query && !is_key_projection(name)) return;
    Tensor ordered = Tensor::uninitialized(DType::kF32, weight.shape());
    rows_to_gguf_order(weight.const_view(), is_query ? what_.config.n_heads : what_.config.n_kv_heads, ordered.view());
    weight = std::move(ordered);
  }

  void check_values(const ExpectedTensor& tensor, const Tensor& values) const {
    float largest = 0;
    bool finite = true;
    for (int64_t i = 0; i < values.shape().elements(); ++i) {
      largest = std::max(largest, std::fabs(values.f32()[i]));
      finite = finite && std::isfinite(values.f32()[i]);
    }
    const std::string where = what_.weights.describe(tensor.name);
    if (!finite) throw Error(ErrorCode::kInvalidInput, where + " holds a NaN or an infinity");
    if (type_of(tensor) == DType::kF16 && largest > kMostF16) {
      throw Error(ErrorCode::kInvalidInput, fmt::format("{} holds {}, and F16 ends at {}", where, largest, kMostF16),
                  "export as q8_0");
    }
  }

  const ModelExport& what_;
  std::map<std::string, const AdapterModule*> modules_;  // by the name of the weight
  std::map<std::string, const Tensor*> saved_;
};

// One alpha for all modules of a GGUF adapter: that of the first with a scale, so that for usual adapters nothing is
// multiplied.
double common_alpha(const AdapterFile& adapter) {
  for (const AdapterModule& module : adapter.modules) {
    if (module.scale != 0) return module.scale * static_cast<double>(module.a.shape()[0]);
  }
  return adapter.config.lora_alpha;
}

Tensor b_for_gguf(const ModelConfig& config, const AdapterModule& module, double alpha) {
  Tensor b = to_f32(module.b.const_view());
  const bool is_query = is_query_projection(module.path);
  if (has_interleaved_heads(architecture_of(config.family)) && (is_query || is_key_projection(module.path))) {
    rows_to_gguf_order(module.b.const_view(), is_query ? config.n_heads : config.n_kv_heads, b.view());
  }
  const double rank = static_cast<double>(module.a.shape()[0]);
  const auto quotient = static_cast<float>(alpha == 0 ? 1 : module.scale * rank / alpha);
  for (int64_t i = 0; i < b.shape().elements(); ++i) b.f32()[i] *= quotient;
  return b;
}

}  // namespace

void export_model(const ModelExport& what, const std::filesystem::path& path) {
  CHECK(what.type == DType::kF16 || what.type == DType::kQ8_0, "models are exported as F16 or Q8_0");
  const MergedWeights weights(what);
  const std::vector<ExpectedTensor> expected = expected_tensors(what.config, weights.has_own_output());
  weights.check(expected);
  GgufWriter writer;
  describe(what.config, what.name, what.type, writer);
  what.tokenizer.write_gguf(writer, what.config.vocab_size);
  Tensor factors;
  if (what.config.rope_scaling) {
    factors = rope_factors(what.config);
    writer.add("rope_freqs.weight", factors.const_view());
  }
  for (const ExpectedTensor& tensor : expected) {
    writer.add(*gguf_name_of(tensor.name), weights.type_of(tensor), tensor.shape, [&] { return weights.make(tensor); });
  }
  writer.write(path);
}

bool can_export_adapter(const AdapterFile& adapter) {
  return adapter.saved.empty();
}

void export_adapter(const ModelConfig& config, const AdapterFile& adapter, const std::string& name,
                    const std::filesystem::path& path) {
  CHECK(can_export_adapter(adapter), "a GGUF adapter holds no modules that were trained whole");
  GgufWriter writer;
  const double alpha = common_alpha(adapter);
  writer.set("general.architecture", architecture_of(config.family));
  writer.set("general.type", "adapter");
  writer.set("general.name", name);
  writer.set("adapter.type", "lora");
  writer.set_f32("adapter.lora.alpha", static_cast<float>(alpha));
  for (const AdapterModule& module : adapter.modules) {
    const std::optional<std::string> base = gguf_name_of(module.path + ".weight");
    if (!base)
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("the adapter's {} is none of the model's modules", module.path));
    writer.add(*base + ".lora_a", module.a.const_view());
    writer.add(*base + ".lora_b", DType::kF32, module.b.shape(),
               [&config, &module, alpha] { return b_for_gguf(config, module, alpha); });
  }
  writer.write(path);
}

std::vector<std::string> export_warnings(const ModelConfig& config) {
  std::vector<std::string> warnings;
  if (config.sliding_window && architecture_of(config.family) == "llama") {
    warnings.push_back(fmt::format(
        "llama.cpp ignores the sliding window of {} tokens in files of the llama architecture: its answers to longer "
        "texts differ from the trained model's",
        *config.sliding_window));
  }
  return warnings;
}

}  // namespace understudy
