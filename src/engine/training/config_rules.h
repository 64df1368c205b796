// What keys of a training config mean together: combinations that are refused, and defaults that depend on other keys.
// Pure; throws kInvalidInput with file, line and key.
#pragma once

#include "engine/training/train_config.h"

namespace understudy {

// `node` is what `config` was read from: whether a key was written at all stands only there.
void apply_config_rules(const ConfigNode& node, TrainConfig& config);

}  // namespace understudy
