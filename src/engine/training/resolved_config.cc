// The config as it is written beside what was trained, and the part of it that a resumed run has to share.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/json.h"
#include "engine/training/foreign_keys.h"
#include "engine/training/train_config.h"

namespace understudy {

namespace {

std::string_view word_of(ScheduleKind kind) {
  switch (kind) {
    case ScheduleKind::kLinear:
      return "linear";
    case ScheduleKind::kCosine:
      return "cosine";
    case ScheduleKind::kConstant:
      return "constant";
    case ScheduleKind::kConstantWithWarmup:
      return "constant_with_warmup";
  }
  return "";
}

void add_defaults(const TrainConfig& config, Json& json) {
  const auto add = [&json](const char* key, auto value) {
    if (!json.contains(key)) json[key] = value;
  };
  if (config.adapter == AdapterKind::kLora && config.lora_model_dir.empty()) {
    add("lora_r", config.lora_r);
    add("lora_alpha", config.lora_alpha);
    add("lora_dropout", config.lora_dropout);
    if (config.lora_target_modules.empty()) add("lora_target_linear", true);
  }
  add("sequence_len", config.sequence_len);
  add("sample_packing", config.sample_packing);
  add("val_set_size", config.val_set_size);
  add("train_on_inputs", config.train_on_inputs);
  add("micro_batch_size", config.micro_batch_size);
  if (!json.contains("batch_size")) add("gradient_accumulation_steps", config.gradient_accumulation_steps);
  if (config.max_steps == 0) add("num_epochs", config.num_epochs);
  add("optimizer", "adamw_torch_fused");
  add("lr_scheduler", word_of(config.lr_scheduler));
  add("learning_rate", config.learning_rate);
  add("weight_decay", config.weight_decay);
  add("max_grad_norm", config.max_grad_norm);
  add("adam_beta1", config.adam_beta1);
  add("adam_beta2", config.adam_beta2);
  add("adam_epsilon", config.adam_epsilon);
  add("bf16", "auto");
  add("seed", config.seed);
}

// Where a run writes and how often it says so changes no number of it.
bool is_decisive(std::string_view key) {
  static constexpr std::string_view kFree[] = {
      "output_dir",       "resume_from_checkpoint", "auto_resume_from_checkpoints",
      "save_steps",       "saves_per_epoch",        "save_strategy",
      "save_first_step",  "save_total_limit",       "logging_steps",
      "save_safetensors", "gradient_checkpointing", "tokenizer_type",
      "model_type"};
  if (std::find(std::begin(kFree), std::end(kFree), key) != std::end(kFree)) return false;
  const auto keys = train_foreign_keys();
  return std::none_of(keys.begin(), keys.end(), [key](const ForeignKey& foreign) {
    return foreign.key == key && foreign.kind == ForeignKind::kNoEffect;
  });
}

}  // namespace

Json resolved_config(const TrainConfig& config) {
  Json json = Json::object();
  const Json written = config.source.to_json();
  for (const auto& [key, value] : written.items()) {
    if (!value.is_null()) json[key] = value;
  }
  add_defaults(config, json);
  return json;
}

std::string to_yaml(const Json& resolved) {
  std::string text;
  for (const auto& [key, value] : resolved.items()) text += fmt::format("{}: {}\n", key, dump_json(value));
  return text;
}

Json decisive_settings(const TrainConfig& config) {
  Json settings = Json::object();
  const Json resolved = resolved_config(config);
  for (const auto& [key, value] : resolved.items()) {
    if (is_decisive(key)) settings[key] = value;
  }
  return settings;
}

}  // namespace understudy
