#include "engine/training/output_folder.h"

#include <fmt/format.h>

#include "base/files.h"
#include "base/json.h"
#include "engine/training/train_log.h"

namespace understudy {

namespace {

namespace fs = std::filesystem;

Json quantiles_json(const LengthQuantiles& quantiles) {
  return {{"p50", quantiles.p50}, {"p95", quantiles.p95}, {"p99_5", quantiles.p99_5}};
}

void write_dataset_card(const fs::path& folder, const TrainingData& data) {
  const Json json = {
      {"sha256", data.sha256},
      {"rows", data.rows},
      {"train_examples", data.train.size()},
      {"validation_examples", data.validation.size()},
      {"dropped", {{"too_long", data.dropped_long}, {"too_short", data.dropped_short}, {"equal", data.dropped_equal}}},
      {"prompt_tokens", quantiles_json(data.prompt_tokens)},
      {"answer_tokens", quantiles_json(data.answer_tokens)}};
  write_file_atomically(folder / "dataset.json", dump_json_pretty(json));
}

Json read_json(const fs::path& path) {
  return fs::exists(path) ? parse_json(read_file(path, 64 << 20), path.string()) : Json(Json::object());
}

// tokenizer_config.json names the template and the EOS that were trained with.
void write_tokenizer_config(const fs::path& from, const fs::path& folder, const TrainConfig& config) {
  if (!fs::exists(from / "tokenizer_config.json")) return;
  Json json = read_json(from / "tokenizer_config.json");
  json.erase("chat_template");  // chat_template.jinja has it
  if (config.special_tokens.eos) json["eos_token"] = *config.special_tokens.eos;
  if (config.special_tokens.pad) json["pad_token"] = *config.special_tokens.pad;
  write_file_atomically(folder / "tokenizer_config.json", dump_json_pretty(json));
}

// Serving stops at every token that ends a turn in training.
void write_generation_config(const fs::path& from, const fs::path& folder, const TrainingData& data) {
  Json json = read_json(from / "generation_config.json");
  if (data.turn_ends.empty()) return;
  json["eos_token_id"] = data.turn_ends.size() == 1 ? Json(data.turn_ends.front()) : Json(data.turn_ends);
  write_file_atomically(folder / "generation_config.json", dump_json_pretty(json));
}

void write_tokenizer(const fs::path& folder, const TrainConfig& config, const TrainingData& data) {
  const fs::path from = config.tokenizer_config.empty() ? config.base_model : config.tokenizer_config;
  for (const char* name : {"tokenizer.json", "special_tokens_map.json", "added_tokens.json"}) {
    if (fs::exists(from / name)) write_file_atomically(folder / name, read_file(from / name));
  }
  write_tokenizer_config(from, folder, config);
  write_generation_config(from, folder, data);
  if (data.chat_template) write_file_atomically(folder / "chat_template.jinja", *data.chat_template);
}

void write_loss_chart(const fs::path& folder) {
  const LoggedRun run = read_train_log(folder);
  if (run.steps.empty()) return;
  write_file_atomically(folder / "loss.svg", loss_chart(run, fmt::format("Training loss, {} steps", run.steps.size())));
}

}  // namespace

void write_config(const TrainConfig& config) {
  write_file_atomically(fs::path(config.output_dir) / "config.yml", to_yaml(resolved_config(config)));
}

void write_trained(const TrainConfig& config, const TrainingData& data, const Model& model, const Adapter* adapter) {
  const fs::path folder = config.output_dir;
  if (adapter != nullptr) {
    adapter->save_peft(folder, config.base_model);
  } else {
    model.save_hf(folder, config.precision == Precision::kF32 ? DType::kF32 : DType::kBF16);
  }
  write_tokenizer(folder, config, data);
  write_config(config);
  write_dataset_card(folder, data);
  write_loss_chart(folder);
}

}  // namespace understudy
