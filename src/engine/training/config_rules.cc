#include "engine/training/config_rules.h"

#include <fmt/format.h>

#include <algorithm>

namespace understudy {

namespace {

class Rules {
 public:
  Rules(const ConfigNode& node, TrainConfig& config) : node_(node), config_(config) {}

  void apply() {
    require_basics();
    apply_batch();
    exclude("warmup_steps", "warmup_ratio");
    exclude("saves_per_epoch", "save_steps");
    exclude("evals_per_epoch", "eval_steps");
    apply_validation();
    apply_evaluation();
    apply_saving();
    apply_best();
    apply_adapter();
    apply_templates();
    apply_attention();
    collect_dataset_notices();
  }

 private:
  bool has(std::string_view key) const { return !node_[key].is_null(); }
  bool is_on(std::string_view key) const { return has(key) && node_[key].as_bool(); }
  void notice(std::string_view key, std::string_view text) {
    config_.notices.push_back(fmt::format("{}: {}", node_[key].where(), text));
  }
  void exclude(std::string_view one, std::string_view other) const {
    if (has(one) && has(other))
      throw node_[other].error(fmt::format("cannot stand together with {}", one), "take one of them out");
  }
  [[nodiscard]] Error missing(std::string_view key, std::string_view example) const {
    return Error(ErrorCode::kInvalidInput, fmt::format("{}: {} is missing", node_.file(), key),
                 fmt::format("write {}: {}", key, example));
  }

  void require_basics() const {
    if (config_.base_model.empty()) throw missing("base_model", "the folder of a model");
    if (config_.datasets.empty()) throw missing("datasets", "[{path: train.jsonl, type: chat_template}]");
    if (!has("learning_rate")) throw missing("learning_rate", "2e-4");
    if (has("base_model_config") && node_["base_model_config"].as_text() != config_.base_model) {
      throw node_["base_model_config"].error("has to be base_model: a configuration from elsewhere is not supported");
    }
    if (config_.reinit_weights && config_.adapter != AdapterKind::kNone) {
      throw node_["reinit_weights"].error("an adapter on random weights learns nothing of use", "take adapter out");
    }
  }

  void apply_batch() {
    if (!has("micro_batch_size") && !has("gradient_accumulation_steps") && !has("batch_size")) {
      throw missing("micro_batch_size", "1, and gradient_accumulation_steps");
    }
    if (!has("batch_size")) return;
    exclude("gradient_accumulation_steps", "batch_size");
    const int64_t batch = node_["batch_size"].as_integer();
    if (!has("micro_batch_size") || batch < 1 || batch % config_.micro_batch_size != 0) {
      throw node_["batch_size"].error("has to be a multiple of micro_batch_size, which has to be there",
                                      "write micro_batch_size and gradient_accumulation_steps instead");
    }
    config_.gradient_accumulation_steps = batch / config_.micro_batch_size;
  }

  bool has_validation() const { return config_.val_set_size > 0 || !config_.test_datasets.empty(); }

  void apply_validation() const {
    if (config_.val_set_size > 0 && !config_.test_datasets.empty()) {
      throw node_["test_datasets"].error("cannot stand together with val_set_size", "write val_set_size: 0");
    }
    if (config_.val_set_size == 1) {
      throw node_["val_set_size"].error("1 is the share of all examples: nothing would be left to train on",
                                        "write a share below 1 or a number of examples above 1");
    }
    if (config_.val_set_size > 1 &&
        config_.val_set_size != static_cast<double>(static_cast<int64_t>(config_.val_set_size))) {
      throw node_["val_set_size"].error("expected a share below 1 or a whole number of examples");
    }
  }

  std::string strategy(std::string_view key, std::initializer_list<std::string_view> words) const {
    if (!has(key)) return {};
    const std::string word = node_[key].as_text();
    if (std::find(words.begin(), words.end(), word) == words.end()) {
      throw node_[key].error(fmt::format("\"{}\" is not one of {}", word, fmt::join(words, ", ")));
    }
    return word;
  }

  void apply_evaluation() {
    exclude("eval_strategy", "evaluation_strategy");
    const std::string_view key = has("evaluation_strategy") ? "evaluation_strategy" : "eval_strategy";
    if (has("evaluation_strategy")) notice(key, "now written eval_strategy");
    const std::string word = strategy(key, {"no", "epoch", "steps"});
    if (has("eval_steps") && !word.empty() && word != "steps")
      throw node_[key].error("has to be steps with eval_steps");
    if (has("evals_per_epoch") && !word.empty() && word != "steps")
      throw node_[key].error("has to be steps with evals_per_epoch");
    if (word == "steps" && config_.evaluations.is_never())
      throw node_[key].error("eval_steps is missing", "write eval_steps: 100");
    if (!has_validation()) {
      if (has("eval_steps") || (!word.empty() && word != "no")) {
        throw node_[has("eval_steps") ? "eval_steps" : key].error("nothing to evaluate on",
                                                                  "write val_set_size: 0.1 or test_datasets");
      }
      if (has("evals_per_epoch")) notice("evals_per_epoch", "no effect: val_set_size is 0");
      config_.evaluations = {};
    } else if (word == "no") {
      config_.evaluations = {};
    } else if (config_.evaluations.is_never()) {
      config_.evaluations.at_epoch_ends = true;
    }
  }

  void apply_saving() {
    const std::string word = strategy("save_strategy", {"no", "epoch", "steps", "best"});
    if (has("save_steps") && !word.empty() && word != "steps")
      throw node_["save_strategy"].error("has to be steps with save_steps");
    if (has("saves_per_epoch") && !word.empty() && word != "steps") {
      throw node_["save_strategy"].error("has to be steps with saves_per_epoch");
    }
    if (word == "steps" && config_.saves.is_never())
      throw node_["save_strategy"].error("save_steps is missing", "write save_steps: 100");
    if (word == "best" && !has("metric_for_best_model")) {
      throw node_["save_strategy"].error("metric_for_best_model is missing", "write metric_for_best_model: eval_loss");
    }
    config_.save_strategy = word == "no"               ? SaveStrategy::kNone
                            : word == "best"           ? SaveStrategy::kBest
                            : config_.saves.is_never() ? SaveStrategy::kEpoch
                                                       : SaveStrategy::kSteps;
    if (config_.save_strategy == SaveStrategy::kEpoch) config_.saves.at_epoch_ends = true;
  }

  void apply_best() {
    if (has("metric_for_best_model")) {
      const std::string metric = node_["metric_for_best_model"].as_text();
      if (metric != "eval_loss" && metric != "loss") {
        throw node_["metric_for_best_model"].error(fmt::format("\"{}\" is not measured in training", metric),
                                                   "write eval_loss");
      }
    }
    if (is_on("greater_is_better"))
      throw node_["greater_is_better"].error("a smaller eval_loss is better", "write false");
    if (config_.early_stopping_patience > 0 && !has("load_best_model_at_end")) config_.load_best_model_at_end = true;
    const bool needs_best = config_.early_stopping_patience > 0 || config_.load_best_model_at_end ||
                            config_.save_strategy == SaveStrategy::kBest;
    if (needs_best && config_.evaluations.is_never()) {
      const std::string_view key = config_.early_stopping_patience > 0 ? "early_stopping_patience"
                                   : config_.load_best_model_at_end    ? "load_best_model_at_end"
                                                                       : "save_strategy";
      throw node_[key].error("there is no evaluation to judge by", "write val_set_size: 0.1 and evals_per_epoch");
    }
  }

  void apply_adapter() {
    if (config_.adapter == AdapterKind::kNone) {
      if (has("lora_model_dir"))
        throw node_["lora_model_dir"].error("an adapter is given, but adapter is not", "write adapter: lora");
      for (const char* key : {"lora_r", "lora_alpha", "lora_target_linear", "lora_target_modules"}) {
        if (has(key)) notice(key, "no effect without adapter: lora; all weights are trained");
      }
      return;
    }
    if (config_.lora_r == 0) config_.lora_r = 16;
    if (config_.lora_alpha == 0) config_.lora_alpha = 32;
    if (config_.lora_target_modules.empty()) config_.lora_target_linear = true;
  }

  void apply_templates() {
    if (config_.chat_template == "jinja" && config_.chat_template_jinja.empty()) {
      throw node_["chat_template"].error("chat_template_jinja is missing",
                                         "write its text or the name of a .jinja file");
    }
    if (config_.chat_template.empty() && !config_.chat_template_jinja.empty()) config_.chat_template = "jinja";
  }

  void apply_attention() const {
    for (const char* old : {"flash_attention", "sdp_attention", "xformers_attention", "flex_attention",
                            "sage_attention", "eager_attention"}) {
      if (has("attn_implementation") && is_on(old)) {
        throw node_[old].error("cannot stand together with attn_implementation", "take it out");
      }
    }
    if (has("attn_implementation")) {
      const std::string word = node_["attn_implementation"].as_text();
      if (word == "flash" || word == "sdp" || word == "flex") {
        throw node_["attn_implementation"].error(fmt::format("\"{}\" is a short form", word),
                                                 "write flash_attention_2, sdpa or flex_attention");
      }
    }
    if (is_on("activation_offloading") && !config_.gradient_checkpointing) {
      throw node_["activation_offloading"].error("needs gradient_checkpointing: true");
    }
    int n_losses = 0;
    for (const char* key :
         {"cut_cross_entropy", "chunked_cross_entropy", "liger_cross_entropy", "liger_fused_linear_cross_entropy"}) {
      n_losses += is_on(key) ? 1 : 0;
      if (n_losses > 1) throw node_[key].error("more than one kind of cross-entropy is chosen", "take all but one out");
    }
  }

  void collect_dataset_notices() {
    for (const std::vector<DatasetConfig>* list : {&config_.datasets, &config_.test_datasets}) {
      for (const DatasetConfig& entry : *list) {
        config_.notices.insert(config_.notices.end(), entry.notices.begin(), entry.notices.end());
      }
    }
  }

  const ConfigNode& node_;
  TrainConfig& config_;
};

}  // namespace

void apply_config_rules(const ConfigNode& node, TrainConfig& config) {
  Rules(node, config).apply();
}

}  // namespace understudy
