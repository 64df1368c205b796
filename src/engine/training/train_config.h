// A training run's config: Axolotl's YAML keys as one typed struct, with its defaults and refusals. Which keys are
// known stands in one table (train_config.cc) together with those that have no effect here (foreign_keys.h). Nothing is
// opened or loaded here; relative paths are relative to the working folder. Plain values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/config_fields.h"
#include "engine/training/dataset_config.h"
#include "engine/training/schedule.h"

namespace understudy {

enum class AdapterKind { kNone, kLora };
enum class Precision { kAuto, kBF16, kF32 };  // of matrix products; sums, adapters and moments are f32 always
enum class LongExamples { kDrop, kTruncate, kRaise };
enum class SaveStrategy { kSteps, kEpoch, kBest, kNone };

struct SpecialTokens {
  std::optional<std::string> bos, eos, pad, unk;
  std::vector<std::string> additional;  // have to be in the vocabulary already
};
void read_value(const ConfigNode& node, SpecialTokens& value);

struct TrainConfig {
  // The model. base_model is a Hugging Face folder; with reinit_weights its weights are not read but drawn
  // (pre-training).
  std::string base_model;
  std::string tokenizer_config;  // a folder with another tokenizer; empty: base_model
  std::string model_type;        // "LlamaForCausalLM", "AutoModelForCausalLM" or empty; checked against config.json
  bool reinit_weights = false;
  Precision precision = Precision::kAuto;
  bool gradient_checkpointing = false;

  AdapterKind adapter = AdapterKind::kNone;
  int lora_r = 0;
  double lora_alpha = 0;
  double lora_dropout = 0;
  bool lora_target_linear = false;
  std::vector<std::string> lora_target_modules;
  bool lora_target_is_pattern = false;  // given as one text: a regular expression over whole module paths
  bool rslora = false;
  std::string lora_model_dir;  // an adapter to start from; its own config then holds

  std::vector<DatasetConfig> datasets;
  std::vector<DatasetConfig> test_datasets;
  double val_set_size = 0;  // above 1: so many examples; below: that share of them
  std::string chat_template;
  std::string chat_template_jinja;
  ConfigNode chat_template_kwargs = ConfigNode::empty_map("");
  std::vector<std::string> eot_tokens;
  SpecialTokens special_tokens;
  bool train_on_inputs = false;
  bool exact_deduplication = false;
  bool shuffle_merged_datasets = true;
  bool curriculum_sampling = false;
  int64_t sequence_len = 512;
  int64_t min_sample_len = 2;
  LongExamples long_examples = LongExamples::kDrop;

  bool sample_packing = false;
  bool sample_packing_sequentially = false;
  int64_t micro_batch_size = 1;
  int64_t gradient_accumulation_steps = 1;
  int64_t eval_batch_size = 0;  // 0: as micro_batch_size
  double num_epochs = 1;
  int64_t max_steps = 0;  // above 0 wins over num_epochs

  double learning_rate = 0;
  ScheduleKind lr_scheduler = ScheduleKind::kCosine;
  double cosine_min_lr_ratio = 0;
  int64_t warmup_steps = -1;  // below 0: not set
  double warmup_ratio = -1;
  double weight_decay = 0;
  double max_grad_norm = 1.0;  // 0: no clipping
  double adam_beta1 = 0.9;
  double adam_beta2 = 0.999;
  double adam_epsilon = 1e-8;

  Recurrence evaluations;  // never without validation examples
  Recurrence saves;
  SaveStrategy save_strategy = SaveStrategy::kEpoch;
  bool save_first_step = false;
  int64_t save_total_limit = 4;
  int64_t early_stopping_patience = 0;  // evaluations without a gain; 0: off
  bool load_best_model_at_end = false;
  double loss_watchdog_threshold = 0;  // 0: off
  int64_t loss_watchdog_patience = 3;
  int64_t logging_steps = 0;  // 0: 0.5% of the steps, 1 to 10; of the terminal, train_log.jsonl has every step

  std::string output_dir = "./model-out";
  std::string resume_from_checkpoint;
  bool auto_resume_from_checkpoints = false;
  uint64_t seed = 42;

  ConfigNode source = ConfigNode::empty_map("");  // as it was written, overrides included
  std::vector<std::string> notices;               // lines to tell the user once
};

// Reads and checks. Throws kInvalidInput with file, line and key.
TrainConfig read_train_config(const ConfigNode& node);
const Fields<TrainConfig>& train_fields();

// What was written and, of the rest, the defaults that decide the numbers of a run: config.yml of the output folder.
Json resolved_config(const TrainConfig& config);
std::string to_yaml(const Json& resolved);
// The part of it that decides the numbers: a resumed run has to have the same.
Json decisive_settings(const TrainConfig& config);

}  // namespace understudy
