#include "engine/training/train_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "engine/training/config_rules.h"
#include "engine/training/foreign_keys.h"

namespace understudy {

namespace {

using Node = ConfigNode;

const Fields<SpecialTokens>& special_token_fields() {
  static const Fields<SpecialTokens> fields =
      Fields<SpecialTokens>()
          .field("bos_token", &SpecialTokens::bos, "begins a text")
          .field("eos_token", &SpecialTokens::eos, "ends an answer")
          .field("pad_token", &SpecialTokens::pad, "not used: nothing is padded")
          .field("unk_token", &SpecialTokens::unk, "unknown characters")
          .field("additional_special_tokens", &SpecialTokens::additional, "have to be in the vocabulary");
  return fields;
}

void read_adapter(const Node& node, TrainConfig& config) {
  const std::string word = node.as_text();
  if (word == "lora") {
    config.adapter = AdapterKind::kLora;
    return;
  }
  if (word == "qlora") {
    throw node.error("qlora is not supported: this version trains on f32 and bf16 bases only", "write adapter: lora");
  }
  throw node.error(fmt::format("unknown adapter \"{}\"", word),
                   "write adapter: lora, or leave it out to train all weights");
}

void refuse_quantised(const Node& node, TrainConfig&) {
  if (node.as_bool()) {
    throw node.error("a quantised base is not supported: this version trains on f32 and bf16 bases only",
                     "write false, with adapter: lora");
  }
}

void read_precision(const Node& node, TrainConfig& config) {
  if (node.as_text() == "auto" || node.as_text() == "full") {
    config.precision = node.as_text() == "auto" ? Precision::kAuto : Precision::kBF16;
    return;
  }
  config.precision = node.as_bool() ? Precision::kBF16 : Precision::kF32;
}

void read_float32(const Node& node, TrainConfig& config) {
  if (node.as_bool()) config.precision = Precision::kF32;
}

void refuse_fp16(const Node& node, TrainConfig&) {
  if (node.as_text() == "auto") return;
  if (node.as_bool()) {
    throw node.error("fp16 training is not supported: its range is too small for gradients without loss scaling",
                     "write bf16: auto");
  }
}

void read_checkpointing(const Node& node, TrainConfig& config) {
  const std::string word = node.as_text();
  const bool offload = word == "offload" || word == "offload_disk";
  config.gradient_checkpointing = offload || node.as_bool();
  if (offload) config.notices.push_back(fmt::format("{}: read as true; activations stay in memory", node.where()));
}

void read_targets(const Node& node, TrainConfig& config) {
  config.lora_target_is_pattern = !node.is_list();
  read_value(node, config.lora_target_modules);
  for (const std::string& pattern : config.lora_target_modules) {
    if (pattern.size() > 1000) throw node.error("a pattern of more than 1,000 characters");  // std::regex recurses
    try {
      const std::regex ignored(pattern);
    } catch (const std::regex_error& fault) {
      throw node.error(fmt::format("\"{}\" is not a regular expression: {}", pattern, fault.what()));
    }
  }
}

void read_init(const Node& node, TrainConfig&) {
  if (node.as_text() == "default" || node.as_text() == "kaiming") return;
  static constexpr std::string_view kOthers[] = {"gaussian", "eva", "olora", "pissa", "corda", "loftq", "orthogonal"};
  const bool is_name = std::any_of(std::begin(kOthers), std::end(kOthers),
                                   [&](std::string_view name) { return node.as_text().starts_with(name); });
  if (is_name || !node.as_bool()) {
    throw node.error("not supported: A starts Kaiming-uniform and B zero", "take the line out");
  }
}

void read_long_examples(const Node& node, TrainConfig& config) {
  const std::string word = node.as_text();
  if (word == "drop")
    config.long_examples = LongExamples::kDrop;
  else if (word == "truncate")
    config.long_examples = LongExamples::kTruncate;
  else if (word == "raise")
    config.long_examples = LongExamples::kRaise;
  else
    throw node.error(fmt::format("\"{}\" is not one of drop, truncate, raise", word));
}

void read_optimizer(const Node& node, TrainConfig& config) {
  const std::string word = node.as_text();
  static const std::vector<std::string> kExact = {"adamw_torch", "adamw_torch_fused", "adamw", "adamw_hf"};
  static const std::vector<std::string> kSmaller = {
      "adamw_bnb_8bit",     "adamw_8bit",       "paged_adamw_8bit", "paged_adamw_32bit",
      "paged_adamw",        "adamw_torch_8bit", "adamw_torch_4bit", "adamw_apex_fused",
      "adamw_anyprecision", "ao_adamw_8bit",    "ao_adamw_4bit",    "ao_adamw_fp8",
      "optimi_adamw",       "flash_adamw",      "adamw_torch_xla",  "adamw_torch_npu_fused"};
  if (std::find(kExact.begin(), kExact.end(), word) != kExact.end()) return;
  if (std::find(kSmaller.begin(), kSmaller.end(), word) != kSmaller.end()) {
    config.notices.push_back(fmt::format("{}: {} is AdamW with its moments in f32 here", node.where(), word));
    return;
  }
  throw node.error(fmt::format("optimizer \"{}\" is not supported", word), "write adamw_torch_fused");
}

void read_scheduler(const Node& node, TrainConfig& config) {
  const std::string word = node.as_text();
  if (word == "linear")
    config.lr_scheduler = ScheduleKind::kLinear;
  else if (word == "cosine")
    config.lr_scheduler = ScheduleKind::kCosine;
  else if (word == "constant")
    config.lr_scheduler = ScheduleKind::kConstant;
  else if (word == "constant_with_warmup")
    config.lr_scheduler = ScheduleKind::kConstantWithWarmup;
  else
    throw node.error(fmt::format("schedule \"{}\" is not supported", word),
                     "write linear, cosine, constant or constant_with_warmup");
}

// A whole number from 1: every so many steps. Below 1: that share of all steps.
Recurrence read_every(const Node& node) {
  const double value = node.as_number();
  if (value > 0 && value < 1) return {.every_share = value};
  if (value < 1 || value != static_cast<double>(static_cast<int64_t>(value))) {
    throw node.error("expected a whole number of steps from 1, or a share of all steps below 1");
  }
  return {.every_steps = static_cast<int64_t>(value)};
}

int64_t read_per_epoch(const Node& node) {
  const int64_t n = node.as_integer();
  if (n < 1) throw node.error(fmt::format("expected a whole number from 1, got {}", n));
  return n;
}

void read_flash_attention(const Node& node, TrainConfig& config) {
  if (node.as_bool()) {
    config.notices.push_back(fmt::format(
        "{}: now written attn_implementation; no effect here: this program has its own kernels", node.where()));
  }
}

auto refused(std::string reason, std::string hint) {
  return [reason, hint](const Node& node, TrainConfig&) { throw node.error(reason, hint); };
}

void read_save_safetensors(const Node& node, TrainConfig&) {
  if (!node.as_bool()) throw node.error("weights are always written as safetensors", "take the line out");
}

// Accepted so that what came before this program's own names goes on to work.
void ignore(const Node&, TrainConfig&) {}

Fields<TrainConfig> model_fields() {
  return Fields<TrainConfig>()
      .field("base_model", &TrainConfig::base_model, "a Hugging Face folder: config.json, safetensors, tokenizer")
      .field("model_type", &TrainConfig::model_type, "checked against config.json")
      .special("tokenizer_type", "accepted: the tokenizer's files say what it is", ignore)
      .special("base_model_config", "read by the rules: has to be base_model", ignore)
      .field("tokenizer_config", &TrainConfig::tokenizer_config, "a folder with another tokenizer")
      .field("reinit_weights", &TrainConfig::reinit_weights,
             "pre-training: random weights for base_model's config.json")
      .special("bf16", "auto, true or false: in which type matrices are multiplied", read_precision)
      .special("bfloat16", "as bf16", read_precision)
      .special("float32", "true: as bf16: false", read_float32)
      .special("fp16", "refused", refuse_fp16)
      .special("float16", "refused", refuse_fp16)
      .special("gradient_checkpointing", "keeps less in memory and computes activations twice", read_checkpointing)
      .special("load_in_4bit", "refused", refuse_quantised)
      .special("load_in_8bit", "refused", refuse_quantised)
      .special("adapter", "lora, or empty to train all weights", read_adapter)
      .field("lora_r", &TrainConfig::lora_r, "rank", at_least(1))
      .field("lora_alpha", &TrainConfig::lora_alpha, "scale times rank", above(0.0))
      .field("lora_dropout", &TrainConfig::lora_dropout, "share of A's inputs that is dropped", between(0.0, 0.99))
      .field("lora_target_linear", &TrainConfig::lora_target_linear, "all seven linear maps of a layer")
      .special("lora_target_modules", "names of linear maps, or one regular expression over module paths", read_targets)
      .field("peft_use_rslora", &TrainConfig::rslora, "scale alpha / sqrt(r)")
      .special("peft_init_lora_weights", "only the default", read_init)
      .field("lora_model_dir", &TrainConfig::lora_model_dir, "an adapter to go on with");
}

Fields<TrainConfig> data_fields(Fields<TrainConfig> fields) {
  return std::move(fields)
      .field("datasets", &TrainConfig::datasets, "what to train on")
      .field("test_datasets", &TrainConfig::test_datasets, "what to evaluate on, instead of val_set_size")
      .field("val_set_size", &TrainConfig::val_set_size, "share (below 1) or number of examples kept for evaluation",
             at_least(0.0))
      .field("chat_template", &TrainConfig::chat_template, "tokenizer_default, jinja, or the name of a built-in one")
      .field("chat_template_jinja", &TrainConfig::chat_template_jinja, "Jinja text, or a file that ends in .jinja")
      .special("chat_template_kwargs", "further variables of the template",
               [](const Node& node, TrainConfig& config) { config.chat_template_kwargs = node; })
      .field("eot_tokens", &TrainConfig::eot_tokens, "further tokens that end a turn")
      .field("special_tokens", &TrainConfig::special_tokens, "bos_token, eos_token, pad_token, unk_token")
      .field("train_on_inputs", &TrainConfig::train_on_inputs, "prompts are targets too")
      .field("dataset_exact_deduplication", &TrainConfig::exact_deduplication, "equal examples are kept once")
      .field("shuffle_merged_datasets", &TrainConfig::shuffle_merged_datasets, "shuffle before the validation split")
      .field("curriculum_sampling", &TrainConfig::curriculum_sampling, "keep the file's order")
      .field("sequence_len", &TrainConfig::sequence_len, "tokens of the longest example", at_least<int64_t>(2))
      .field("min_sample_len", &TrainConfig::min_sample_len, "shorter examples are dropped", at_least<int64_t>(1))
      .special("excess_length_strategy", "longer examples: drop, truncate, raise", read_long_examples)
      .field("sample_packing_sequentially", &TrainConfig::sample_packing_sequentially,
             "rows are filled one after the other")
      .field("sample_packing", &TrainConfig::sample_packing, "several examples in a row, each seeing only itself");
}

Fields<TrainConfig> loop_fields(Fields<TrainConfig> fields) {
  return std::move(fields)
      .field("micro_batch_size", &TrainConfig::micro_batch_size, "examples, or rows, computed at once",
             at_least<int64_t>(1))
      .field("gradient_accumulation_steps", &TrainConfig::gradient_accumulation_steps, "micro-batches a step",
             at_least<int64_t>(1))
      .special("batch_size", "micro_batch_size x gradient_accumulation_steps; see the rules", ignore)
      .field("eval_batch_size", &TrainConfig::eval_batch_size, "of evaluation", at_least<int64_t>(1))
      .field("num_epochs", &TrainConfig::num_epochs, "times that each example is seen", above(0.0))
      .field("max_steps", &TrainConfig::max_steps, "wins over num_epochs", at_least<int64_t>(1))
      .special("optimizer", "AdamW by any of its names", read_optimizer)
      .field("learning_rate", &TrainConfig::learning_rate, "the highest of the schedule", above(0.0))
      .special("lr_scheduler", "linear, cosine, constant, constant_with_warmup", read_scheduler)
      .field("cosine_min_lr_ratio", &TrainConfig::cosine_min_lr_ratio, "where cosine ends, as a share",
             between(0.0, 1.0))
      .field("warmup_steps", &TrainConfig::warmup_steps, "steps of linear growth", at_least<int64_t>(0))
      .field("warmup_ratio", &TrainConfig::warmup_ratio, "the same as a share of all steps", between(0.0, 1.0))
      .field("weight_decay", &TrainConfig::weight_decay, "decoupled; not on norms and biases", at_least(0.0))
      .field("max_grad_norm", &TrainConfig::max_grad_norm, "clipping; 0: none", at_least(0.0))
      .field("adam_beta1", &TrainConfig::adam_beta1, "first moment", between(0.0, 0.999999))
      .field("adam_beta2", &TrainConfig::adam_beta2, "second moment", between(0.0, 0.9999999))
      .field("adam_epsilon", &TrainConfig::adam_epsilon, "added to the root", above(0.0))
      .special("eval_steps", "evaluate every so many steps, or that share of all",
               [](const Node& node, TrainConfig& config) { config.evaluations = read_every(node); })
      .special("evals_per_epoch", "evaluate so often an epoch",
               [](const Node& node, TrainConfig& config) { config.evaluations = {.per_epoch = read_per_epoch(node)}; })
      .special("eval_strategy", "no, epoch, steps; see the rules", ignore)
      .special("evaluation_strategy", "old name of eval_strategy", ignore)
      .special("save_steps", "save every so many steps, or that share of all",
               [](const Node& node, TrainConfig& config) { config.saves = read_every(node); })
      .special("saves_per_epoch", "save so often an epoch",
               [](const Node& node, TrainConfig& config) { config.saves = {.per_epoch = read_per_epoch(node)}; })
      .special("save_strategy", "no, epoch, steps, best; see the rules", ignore)
      .special("metric_for_best_model", "eval_loss; see the rules", ignore)
      .special("greater_is_better", "false; see the rules", ignore)
      .field("save_first_step", &TrainConfig::save_first_step, "a checkpoint after step 1")
      .field("save_total_limit", &TrainConfig::save_total_limit, "checkpoints kept", at_least<int64_t>(1))
      .special("save_safetensors", "always", read_save_safetensors)
      .field("early_stopping_patience", &TrainConfig::early_stopping_patience,
             "evaluations without a gain before it stops", at_least<int64_t>(1))
      .field("load_best_model_at_end", &TrainConfig::load_best_model_at_end, "write the weights of the best evaluation")
      .field("loss_watchdog_threshold", &TrainConfig::loss_watchdog_threshold, "a loss above it counts as run wild",
             at_least(0.0))
      .field("loss_watchdog_patience", &TrainConfig::loss_watchdog_patience, "so many in a row stop the run",
             at_least<int64_t>(1))
      .field("logging_steps", &TrainConfig::logging_steps, "a line in the terminal's log every so many steps",
             at_least<int64_t>(1))
      .field("output_dir", &TrainConfig::output_dir, "where everything is written")
      .field("resume_from_checkpoint", &TrainConfig::resume_from_checkpoint, "a checkpoint folder to go on from")
      .field("auto_resume_from_checkpoints", &TrainConfig::auto_resume_from_checkpoints,
             "go on from output_dir's latest")
      .special("seed", "of the order, the random weights and dropout",
               [](const Node& node, TrainConfig& config) { config.seed = static_cast<uint64_t>(node.as_integer()); });
}

Fields<TrainConfig> old_fields(Fields<TrainConfig> fields) {
  for (const char* key : {"flash_attention", "sdp_attention", "xformers_attention", "flex_attention", "sage_attention",
                          "eager_attention"}) {
    std::move(fields).unlisted(key, read_flash_attention);
  }
  for (const char* key : {"dataset_processes", "pretrain_multipack_buffer_size", "sequence_parallel_degree"}) {
    std::move(fields).unlisted(key, [](const Node& node, TrainConfig& config) {
      config.notices.push_back(fmt::format("{}: old key, no effect here", node.where()));
    });
  }
  for (const char* key :
       {"max_packed_sequence_len", "s2_attention", "flash_attn_rms_norm", "rpo_alpha", "dpo_norm_loss",
        "dpo_use_logits_to_keep", "dpo_generate_during_eval", "unsloth_cross_entropy_loss", "unsloth_lora_mlp",
        "unsloth_lora_qkv", "unsloth_lora_o", "unsloth_rms_norm", "unsloth_rope"}) {
    std::move(fields).unlisted(key, refused("this key was removed from the format", "take the line out"));
  }
  std::move(fields)
      .unlisted("noisy_embedding_alpha", refused("noise on embeddings is not built", "take the line out"))
      .unlisted("dpo_beta", refused("only supervised training is built", "take the line out"));
  return fields;
}

}  // namespace

void read_value(const ConfigNode& node, SpecialTokens& value) {
  special_token_fields().read_into(node, value);
}

const Fields<TrainConfig>& train_fields() {
  static const Fields<TrainConfig> fields =
      with_foreign_keys(old_fields(loop_fields(data_fields(model_fields()))), train_foreign_keys());
  return fields;
}

TrainConfig read_train_config(const ConfigNode& node) {
  TrainConfig config = train_fields().read(node);
  config.source = node;
  apply_config_rules(node, config);
  return config;
}

}  // namespace understudy
