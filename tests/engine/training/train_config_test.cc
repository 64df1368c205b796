#include "engine/training/train_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/support/file_faults.h"

namespace understudy::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kBase =
    "base_model: model\n"
    "datasets: [{path: a.jsonl, type: alpaca}]\n"
    "learning_rate: 2e-4\n"
    "micro_batch_size: 2\n"
    "gradient_accumulation_steps: 4\n";

TrainConfig read(const std::string& more) {
  return read_train_config(ConfigNode::parse(kBase + more, "train.yml"));
}

Error refused(const std::string& more) {
  return error_of([&] { (void)read(more); });
}

TEST(TrainConfig, DefaultsAreAxolotls) {
  const TrainConfig config = read("");
  EXPECT_EQ(config.sequence_len, 512);
  EXPECT_EQ(config.num_epochs, 1);
  EXPECT_EQ(config.max_grad_norm, 1.0);
  EXPECT_EQ(config.save_total_limit, 4);
  EXPECT_EQ(config.seed, 42u);
  EXPECT_EQ(config.weight_decay, 0);
  EXPECT_EQ(config.lr_scheduler, ScheduleKind::kCosine);
  EXPECT_EQ(config.adapter, AdapterKind::kNone);
  EXPECT_EQ(config.precision, Precision::kAuto);
  EXPECT_EQ(config.save_strategy, SaveStrategy::kEpoch);
  EXPECT_TRUE(config.saves.at_epoch_ends);
  EXPECT_TRUE(config.evaluations.is_never());
  EXPECT_THAT(config.notices, IsEmpty());
}

// A plain file as Axolotl's examples have it: all of its keys are accepted, empty ones mean "not set".
TEST(TrainConfig, ATypicalExampleIsRead) {
  const TrainConfig config = read_train_config(ConfigNode::parse(R"(
base_model: NousResearch/Llama-3.2-1B
model_type: LlamaForCausalLM
tokenizer_type: AutoTokenizer
hub_model_id:
load_in_8bit: false
load_in_4bit: false
strict: false
datasets:
  - path: teknium/GPT4-LLM-Cleaned
    type: alpaca
dataset_prepared_path: last_run_prepared
val_set_size: 0.1
output_dir: ./outputs/lora-out
adapter: lora
lora_model_dir:
sequence_len: 2048
sample_packing: true
eval_sample_packing: true
pad_to_sequence_len: true
lora_r: 16
lora_alpha: 32
lora_dropout: 0.05
lora_target_modules:
  - gate_proj
  - down_proj
wandb_project:
wandb_entity:
gradient_accumulation_steps: 2
micro_batch_size: 2
num_epochs: 1
optimizer: adamw_8bit
lr_scheduler: cosine
learning_rate: 0.0002
bf16: auto
tf32: false
gradient_checkpointing: true
resume_from_checkpoint:
logging_steps: 1
attn_implementation: flash_attention_2
loss_watchdog_threshold: 5.0
loss_watchdog_patience: 3
warmup_ratio: 0.1
evals_per_epoch: 4
saves_per_epoch: 1
weight_decay: 0.0
special_tokens:
  pad_token: "<|end_of_text|>"
)",
                                                                 "lora-1b.yml"));
  EXPECT_EQ(config.adapter, AdapterKind::kLora);
  EXPECT_EQ(config.lora_r, 16);
  EXPECT_THAT(config.lora_target_modules, ::testing::ElementsAre("gate_proj", "down_proj"));
  EXPECT_FALSE(config.lora_target_is_pattern);
  EXPECT_TRUE(config.sample_packing);
  EXPECT_EQ(config.evaluations.per_epoch, 4);
  EXPECT_EQ(config.saves.per_epoch, 1);
  EXPECT_EQ(config.special_tokens.pad, "<|end_of_text|>");
  EXPECT_THAT(config.notices, Contains(HasSubstr("adamw_8bit is AdamW with its moments in f32")));
  EXPECT_THAT(config.notices, Contains(HasSubstr("lora-1b.yml:12: dataset_prepared_path: no effect here")));
}

TEST(TrainConfig, UnknownKeysNameLineAndTheNearestKeyThatActs) {
  const Error error = refused("lora_rank: 16\n");
  EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
  EXPECT_THAT(error.message(), HasSubstr("train.yml:6: lora_rank: unknown key"));
  EXPECT_THAT(error.hint(), HasSubstr("lora_r"));
  EXPECT_THAT(refused("wamup_ratio: 0.1\n").hint(), HasSubstr("warmup_ratio"));
  const Error nested = error_of(
      [] { (void)read_train_config(ConfigNode::parse("datasets:\n  - path: a\n    tipe: alpaca\n", "t.yml")); });
  EXPECT_THAT(nested.message(), HasSubstr("t.yml:3: datasets[0].tipe: unknown key"));
  EXPECT_THAT(nested.hint(), HasSubstr("type"));
}

TEST(TrainConfig, KnownKeysWithoutEffectAreSaidOnceAndOffValuesNotAtAll) {
  EXPECT_THAT(read("tf32: true\n").notices, ::testing::ElementsAre(HasSubstr("train.yml:6: tf32: no effect here")));
  EXPECT_THAT(read("tf32: false\nneftune_noise_alpha: 0\nlora_modules_to_save: []\nrl: none\n").notices, IsEmpty());
  EXPECT_THAT(read("flash_attention: true\n").notices, Contains(HasSubstr("now written attn_implementation")));
  EXPECT_THAT(read("context_parallel_size: 1\n").notices, IsEmpty());
}

TEST(TrainConfig, KnownKeysWithAMeaningThatIsLackingAreRefusedWithTheReason) {
  EXPECT_THAT(refused("neftune_noise_alpha: 5\n").message(),
              HasSubstr("train.yml:6: neftune_noise_alpha: not supported: noise"));
  EXPECT_THAT(refused("lora_modules_to_save: [embed_tokens]\n").message(), HasSubstr("embed_tokens"));
  EXPECT_THAT(refused("rl: dpo\n").message(), HasSubstr("only supervised training"));
  EXPECT_THAT(refused("peft_use_dora: true\n").message(), HasSubstr("only plain LoRA"));
  EXPECT_THAT(refused("group_by_length: true\n").message(), HasSubstr("sample_packing"));
  EXPECT_THAT(refused("context_parallel_size: 2\n").message(), HasSubstr("one process"));
}

struct Refusal {
  const char* name;
  const char* lines;
  const char* message;
};

class Refusals : public ::testing::TestWithParam<Refusal> {};

TEST_P(Refusals, NameTheKeyAndTheReason) {
  const Error error = refused(GetParam().lines);
  EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
  EXPECT_THAT(error.message(), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    TrainConfig, Refusals,
    ::testing::Values(
        Refusal{"TwoBatches", "batch_size: 8\n", "batch_size: cannot stand together with gradient_accumulation_steps"},
        Refusal{"TwoWarmups", "warmup_steps: 5\nwarmup_ratio: 0.1\n", "warmup_ratio: cannot stand together"},
        Refusal{"TwoSaves", "save_steps: 5\nsaves_per_epoch: 1\n", "cannot stand together with saves_per_epoch"},
        Refusal{"TwoEvaluations", "val_set_size: 0.1\neval_steps: 5\nevals_per_epoch: 1\n", "cannot stand together"},
        Refusal{"SaveStrategy", "save_steps: 5\nsave_strategy: epoch\n", "save_strategy: has to be steps"},
        Refusal{"EvalStrategy", "val_set_size: 0.1\nevals_per_epoch: 2\neval_strategy: epoch\n",
                "eval_strategy: has to be steps"},
        Refusal{"NothingToEvaluate", "eval_steps: 5\n", "eval_steps: nothing to evaluate on"},
        Refusal{"TwoValidations", "val_set_size: 0.1\ntest_datasets: [{path: b}]\n",
                "cannot stand together with val_set_size"},
        Refusal{"ShareOfAll", "val_set_size: 1\n", "val_set_size: 1 is the share of all examples"},
        Refusal{"FourBit", "adapter: lora\nload_in_4bit: true\n", "load_in_4bit: a quantised base is not supported"},
        Refusal{"EightBit", "load_in_8bit: true\n", "load_in_8bit: a quantised base is not supported"},
        Refusal{"Qlora", "adapter: qlora\n", "adapter: qlora is not supported"},
        Refusal{"UnknownAdapter", "adapter: ia3\n", "unknown adapter \"ia3\""},
        Refusal{"BadPattern", "adapter: lora\nlora_target_modules: ['q_(proj']\n", "is not a regular expression"},
        Refusal{"EarlyStopping", "early_stopping_patience: 3\n", "early_stopping_patience: there is no evaluation"},
        Refusal{"BestWithoutMetric", "val_set_size: 0.1\nsave_strategy: best\n", "metric_for_best_model is missing"},
        Refusal{"OtherMetric", "val_set_size: 0.1\nmetric_for_best_model: bleu\n", "\"bleu\" is not measured"},
        Refusal{"JinjaWithoutText", "chat_template: jinja\n", "chat_template_jinja is missing"},
        Refusal{"Offloading", "activation_offloading: true\n", "needs gradient_checkpointing"},
        Refusal{"TwoLosses", "cut_cross_entropy: true\nliger_cross_entropy: true\n",
                "more than one kind of cross-entropy"},
        Refusal{"TwoAttentions", "attn_implementation: sdpa\nflash_attention: true\n",
                "flash_attention: cannot stand together"},
        Refusal{"ShortAttention", "attn_implementation: flash\n", "\"flash\" is a short form"},
        Refusal{"Fp16", "fp16: true\n", "fp16 training is not supported"},
        Refusal{"Optimizer", "optimizer: lion_8bit\n", "optimizer \"lion_8bit\" is not supported"},
        Refusal{"Scheduler", "lr_scheduler: rex\n", "schedule \"rex\" is not supported"},
        Refusal{"Safetensors", "save_safetensors: false\n", "always written as safetensors"},
        Refusal{"Removed", "s2_attention: true\n", "removed from the format"},
        Refusal{"AdapterDir", "lora_model_dir: somewhere\n", "an adapter is given, but adapter is not"},
        Refusal{"RandomBase", "adapter: lora\nreinit_weights: true\n", "random weights"},
        Refusal{"Number", "lora_r: 16a\n", "lora_r: expected a whole number, got \"16a\""},
        Refusal{"EveryHalfStep", "save_steps: 2.5\n", "save_steps: expected a whole number of steps"}),
    [](const auto& info) { return info.param.name; });

TEST(TrainConfig, WhatIsRequiredIsAskedFor) {
  const auto message = [](const std::string& text) {
    return error_of([&] { (void)read_train_config(ConfigNode::parse(text, "t.yml")); }).message();
  };
  EXPECT_THAT(message("learning_rate: 1e-4\n"), HasSubstr("base_model is missing"));
  EXPECT_THAT(message("base_model: m\n"), HasSubstr("datasets is missing"));
  EXPECT_THAT(message("base_model: m\ndatasets: [{path: a}]\n"), HasSubstr("learning_rate is missing"));
  EXPECT_THAT(message("base_model: m\ndatasets: [{path: a}]\nlearning_rate: 1e-4\n"),
              HasSubstr("micro_batch_size is missing"));
  EXPECT_THAT(message("base_model: m\ndatasets: [{type: alpaca}]\n"), HasSubstr("path is missing"));
}

TEST(TrainConfig, BatchSizeIsSplitByTheMicroBatch) {
  const TrainConfig config = read_train_config(ConfigNode::parse(
      "base_model: m\ndatasets: [{path: a}]\nlearning_rate: 1e-4\nbatch_size: 12\nmicro_batch_size: 3\n", "t.yml"));
  EXPECT_EQ(config.gradient_accumulation_steps, 4);
}

TEST(TrainConfig, ValidationWithoutAnIntervalIsEvaluatedAtEpochEnds) {
  EXPECT_TRUE(read("val_set_size: 0.1\n").evaluations.at_epoch_ends);
  EXPECT_TRUE(read("val_set_size: 0.1\neval_strategy: no\n").evaluations.is_never());
  EXPECT_EQ(read("val_set_size: 0.1\nevals_per_epoch: 1\n").evaluations.per_epoch, 1);
}

TEST(TrainConfig, EarlyStoppingKeepsTheBestUnlessToldNotTo) {
  EXPECT_TRUE(read("val_set_size: 0.1\nevals_per_epoch: 4\nearly_stopping_patience: 3\n").load_best_model_at_end);
  EXPECT_FALSE(
      read("val_set_size: 0.1\nearly_stopping_patience: 3\nload_best_model_at_end: false\n").load_best_model_at_end);
}

TEST(TrainConfig, OverridesReachNestedKeysAndNameThemselvesInErrors) {
  ConfigNode node = ConfigNode::parse(kBase, "train.yml");
  node.set("learning_rate", "1e-3", "--learning_rate");
  node.set("special_tokens.eos_token", "<|im_end|>", "--special_tokens.eos_token");
  const TrainConfig config = read_train_config(node);
  EXPECT_EQ(config.learning_rate, 1e-3);
  EXPECT_EQ(config.special_tokens.eos, "<|im_end|>");
  node.set("lora_r", "0", "--lora_r");
  EXPECT_THAT(error_of([&] { (void)read_train_config(node); }).message(),
              AllOf(HasSubstr("--lora_r"), HasSubstr("at least 1")));
}

TEST(TrainConfig, MessageFieldsOfOldAreTranslated) {
  const TrainConfig config =
      read_train_config(ConfigNode::parse("base_model: m\nlearning_rate: 1e-4\nmicro_batch_size: 1\ndatasets:\n"
                                          "  - {path: a, type: chat_template, message_field_role: from, "
                                          "message_field_content: value, roles: {assistant: [bot]}}\n",
                                          "t.yml"));
  EXPECT_EQ(config.datasets[0].message_properties.at("role"), "from");
  EXPECT_EQ(config.datasets[0].message_properties.at("content"), "value");
  EXPECT_EQ(config.datasets[0].roles.at("bot"), "assistant");
  EXPECT_EQ(config.datasets[0].roles.at("gpt"), "assistant");
  EXPECT_EQ(config.notices.size(), 2u);
}

// config.yml is read back as the same config.
TEST(TrainConfig, TheResolvedConfigReadsBackAsTheSame) {
  const TrainConfig config =
      read("adapter: lora\nval_set_size: 0.2\nspecial_tokens: {eos_token: '</s>'}\nbf16: false\n");
  const Json resolved = resolved_config(config);
  const std::string yaml = to_yaml(resolved);
  EXPECT_THAT(yaml, HasSubstr("lora_r: 16\n"));
  EXPECT_THAT(yaml, HasSubstr("max_grad_norm: 1.0\n"));
  const TrainConfig again = read_train_config(ConfigNode::parse(yaml, "config.yml"));
  EXPECT_EQ(dump_json(resolved_config(again)), dump_json(resolved));
  EXPECT_EQ(again.special_tokens.eos, "</s>");
  EXPECT_EQ(again.precision, Precision::kF32);
}

TEST(TrainConfig, WhereARunWritesIsNotDecisiveAndItsRateIs) {
  const Json settings = decisive_settings(read("output_dir: a\nwandb_project: p\nsave_steps: 3\n"));
  EXPECT_FALSE(settings.contains("output_dir"));
  EXPECT_FALSE(settings.contains("wandb_project"));
  EXPECT_FALSE(settings.contains("save_steps"));
  EXPECT_EQ(settings.at("learning_rate"), 2e-4);
}

}  // namespace
}  // namespace understudy::testing
