#include "engine/training/foreign_keys.h"

#include <fmt/format.h>

#include <algorithm>

namespace understudy {

namespace {

constexpr ForeignKind kNoEffect = ForeignKind::kNoEffect;
constexpr ForeignKind kLacking = ForeignKind::kLacking;

constexpr std::string_view kKernels = "this program has its own kernels";
constexpr std::string_view kReports = "reports go to train_log.jsonl and loss.svg";
constexpr std::string_view kOneProcess = "training runs in one process";
constexpr std::string_view kHub = "nothing is sent to or fetched from a hub";
constexpr std::string_view kMemory = "memory is laid out by this program";
constexpr std::string_view kInference = "answers are generated and judged by `understudy eval`, after training";
constexpr std::string_view kRateGroups = "all trained weights share one learning rate";
constexpr std::string_view kPlainLora = "only plain LoRA and rsLoRA over whole layers are built";
constexpr std::string_view kNewTokens = "the vocabulary cannot grow";
constexpr std::string_view kFixedModel = "the model's config.json is used as it is";
constexpr std::string_view kPreference = "only supervised training is built, no preference or reward training";

constexpr ForeignKey kTrainKeys[] = {
    {"dataset_prepared_path", kNoEffect, "data is tokenised at each start, which takes seconds"},
    {"dataset_num_proc", kNoEffect, "tokenising uses every processor"},
    {"dataset_keep_in_memory", kNoEffect, "tokenised data is always in memory"},
    {"shuffle_before_merging_datasets", kNoEffect, "the merged data is shuffled"},
    {"pad_to_sequence_len", kNoEffect, "rows are never padded, and padding would not change the numbers"},
    {"eval_sample_packing", kNoEffect, "evaluation is over every example and does not depend on how they are packed"},
    {"sample_packing_group_size", kNoEffect, "an epoch is packed as one group"},
    {"sample_packing_bin_size", kNoEffect, "a row holds as many examples as fit"},
    {"sample_packing_eff_est", kNoEffect, "steps are counted exactly"},
    {"total_num_tokens", kNoEffect, "tokens are counted exactly"},
    {"multipack_real_batches", kNoEffect, "attention always keeps examples apart"},
    {"remove_unused_columns", kNoEffect, "columns that the type does not name are not read"},
    {"dataloader_pin_memory", kNoEffect, kMemory},
    {"dataloader_num_workers", kNoEffect, kMemory},
    {"dataloader_prefetch_factor", kNoEffect, kMemory},
    {"dataloader_drop_last", kNoEffect, "no example is ever dropped"},
    {"tf32", kNoEffect, kKernels},
    {"attn_implementation", kNoEffect, kKernels},
    {"gradient_checkpointing_kwargs", kNoEffect, kKernels},
    {"activation_offloading", kNoEffect, kMemory},
    {"torch_compile", kNoEffect, kKernels},
    {"torch_compile_backend", kNoEffect, kKernels},
    {"torch_compile_mode", kNoEffect, kKernels},
    {"torch_empty_cache_steps", kNoEffect, kMemory},
    {"gc_collect_steps", kNoEffect, kMemory},
    {"gc_steps", kNoEffect, kMemory},
    {"low_cpu_mem_usage", kNoEffect, kMemory},
    {"lora_on_cpu", kNoEffect, kMemory},
    {"device_map", kNoEffect, kMemory},
    {"max_memory", kNoEffect, kMemory},
    {"gpu_memory_limit", kNoEffect, kMemory},
    {"lora_mlp_kernel", kNoEffect, kKernels},
    {"lora_qkv_kernel", kNoEffect, kKernels},
    {"lora_o_kernel", kNoEffect, kKernels},
    {"lora_embedding_kernel", kNoEffect, kKernels},
    {"fused_attn_kernel", kNoEffect, kKernels},
    {"flash_attn_fuse_mlp", kNoEffect, kKernels},
    {"flash_attn_fuse_qkv", kNoEffect, kKernels},
    {"flash_attn_cross_entropy", kNoEffect, kKernels},
    {"cut_cross_entropy", kNoEffect, kKernels},
    {"chunked_cross_entropy", kNoEffect, kKernels},
    {"liger_rope", kNoEffect, kKernels},
    {"liger_rms_norm", kNoEffect, kKernels},
    {"liger_glu_activation", kNoEffect, kKernels},
    {"liger_layer_norm", kNoEffect, kKernels},
    {"liger_cross_entropy", kNoEffect, kKernels},
    {"liger_fused_linear_cross_entropy", kNoEffect, kKernels},
    {"plugins", kNoEffect, kKernels},
    {"strict", kNoEffect, "unknown keys are always refused"},
    {"use_wandb", kNoEffect, kReports},
    {"wandb_project", kNoEffect, kReports},
    {"wandb_entity", kNoEffect, kReports},
    {"wandb_watch", kNoEffect, kReports},
    {"wandb_name", kNoEffect, kReports},
    {"wandb_run_id", kNoEffect, kReports},
    {"wandb_log_model", kNoEffect, kReports},
    {"wandb_mode", kNoEffect, kReports},
    {"use_mlflow", kNoEffect, kReports},
    {"mlflow_tracking_uri", kNoEffect, kReports},
    {"mlflow_experiment_name", kNoEffect, kReports},
    {"mlflow_run_name", kNoEffect, kReports},
    {"hf_mlflow_log_artifacts", kNoEffect, kReports},
    {"use_comet", kNoEffect, kReports},
    {"comet_project_name", kNoEffect, kReports},
    {"use_tensorboard", kNoEffect, kReports},
    {"report_to", kNoEffect, kReports},
    {"include_tkps", kNoEffect, "tokens a second are always reported"},
    {"profiler_steps", kNoEffect, kReports},
    {"hub_model_id", kNoEffect, kHub},
    {"hub_strategy", kNoEffect, kHub},
    {"hf_use_auth_token", kNoEffect, kHub},
    {"push_dataset_to_hub", kNoEffect, kHub},
    {"revision_of_model", kNoEffect, kHub},
    {"trust_remote_code", kNoEffect, "no code of a model's folder is ever run"},
    {"is_llama_derived_model", kNoEffect, "the family stands in config.json"},
    {"is_mistral_derived_model", kNoEffect, "the family stands in config.json"},
    {"is_qwen_derived_model", kNoEffect, "the family stands in config.json"},
    {"is_falcon_derived_model", kNoEffect, "the family stands in config.json"},
    {"tokenizer_use_fast", kNoEffect, "there is one tokenizer"},
    {"tokenizer_legacy", kNoEffect, "there is one tokenizer"},
    {"shrink_embeddings", kNoEffect, "the vocabulary keeps its size"},
    {"deepspeed", kNoEffect, kOneProcess},
    {"fsdp", kNoEffect, kOneProcess},
    {"fsdp_config", kNoEffect, kOneProcess},
    {"fsdp_version", kNoEffect, kOneProcess},
    {"fsdp_final_state_dict_type", kNoEffect, kOneProcess},
    {"local_rank", kNoEffect, kOneProcess},
    {"ddp", kNoEffect, kOneProcess},
    {"ddp_timeout", kNoEffect, kOneProcess},
    {"ddp_bucket_cap_mb", kNoEffect, kOneProcess},
    {"ddp_broadcast_buffers", kNoEffect, kOneProcess},
    {"ddp_find_unused_parameters", kNoEffect, kOneProcess},
    {"world_size", kNoEffect, kOneProcess},
    {"debug", kNoEffect, "there is no debug mode"},
    {"test_value", kNoEffect, "a value of Axolotl's own tests"},
    {"bnb_config_kwargs", kNoEffect, "no quantised base is trained"},
    {"optim_target_modules", kLacking, kRateGroups},
    {"group_by_length", kLacking, "use sample_packing, which wastes no padding either"},
    {"neftune_noise_alpha", kLacking, "noise on embeddings is not built"},
    {"label_smoothing_factor", kLacking, "label smoothing is not built"},
    {"lora_modules_to_save", kLacking,
     "an adapter cannot train embed_tokens or lm_head; leave `adapter` out to train all weights"},
    {"lora_target_parameters", kLacking, kPlainLora},
    {"lora_fan_in_fan_out", kLacking, kPlainLora},
    {"lora_rank_pattern", kLacking, kPlainLora},
    {"lora_alpha_pattern", kLacking, kPlainLora},
    {"lora_bias", kLacking, kPlainLora},
    {"peft_use_dora", kLacking, kPlainLora},
    {"peft_autocast_adapter_dtype", kNoEffect, "adapters are always trained in f32"},
    {"peft_layers_to_transform", kLacking, kPlainLora},
    {"peft_layers_pattern", kLacking, kPlainLora},
    {"peft_trainable_token_indices", kLacking, kPlainLora},
    {"peft_ensure_weight_tying", kLacking, kPlainLora},
    {"peft", kLacking, kPlainLora},
    {"relora", kLacking, kPlainLora},
    {"relora_steps", kLacking, kPlainLora},
    {"loraplus_lr_ratio", kLacking, kRateGroups},
    {"loraplus_lr_embedding", kNoEffect, "it acts only together with loraplus_lr_ratio"},
    {"embedding_lr", kLacking, kRateGroups},
    {"embedding_lr_scale", kLacking, kRateGroups},
    {"lr_groups", kLacking, kRateGroups},
    {"unfrozen_parameters", kLacking, "either an adapter trains or all weights do"},
    {"optim_args", kLacking, "write adam_beta1, adam_beta2 and adam_epsilon"},
    {"lr_scheduler_kwargs", kLacking, "write cosine_min_lr_ratio, warmup_steps or warmup_ratio"},
    {"lr_quadratic_warmup", kLacking, "warm-up is linear"},
    {"cosine_constant_lr_ratio", kLacking, "write cosine_min_lr_ratio alone"},
    {"jagged_restart_steps", kLacking, "the schedule has no restarts"},
    {"adam_beta3", kLacking, "AdamW has two betas"},
    {"auto_find_batch_size", kLacking, "write micro_batch_size"},
    {"tokens", kLacking, kNewTokens},
    {"added_tokens_overrides", kLacking, kNewTokens},
    {"resize_token_embeddings_to_32x", kLacking, kNewTokens},
    {"mean_resizing_embeddings", kNoEffect, kNewTokens},
    {"model_config", kLacking, kFixedModel},
    {"overrides_of_model_config", kLacking, kFixedModel},
    {"overrides_of_model_kwargs", kLacking, kFixedModel},
    {"rope_scaling", kLacking, kFixedModel},
    {"gptq", kLacking, "a quantised base cannot be trained on yet"},
    {"gptq_disable_exllama", kNoEffect, kKernels},
    {"generate_samples", kLacking, kInference},
    {"num_generation_samples", kNoEffect, kInference},
    {"generation_max_new_tokens", kNoEffect, kInference},
    {"generation_temperature", kNoEffect, kInference},
    {"eval_table_size", kLacking, kInference},
    {"eval_max_new_tokens", kNoEffect, kInference},
    {"do_causal_lm_eval", kLacking, kInference},
    {"eval_causal_lm_metrics", kLacking, kInference},
    {"do_bench_eval", kLacking, kInference},
    {"eval_sequence_len", kLacking, "evaluation uses sequence_len"},
    {"dynamic_checkpoint", kLacking, "Ctrl-C or SIGTERM writes a checkpoint at any time"},
    {"save_only_model", kLacking, "a checkpoint without optimizer state could not be resumed"},
    {"pretraining_dataset", kLacking, "write datasets with type: completion"},
    {"streaming", kLacking, "data is read whole; write datasets with type: completion"},
    {"streaming_multipack_buffer_size", kNoEffect, "nothing is streamed"},
    {"skip_prepare_dataset", kLacking, "data is tokenised here"},
    {"dataset_shard_num", kLacking, "write split: train[:20%]"},
    {"default_system_message", kLacking, "write the system turn into the rows"},
    {"rl", kLacking, kPreference},
    {"rl_beta", kLacking, kPreference},
    {"reward_model", kLacking, kPreference},
    {"process_reward_model", kLacking, kPreference},
    {"trl", kLacking, kPreference},
    {"kto_desirable_weight", kLacking, kPreference},
    {"kto_undesirable_weight", kLacking, kPreference},
    {"orpo_alpha", kLacking, kPreference},
    {"kd_trainer", kLacking, "training on a teacher's probabilities is not built"},
    {"qat", kLacking, "quantisation-aware training is not built"},
    {"quantization", kLacking, "`understudy export --type q8_0` quantises after training"},
    {"fp8", kLacking, "products are in f32 or bf16"},
    {"context_parallel_size", kLacking, kOneProcess},
    {"tensor_parallel_size", kLacking, kOneProcess},
    {"dp_shard_size", kLacking, kOneProcess},
    {"dp_replicate_size", kLacking, kOneProcess},
    {"processor_type", kLacking, "only text is trained on"},
};

constexpr ForeignKey kDatasetKeys[] = {
    {"name", kLacking, "only local files are read"},
    {"revision", kNoEffect, kHub},
    {"trust_remote_code", kNoEffect, "no code of a dataset's folder is ever run"},
    {"preprocess_shards", kNoEffect, "data is read whole"},
    {"shards", kLacking, "write split: train[:20%]"},
    {"shards_idx", kLacking, "write split: train[:20%]"},
    {"message_field_training_detail", kLacking, "character spans are not built; use message_field_training"},
    {"template_thinking_key", kNoEffect, "templates call it reasoning_content"},
    {"split_thinking", kLacking, "write the reasoning into its own field"},
    {"conversation", kLacking, "write chat_template"},
    {"input_format", kLacking, "write a mapping under type"},
    {"input_transform", kLacking, "write a mapping under type"},
    {"temperature", kLacking, "training on a teacher's probabilities is not built"},
    {"logprobs_field", kLacking, "training on a teacher's probabilities is not built"},
};

bool is_off(const ForeignKey& key, const ConfigNode& node) {
  if (node.is_null()) return true;
  if (node.is_list()) return node.items().empty();
  if (node.is_map()) return node.members().empty();
  const std::string text = node.as_text();
  if (key.note == kOneProcess && text == "1") return true;
  static constexpr std::string_view kOff[] = {"false", "False", "FALSE", "no", "off", "0", "0.0", "none", "None", ""};
  return std::find(std::begin(kOff), std::end(kOff), text) != std::end(kOff);
}

}  // namespace

std::span<const ForeignKey> train_foreign_keys() {
  return kTrainKeys;
}
std::span<const ForeignKey> dataset_foreign_keys() {
  return kDatasetKeys;
}

std::string read_foreign_key(const ForeignKey& key, const ConfigNode& node) {
  const bool off = is_off(key, node);
  if (key.kind == ForeignKind::kLacking && !off) {
    throw node.error(fmt::format("not supported: {}", key.note), "take the line out");
  }
  return off ? std::string() : fmt::format("{}: no effect here: {}", node.where(), key.note);
}

}  // namespace understudy
