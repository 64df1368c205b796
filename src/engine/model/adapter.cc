#include "engine/model/adapter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "engine/formats/gguf.h"
#include "engine/formats/peft.h"

namespace understudy {

namespace {

struct Place {
  int64_t layer;
  Linear linear;
};

std::optional<Place> place_of(const std::string& path, const ModelConfig& config) {
  for (int64_t layer = 0; layer < config.n_layers; ++layer) {
    for (const Linear linear : kLinears) {
      if (module_path(layer, linear) == path) return Place{layer, linear};
    }
  }
  return std::nullopt;
}

float scale_of(const LoraSettings& settings) {
  const double rank = settings.rank;
  return static_cast<float>(settings.alpha / (settings.rank_stabilised ? std::sqrt(rank) : rank));
}

AdapterFile read_any(const std::filesystem::path& path, const ModelConfig& config) {
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorCode::kNotFound, fmt::format("{}: there is no such adapter", path.string()),
                "a PEFT folder (adapter_config.json, adapter_model.safetensors) or a GGUF adapter is expected");
  }
  if (std::filesystem::is_directory(path)) return read_peft_folder(path);
  return read_gguf_adapter(GgufFile(path), {config.n_heads, config.n_kv_heads});
}

}  // namespace

std::shared_ptr<Adapter> Adapter::create(const ModelConfig& config, const LoraSettings& settings, uint64_t seed) {
  auto adapter = std::make_shared<Adapter>();
  adapter->settings_ = settings;
  adapter->layers_.resize(static_cast<size_t>(config.n_layers));
  for (int64_t layer = 0; layer < config.n_layers; ++layer) {
    for (const Linear linear : settings.targets) {
      const LinearSize size = size_of(config, linear);
      Random random(seed, static_cast<uint64_t>(layer * 7 + static_cast<int64_t>(linear)));
      LoraPair pair{Tensor(DType::kF32, Shape{settings.rank, size.in}),
                    Tensor(DType::kF32, Shape{size.out, settings.rank}), scale_of(settings)};
      const double bound = 1.0 / std::sqrt(static_cast<double>(size.in));
      for (int64_t i = 0; i < pair.a.shape().elements(); ++i)
        pair.a.f32()[i] = static_cast<float>(random.uniform(-bound, bound));
      adapter->layers_[static_cast<size_t>(layer)][static_cast<size_t>(linear)] = std::move(pair);
    }
  }
  return adapter;
}

std::shared_ptr<Adapter> Adapter::load(const std::filesystem::path& path, const ModelConfig& config) {
  AdapterFile file = read_any(path, config);
  if (!file.saved.empty()) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: modules_to_save: {} is trained whole, which is not built for adapters", path.string(),
                            file.saved.front().name),
                "train without modules_to_save, or fine-tune all weights");
  }
  auto adapter = std::make_shared<Adapter>();
  adapter->layers_.resize(static_cast<size_t>(config.n_layers));
  adapter->settings_ = {.rank = static_cast<int>(file.config.r),
                        .alpha = file.config.lora_alpha,
                        .dropout = file.config.lora_dropout,
                        .rank_stabilised = file.config.use_rslora,
                        .targets = {}};
  for (AdapterModule& module : file.modules) {
    const std::optional<Place> place = place_of(module.path, config);
    if (!place) {
      throw Error(ErrorCode::kInvalidInput, fmt::format("{}: the model has no {}", path.string(), module.path),
                  "was the adapter trained on another base?");
    }
    const LinearSize size = size_of(config, place->linear);
    if (module.a.shape().last() != size.in || module.b.shape()[0] != size.out) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: {} maps {} to {} values, the model's {} to {}", path.string(), module.path,
                              module.a.shape().last(), module.b.shape()[0], size.in, size.out),
                  "was the adapter trained on another base?");
    }
    std::vector<Linear>& targets = adapter->settings_.targets;
    if (std::find(targets.begin(), targets.end(), place->linear) == targets.end()) targets.push_back(place->linear);
    adapter->layers_[static_cast<size_t>(place->layer)][static_cast<size_t>(place->linear)] =
        LoraPair{std::move(module.a), std::move(module.b), static_cast<float>(module.scale)};
  }
  std::sort(adapter->settings_.targets.begin(), adapter->settings_.targets.end());
  return adapter;
}

void Adapter::save_peft(const std::filesystem::path& folder, const std::string& base_model) const {
  AdapterFile file;
  file.config.base_model_name_or_path = base_model;
  file.config.r = settings_.rank;
  file.config.lora_alpha = settings_.alpha;
  file.config.lora_dropout = settings_.dropout;
  file.config.use_rslora = settings_.rank_stabilised;
  for (const Linear linear : settings_.targets) file.config.target_modules.emplace_back(module_name(linear));
  for (size_t layer = 0; layer < layers_.size(); ++layer) {
    for (const Linear linear : kLinears) {
      const std::optional<LoraPair>& pair = layers_[layer][static_cast<size_t>(linear)];
      if (!pair) continue;
      const std::string path = module_path(static_cast<int64_t>(layer), linear);
      const int64_t rank = pair->a.shape()[0];
      if (rank != settings_.rank) file.config.rank_pattern[path] = rank;
      // What alpha would give this pair its scale; written only where the adapter's own would give another.
      if (std::abs(file.config.scale_of(path) - static_cast<double>(pair->scale)) >
          1e-6 * std::abs(static_cast<double>(pair->scale))) {
        const auto size = static_cast<double>(rank);
        file.config.alpha_pattern[path] =
            static_cast<double>(pair->scale) * (settings_.rank_stabilised ? std::sqrt(size) : size);
      }
      file.modules.push_back({path, to_f32(pair->a.view()), to_f32(pair->b.view()), static_cast<double>(pair->scale)});
    }
  }
  std::sort(file.modules.begin(), file.modules.end(),
            [](const AdapterModule& x, const AdapterModule& y) { return x.path < y.path; });
  write_peft_folder(folder, file);
}

const LoraPair* Adapter::find(int64_t layer, Linear linear) const {
  const std::optional<LoraPair>& pair = layers_[static_cast<size_t>(layer)][static_cast<size_t>(linear)];
  return pair ? &*pair : nullptr;
}

LoraPair* Adapter::find(int64_t layer, Linear linear) {
  return const_cast<LoraPair*>(std::as_const(*this).find(layer, linear));
}

int64_t Adapter::parameters() const {
  int64_t n = 0;
  for (const auto& layer : layers_) {
    for (const std::optional<LoraPair>& pair : layer) {
      if (pair) n += pair->a.shape().elements() + pair->b.shape().elements();
    }
  }
  return n;
}

}  // namespace understudy
