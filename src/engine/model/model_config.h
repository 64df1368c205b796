// What a Llama-family decoder looks like: read from a Hugging Face config.json or from GGUF metadata, and checked. A
// plain value. Families differ only in what stands here (biases, q/k norms, window), so the decoder is written once.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"

namespace understudy {

class GgufFile;

enum class Family { kLlama, kMistral, kQwen2, kQwen3 };
std::string_view to_string(Family family);  // config.json's model_type: "llama", ...

// rope_type llama3: wavelengths above original_max / low are divided by factor, below original_max / high kept, between
// smooth.
struct Llama3RopeScaling {
  double factor = 8;
  double low_frequency_factor = 1;
  double high_frequency_factor = 4;
  int64_t original_max_positions = 8192;
};

struct ModelConfig {
  Family family = Family::kLlama;
  int64_t vocab_size = 0;
  int64_t width = 0;  // hidden_size
  int64_t n_layers = 0;
  int64_t n_heads = 0;
  int64_t n_kv_heads = 0;
  int64_t head_dim = 0;
  int64_t ffn_width = 0;  // intermediate_size
  int64_t max_positions = 0;
  double rms_epsilon = 1e-5;
  double rope_theta = 10000;
  std::optional<Llama3RopeScaling> rope_scaling;
  std::vector<float> rope_factors;        // GGUF's rope_freqs.weight: divides each pair's frequency; else empty
  std::optional<int64_t> sliding_window;  // a token sees itself and window - 1 before it
  bool tied_embeddings = false;
  bool qkv_bias = false;
  bool output_bias = false;  // of o_proj (attention_bias of llama)
  bool mlp_bias = false;
  bool qk_norm = false;  // RMS norm of each head's q and k before the rotation (Qwen3)
  std::optional<int32_t> bos;
  std::vector<int32_t> eos;

  int64_t q_width() const { return n_heads * head_dim; }
  int64_t kv_width() const { return n_kv_heads * head_dim; }
  int64_t parameters() const;  // all weights; tied embeddings once

  // Throw kInvalidInput naming file and key: an unknown family, a missing or impossible size, a rope_type or activation
  // that is not built.
  static ModelConfig from_hf_folder(const std::filesystem::path& folder);
  static ModelConfig from_hf_json(const Json& json, std::string_view where);
  static ModelConfig from_gguf(const GgufFile& file);
  Json to_hf_json() const;  // config.json as transformers 5 writes it
};

// The linear maps of a layer, in the order in which they are used.
enum class Linear { kQ, kK, kV, kO, kGate, kUp, kDown };
inline constexpr std::array<Linear, 7> kLinears = {Linear::kQ,    Linear::kK,  Linear::kV,   Linear::kO,
                                                   Linear::kGate, Linear::kUp, Linear::kDown};
std::string_view module_name(Linear linear);            // "q_proj", ...
std::string module_path(int64_t layer, Linear linear);  // "model.layers.3.self_attn.q_proj"
struct LinearSize {
  int64_t out = 0;
  int64_t in = 0;
};
LinearSize size_of(const ModelConfig& config, Linear linear);

}  // namespace understudy
