// The LoRA weights of one specialist: y = W x + scale · B (A x) for each linear map that it touches (Hu et al. 2021).
// scale = alpha / r, or alpha / sqrt(r) with rsLoRA (Kalajdzievski 2023). f32 always. Immutable when shared by
// shared_ptr<const Adapter>; TrainingGraph changes the one it was given.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/model/model_config.h"
#include "engine/tensor/tensor.h"

namespace understudy {

struct LoraSettings {
  int rank = 16;
  double alpha = 32;
  double dropout = 0;  // on the input of A, in training only
  bool rank_stabilised = false;
  std::vector<Linear> targets;  // which maps, in every layer
};

struct LoraPair {
  Tensor a;  // [rank, in]
  Tensor b;  // [out, rank]
  float scale = 0;
};

class Adapter {
 public:
  // A Kaiming-uniform (a = sqrt 5, so uniform within 1 / sqrt(in)), B zero, as PEFT has it.
  static std::shared_ptr<Adapter> create(const ModelConfig& config, const LoraSettings& settings, uint64_t seed);
  // A PEFT folder or a GGUF adapter. Throws kInvalidInput where names or shapes do not fit the model.
  static std::shared_ptr<Adapter> load(const std::filesystem::path& path, const ModelConfig& config);
  // adapter_config.json and adapter_model.safetensors into the folder (made if need be).
  void save_peft(const std::filesystem::path& folder, const std::string& base_model) const;

  const LoraSettings& settings() const { return settings_; }
  const LoraPair* find(int64_t layer, Linear linear) const;  // nullptr where the adapter does not touch it
  LoraPair* find(int64_t layer, Linear linear);
  int64_t parameters() const;

 private:
  LoraSettings settings_;
  std::vector<std::array<std::optional<LoraPair>, 7>> layers_;
};

}  // namespace understudy
