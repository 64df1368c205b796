// What a finished run leaves in output_dir beside its log and checkpoints: the adapter as PEFT has it, or the model as
// a Hugging Face folder, with tokenizer files, chat template, stop tokens, the resolved config, the loss plot and what
// is known of the data.
#pragma once

#include <filesystem>

#include "engine/model/adapter.h"
#include "engine/model/model.h"
#include "engine/training/train_config.h"
#include "engine/training/training_data.h"

namespace understudy {

// The adapter where there is one, else the model in bf16 (f32 with bf16: false). Throws kIo.
void write_trained(const TrainConfig& config, const TrainingData& data, const Model& model, const Adapter* adapter);

// config.yml of a run that begins, so that it stands there even when it is stopped.
void write_config(const TrainConfig& config);

}  // namespace understudy
