#include "engine/model/model_config.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "engine/formats/gguf.h"

namespace understudy {

namespace {

constexpr int64_t kMostLayers = 1024;
constexpr int64_t kMostWidth = 1 << 20;
constexpr int64_t kMostPositions = 1 << 26;

// Reads config.json's keys with errors that name file and key.
class Reader {
 public:
  Reader(const Json& json, std::string_view where) : json_(json), where_(where) {
    if (!json.is_object()) throw Error(ErrorCode::kInvalidInput, fmt::format("{}: expected an object", where));
  }

  const Json* find(const char* key) const {
    const auto it = json_.find(key);
    return it == json_.end() || it->is_null() ? nullptr : &*it;
  }
  int64_t integer(const char* key, int64_t least, int64_t most) const {
    const Json* value = find(key);
    if (value == nullptr) throw fault(key, "is missing");
    return check_integer(key, *value, least, most);
  }
  int64_t integer_or(const char* key, int64_t fallback, int64_t least, int64_t most) const {
    const Json* value = find(key);
    return value == nullptr ? fallback : check_integer(key, *value, least, most);
  }
  double number_or(const char* key, double fallback) const {
    const Json* value = find(key);
    if (value == nullptr) return fallback;
    if (!value->is_number() || !(value->get<double>() > 0))
      throw fault(key, fmt::format("expected a number above 0, got {}", dump_json(*value)));
    return value->get<double>();
  }
  bool flag_or(const char* key, bool fallback) const {
    const Json* value = find(key);
    if (value == nullptr) return fallback;
    if (!value->is_boolean()) throw fault(key, fmt::format("expected true or false, got {}", dump_json(*value)));
    return value->get<bool>();
  }
  std::string text_or(const char* key, std::string fallback) const {
    const Json* value = find(key);
    if (value == nullptr) return fallback;
    if (!value->is_string()) throw fault(key, fmt::format("expected a text, got {}", dump_json(*value)));
    return value->get<std::string>();
  }
  Error fault(const char* key, const std::string& message) const {
    return Error(ErrorCode::kInvalidInput, fmt::format("{}: {}: {}", where_, key, message));
  }
  const std::string& where() const { return where_; }

 private:
  int64_t check_integer(const char* key, const Json& value, int64_t least, int64_t most) const {
    const bool fits = value.is_number_integer() && value.get<int64_t>() >= least && value.get<int64_t>() <= most;
    if (!fits)
      throw fault(key, fmt::format("expected a whole number from {} to {}, got {}", least, most, dump_json(value)));
    return value.get<int64_t>();
  }
  const Json& json_;
  std::string where_;
};

Family family_from(const std::string& word, const Reader& reader) {
  for (const Family family : {Family::kLlama, Family::kMistral, Family::kQwen2, Family::kQwen3}) {
    if (to_string(family) == word) return family;
  }
  throw reader.fault("model_type", fmt::format("\"{}\" is not built; llama, mistral, qwen2 and qwen3 are", word));
}

// transformers 5 writes rope_parameters; older folders rope_theta and rope_scaling.
void read_rope(const Reader& reader, ModelConfig& config) {
  const Json* parameters = reader.find("rope_parameters");
  const char* key = parameters != nullptr ? "rope_parameters" : "rope_scaling";
  const Json* scaling = parameters != nullptr ? parameters : reader.find("rope_scaling");
  config.rope_theta = reader.number_or("rope_theta", 10000);
  if (scaling == nullptr) return;
  const Reader rope(*scaling, reader.where() + ": " + key);
  config.rope_theta = rope.number_or("rope_theta", config.rope_theta);
  const std::string type = rope.text_or("rope_type", rope.text_or("type", "default"));
  if (type == "default") return;
  if (type != "llama3") throw rope.fault("rope_type", fmt::format("\"{}\" is not built; default and llama3 are", type));
  Llama3RopeScaling llama3;
  llama3.factor = rope.number_or("factor", 8);
  llama3.low_frequency_factor = rope.number_or("low_freq_factor", 1);
  llama3.high_frequency_factor = rope.number_or("high_freq_factor", 4);
  llama3.original_max_positions = rope.integer("original_max_position_embeddings", 1, kMostPositions);
  if (llama3.high_frequency_factor <= llama3.low_frequency_factor)
    throw rope.fault("high_freq_factor", "has to be above low_freq_factor");
  config.rope_scaling = llama3;
}

std::vector<int32_t> read_ids(const Reader& reader, const char* key, int64_t vocab) {
  const Json* value = reader.find(key);
  if (value == nullptr) return {};
  std::vector<int32_t> ids;
  const Json list = value->is_array() ? *value : Json::array({*value});
  for (const Json& id : list) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() >= vocab) {
      throw reader.fault(key, fmt::format("expected token ids below {}, got {}", vocab, dump_json(*value)));
    }
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

void check(const ModelConfig& config, std::string_view where) {
  const auto refuse = [where](const std::string& message) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: {}", where, message));
  };
  if (config.n_heads % config.n_kv_heads != 0) {
    refuse(fmt::format("num_attention_heads {} is no multiple of num_key_value_heads {}", config.n_heads,
                       config.n_kv_heads));
  }
  if (config.head_dim % 2 != 0) refuse(fmt::format("head_dim {} is odd", config.head_dim));
}

void read_window(const Reader& reader, ModelConfig& config) {
  const Json* window = reader.find("sliding_window");
  const bool used =
      config.family == Family::kMistral || ((config.family == Family::kQwen2 || config.family == Family::kQwen3) &&
                                            reader.flag_or("use_sliding_window", false));
  if (window == nullptr || !used) return;
  if (config.family != Family::kMistral) {
    throw reader.fault("use_sliding_window", "a window on some of the layers is not built");
  }
  config.sliding_window = reader.integer("sliding_window", 1, kMostPositions);
}

}  // namespace

std::string_view to_string(Family family) {
  switch (family) {
    case Family::kLlama:
      return "llama";
    case Family::kMistral:
      return "mistral";
    case Family::kQwen2:
      return "qwen2";
    case Family::kQwen3:
      return "qwen3";
  }
  return "llama";
}

int64_t ModelConfig::parameters() const {
  int64_t per_layer = 2 * width + (qk_norm ? 2 * head_dim : 0);
  for (const Linear linear : kLinears) {
    const LinearSize size = size_of(*this, linear);
    per_layer += size.out * size.in;
  }
  if (qkv_bias) per_layer += q_width() + 2 * kv_width();
  if (output_bias) per_layer += width;
  if (mlp_bias) per_layer += 2 * ffn_width + width;
  return n_layers * per_layer + width + vocab_size * width * (tied_embeddings ? 1 : 2);
}

ModelConfig ModelConfig::from_hf_folder(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  return from_hf_json(parse_json(read_file(path, 16 << 20), path.string()), path.string());
}

ModelConfig ModelConfig::from_hf_json(const Json& json, std::string_view where) {
  const Reader reader(json, where);
  ModelConfig config;
  config.family = family_from(reader.text_or("model_type", ""), reader);
  config.vocab_size = reader.integer("vocab_size", 1, 1 << 24);
  config.width = reader.integer("hidden_size", 1, kMostWidth);
  config.n_layers = reader.integer("num_hidden_layers", 1, kMostLayers);
  config.n_heads = reader.integer("num_attention_heads", 1, 4096);
  config.n_kv_heads = reader.integer_or("num_key_value_heads", config.n_heads, 1, 4096);
  config.head_dim = reader.integer_or("head_dim", std::max<int64_t>(1, config.width / config.n_heads), 2, 4096);
  config.ffn_width = reader.integer("intermediate_size", 1, kMostWidth);
  config.max_positions = reader.integer_or("max_position_embeddings", 2048, 1, kMostPositions);
  config.rms_epsilon = reader.number_or("rms_norm_eps", 1e-6);
  config.tied_embeddings = reader.flag_or("tie_word_embeddings", false);
  const std::string activation = reader.text_or("hidden_act", "silu");
  if (activation != "silu") throw reader.fault("hidden_act", fmt::format("\"{}\" is not built; silu is", activation));
  const bool attention_bias = reader.flag_or("attention_bias", false);
  config.qkv_bias = config.family == Family::kQwen2 || attention_bias;
  config.output_bias = config.family != Family::kQwen2 && attention_bias;
  config.mlp_bias = reader.flag_or("mlp_bias", false);
  config.qk_norm = config.family == Family::kQwen3;
  read_rope(reader, config);
  read_window(reader, config);
  const std::vector<int32_t> bos = read_ids(reader, "bos_token_id", config.vocab_size);
  if (!bos.empty()) config.bos = bos.front();
  config.eos = read_ids(reader, "eos_token_id", config.vocab_size);
  check(config, where);
  return config;
}

ModelConfig ModelConfig::from_gguf(const GgufFile& file) {
  const std::string where = file.path().string();
  const std::string arch = file.required_text("general.architecture");
  if (arch != "llama" && arch != "qwen2" && arch != "qwen3") {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: general.architecture: \"{}\" is not built; llama, qwen2 and qwen3 are", where, arch));
  }
  const auto size = [&](const std::string& key, int64_t most) {
    const int64_t value = file.required_integer(arch + "." + key);
    if (value < 1 || value > most) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: {}.{}: expected 1 to {}, got {}", where, arch, key, most, value));
    }
    return value;
  };
  ModelConfig config;
  config.family = arch == "qwen2" ? Family::kQwen2 : arch == "qwen3" ? Family::kQwen3 : Family::kLlama;
  config.width = size("embedding_length", kMostWidth);
  config.n_layers = size("block_count", kMostLayers);
  config.n_heads = size("attention.head_count", 4096);
  config.n_kv_heads =
      file.integer(arch + ".attention.head_count_kv") ? size("attention.head_count_kv", 4096) : config.n_heads;
  config.head_dim =
      file.integer(arch + ".attention.key_length") ? size("attention.key_length", 4096) : config.width / config.n_heads;
  config.ffn_width = size("feed_forward_length", kMostWidth);
  config.max_positions = size("context_length", kMostPositions);
  config.rms_epsilon = file.number(arch + ".attention.layer_norm_rms_epsilon").value_or(1e-5);
  config.rope_theta = file.number(arch + ".rope.freq_base").value_or(10000);
  const ConstTensorView embedding = file.find("token_embd.weight");
  if (!embedding || embedding.shape.rank() != 2) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: token_embd.weight is missing or no matrix", where));
  }
  config.vocab_size = embedding.shape[0];
  config.tied_embeddings = !file.find("output.weight");
  config.qkv_bias = static_cast<bool>(file.find("blk.0.attn_q.bias"));
  config.output_bias = static_cast<bool>(file.find("blk.0.attn_output.bias"));
  config.mlp_bias = static_cast<bool>(file.find("blk.0.ffn_up.bias"));
  config.qk_norm = static_cast<bool>(file.find("blk.0.attn_q_norm.weight"));
  if (const ConstTensorView factors = file.find("rope_freqs.weight")) {
    if (factors.type != DType::kF32 || factors.shape.elements() != config.head_dim / 2) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: rope_freqs.weight: expected {} f32 values", where, config.head_dim / 2));
    }
    config.rope_factors.assign(factors.f32(), factors.f32() + factors.shape.elements());
  }
  const auto id = [&](const char* key) -> std::optional<int32_t> {
    const std::optional<int64_t> value = file.integer(key);
    if (!value || *value < 0 || *value >= config.vocab_size) return std::nullopt;
    return static_cast<int32_t>(*value);
  };
  config.bos = id("tokenizer.ggml.bos_token_id");
  if (const auto eos = id("tokenizer.ggml.eos_token_id")) config.eos = {*eos};
  check(config, where);
  return config;
}

Json ModelConfig::to_hf_json() const {
  const char* architecture = family == Family::kLlama     ? "LlamaForCausalLM"
                             : family == Family::kMistral ? "MistralForCausalLM"
                             : family == Family::kQwen2   ? "Qwen2ForCausalLM"
                                                          : "Qwen3ForCausalLM";
  Json rope = {{"rope_theta", rope_theta}, {"rope_type", "default"}};
  if (rope_scaling) {
    rope = {{"factor", rope_scaling->factor},
            {"high_freq_factor", rope_scaling->high_frequency_factor},
            {"low_freq_factor", rope_scaling->low_frequency_factor},
            {"original_max_position_embeddings", rope_scaling->original_max_positions},
            {"rope_theta", rope_theta},
            {"rope_type", "llama3"}};
  }
  Json json = {{"architectures", {architecture}},
               {"model_type", to_string(family)},
               {"vocab_size", vocab_size},
               {"hidden_size", width},
               {"num_hidden_layers", n_layers},
               {"num_attention_heads", n_heads},
               {"num_key_value_heads", n_kv_heads},
               {"head_dim", head_dim},
               {"intermediate_size", ffn_width},
               {"max_position_embeddings", max_positions},
               {"rms_norm_eps", rms_epsilon},
               {"rope_parameters", rope},
               {"hidden_act", "silu"},
               {"tie_word_embeddings", tied_embeddings},
               {"attention_bias", family != Family::kQwen2 && qkv_bias},
               {"mlp_bias", mlp_bias},
               {"initializer_range", 0.02}};
  // Read by transformers before version 5 and by older tools.
  json["rope_theta"] = rope_theta;
  if (rope_scaling) json["rope_scaling"] = rope;
  if (sliding_window) json["sliding_window"] = *sliding_window;
  if (bos) json["bos_token_id"] = *bos;
  if (eos.size() == 1) json["eos_token_id"] = eos.front();
  if (eos.size() > 1) json["eos_token_id"] = eos;
  return json;
}

std::string_view module_name(Linear linear) {
  switch (linear) {
    case Linear::kQ:
      return "q_proj";
    case Linear::kK:
      return "k_proj";
    case Linear::kV:
      return "v_proj";
    case Linear::kO:
      return "o_proj";
    case Linear::kGate:
      return "gate_proj";
    case Linear::kUp:
      return "up_proj";
    case Linear::kDown:
      return "down_proj";
  }
  return "";
}

std::string module_path(int64_t layer, Linear linear) {
  const bool attention = linear == Linear::kQ || linear == Linear::kK || linear == Linear::kV || linear == Linear::kO;
  return fmt::format("model.layers.{}.{}.{}", layer, attention ? "self_attn" : "mlp", module_name(linear));
}

LinearSize size_of(const ModelConfig& config, Linear linear) {
  switch (linear) {
    case Linear::kQ:
      return {config.q_width(), config.width};
    case Linear::kK:
    case Linear::kV:
      return {config.kv_width(), config.width};
    case Linear::kO:
      return {config.width, config.q_width()};
    case Linear::kGate:
    case Linear::kUp:
      return {config.ffn_width, config.width};
    case Linear::kDown:
      return {config.width, config.ffn_width};
  }
  return {};
}

}  // namespace understudy
