// Which linear maps an adapter touches, from lora_target_linear and lora_target_modules. A pure function.
#pragma once

#include <vector>

#include "engine/model/model_config.h"
#include "engine/training/train_config.h"

namespace understudy {

// Listed names match a module's whole path or its end ("q_proj", "self_attn.q_proj") or, as a regular expression, its
// whole path; one text is a regular expression over whole paths ("model.layers.0.self_attn.q_proj"). Throws
// kInvalidInput where a name matches nothing, or matches a map in some layers only: an adapter here touches a map in
// every layer or in none.
std::vector<Linear> lora_targets(const TrainConfig& config, const ModelConfig& model);

}  // namespace understudy
