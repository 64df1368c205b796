#include "engine/training/lora_targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <regex>

namespace understudy {

namespace {

bool matches(const std::string& path, const std::string& name, bool is_pattern) {
  if (!is_pattern && (path == name || path.ends_with("." + name))) return true;
  return std::regex_match(path, std::regex(name));
}

// In how many layers the name matches the map.
int64_t n_layers_matched(const ModelConfig& model, Linear linear, const std::string& name, bool is_pattern) {
  int64_t n = 0;
  for (int64_t layer = 0; layer < model.n_layers; ++layer)
    n += matches(module_path(layer, linear), name, is_pattern) ? 1 : 0;
  return n;
}

}  // namespace

std::vector<Linear> lora_targets(const TrainConfig& config, const ModelConfig& model) {
  const ConfigNode node = config.source["lora_target_modules"];
  std::vector<Linear> targets;
  for (const Linear linear : kLinears) {
    if (config.lora_target_linear) targets.push_back(linear);
  }
  for (const std::string& name : config.lora_target_modules) {
    bool found = false;
    for (const Linear linear : kLinears) {
      const int64_t n = n_layers_matched(model, linear, name, config.lora_target_is_pattern);
      if (n > 0 && n < model.n_layers) {
        throw node.error(
            fmt::format("\"{}\" matches {} in {} of {} layers: adapters over some layers only are not supported", name,
                        module_name(linear), n, model.n_layers));
      }
      if (n == 0) continue;
      found = true;
      if (std::find(targets.begin(), targets.end(), linear) == targets.end()) targets.push_back(linear);
    }
    if (!found) {
      throw node.error(
          fmt::format("\"{}\" matches no linear map of a layer", name),
          "write q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, or lora_target_linear: true");
    }
  }
  std::sort(targets.begin(), targets.end());
  return targets;
}

}  // namespace understudy
