// LoRA adapters as files: PEFT's folders (adapter_config.json, adapter_model.safetensors), both directions, and GGUF
// adapters, reading. Both become the same values under Hugging Face's module names. What the adapter does to a model is
// engine/model/adapter.h. Functions may be called from any thread; nothing is shared.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "engine/formats/gguf.h"
#include "engine/tensor/tensor.h"

namespace understudy {

// adapter_config.json, as far as its meaning is built.
struct PeftConfig {
  std::string base_model_name_or_path;
  int64_t r = 8;
  double lora_alpha = 8;
  double lora_dropout = 0;
  bool use_rslora = false;                    // scale alpha / sqrt(r) instead of alpha / r
  std::vector<std::string> target_modules;    // last names of modules: "q_proj"
  std::optional<std::string> target_pattern;  // instead of them: a regular expression over module paths
  std::map<std::string, int64_t>
      rank_pattern;  // module name or end of its path (or ^ and the whole path): its own r ...
  std::map<std::string, double> alpha_pattern;  // ... or its own alpha
  std::vector<std::string> modules_to_save;     // trained whole: "embed_tokens", "lm_head"

  // Of the module at that path ("model.layers.0.self_attn.q_proj").
  int64_t rank_of(std::string_view path) const;
  double scale_of(std::string_view path) const;

  // Throws kInvalidInput naming file and key for a wrong type, and for what would change the result and is not built:
  // DoRA, trained biases, layers_to_transform, initialisations that change the base (PiSSA, OLoRA), unknown keys that
  // are set.
  static PeftConfig from_json(const Json& json, std::string_view file);
  Json to_json() const;  // with every key that PEFT 0.20 writes
};

struct AdapterModule {
  std::string path;  // "model.layers.0.self_attn.q_proj"
  Tensor a;          // f32 [r, in]
  Tensor b;          // f32 [out, r]
  double scale = 0;  // y = W x + scale * B (A x)
};

struct SavedTensor {
  std::string name;  // "model.embed_tokens.weight"
  Tensor value;      // f32
};

struct AdapterFile {
  PeftConfig config;
  std::vector<AdapterModule> modules;  // sorted by path
  std::vector<SavedTensor> saved;      // of modules_to_save, sorted by name
};

// Reads adapter_config.json and adapter_model.safetensors. Throws kInvalidInput naming file and tensor for half a pair,
// a shape that is no LoRA's, a rank that the configuration does not say, or a tensor that is neither LoRA's nor a saved
// module's.
AdapterFile read_peft_folder(const std::filesystem::path& folder);
// Writes both files, each atomically, making the folder. `adapter.config` says what its keys say; r and scales are not
// recomputed.
void write_peft_folder(const std::filesystem::path& folder, const AdapterFile& adapter);

// Heads of the base model: a GGUF adapter of a llama model has B's rows of q and k in the file's order (gguf_names.h).
struct HeadCounts {
  int64_t query = 0;
  int64_t key = 0;
};
// general.type adapter, adapter.type lora; adapter.lora.alpha; <tensor>.lora_a and <tensor>.lora_b. The scale is alpha
// / rank.
AdapterFile read_gguf_adapter(const GgufFile& file, HeadCounts heads);

}  // namespace understudy
