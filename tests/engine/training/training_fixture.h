// What tests of the trainer share: a small random model with a byte tokenizer in a folder of its own, rows, and runs
// over them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "engine/training/example_types.h"
#include "engine/training/trainer.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace understudy::testing {

// Adds special tokens and a template to the tiny tokenizer; with adds_bos, what it encodes begins with <s>.
inline void extend_tokenizer(const std::filesystem::path& folder, const std::vector<std::string>& specials,
                             const std::string& chat_template, bool adds_bos = false) {
  const std::filesystem::path path = folder / "tokenizer.json";
  Json tokenizer = parse_json(read_file(path), path.string());
  for (const std::string& text : specials) {
    const auto id = static_cast<int>(tokenizer["model"]["vocab"].size());
    tokenizer["model"]["vocab"][text] = id;
    tokenizer["added_tokens"].push_back(special_token(id, text));
  }
  if (adds_bos) tokenizer["post_processor"] = bos_first();
  write_tokenizer(folder, {tokenizer, chat_template});
}

// What making examples needs of the tokenizer in that folder; no chat template of its own.
inline ExampleContext context_of(const std::filesystem::path& folder) {
  ExampleContext context;
  context.tokenizer = Tokenizer::load(folder);
  context.eos = context.tokenizer->eos();
  context.eos_text = context.eos ? context.tokenizer->token_of(*context.eos) : "";
  context.turn_ends = context.tokenizer->stop_tokens();
  return context;
}

// The example's text with each stretch of targets in ⟦ ⟧; the first token is never one.
inline std::string marked_targets(const Tokenizer& tokenizer, const ExampleSet& set, int64_t example = 0) {
  std::string text;
  bool inside = false;
  for (size_t k = 0; k < set.ids(example).size(); ++k) {
    const bool is_target = set.trained(example)[k] != 0;
    if (is_target != inside) text += is_target ? "⟦" : "⟧";
    inside = is_target;
    text += tokenizer.decode(set.ids(example).subspan(k, 1));
  }
  return inside ? text + "⟧" : text;
}

class TrainingFolder {
 public:
  TrainingFolder() {
    std::filesystem::create_directories(model());
    write_tiny_model(small_config(), model());
  }

  static ModelConfig small_config() {
    ModelConfig config = tiny_config(Family::kLlama);
    config.width = 32;
    config.head_dim = 8;
    config.ffn_width = 48;
    config.max_positions = 512;
    return config;
  }

  std::filesystem::path model() const { return folder_ / "model"; }
  std::filesystem::path out() const { return folder_ / "out"; }
  const TemporaryFolder& folder() const { return folder_; }

  // Pre-tokenised rows of the given lengths; about the second half of each is targets.
  std::string rows(const std::vector<int>& lengths, uint64_t seed = 3) const {
    Random random(seed);
    std::string text;
    for (const int length : lengths) {
      Json row = {{"input_ids", Json::array()}, {"labels", Json::array()}};
      for (int i = 0; i < length; ++i) {
        const int64_t id = random.between(2, 257);
        row["input_ids"].push_back(id);
        row["labels"].push_back(i >= length / 2 ? id : int64_t{kNoTarget});
      }
      text += dump_json(row) + "\n";
    }
    return folder_.write("rows.jsonl", text).string();
  }

  TrainConfig config(const std::string& rows, const std::string& more) const {
    const std::string text = "base_model: " + model().string() + "\ndatasets: [{path: " + rows +
                             "}]\noutput_dir: " + out().string() + "\nbf16: false\n" + more;
    ConfigNode node = ConfigNode::parse(text, "train.yml");
    for (const auto& [key, value] : defaults()) {
      if (node[key].is_null()) node.set(key, value, "--" + key);
    }
    return read_train_config(node);
  }

 private:
  static std::map<std::string, std::string> defaults() {
    return {
        {"learning_rate", "1e-3"}, {"micro_batch_size", "1"}, {"sequence_len", "256"}, {"lr_scheduler", "constant"}};
  }
  TemporaryFolder folder_;
};

// One run in this process, as workflow/train.cc makes it.
struct TrainedRun {
  TrainedRun(const TrainConfig& the_config, TrainerEvents events = {}, bool force = false)
      : config(the_config),
        data(load_training_data(config, Tokenizer::load(config.base_model), {})),
        model(Model::load(config.base_model, {})),
        adapter(config.adapter == AdapterKind::kNone
                    ? nullptr
                    : Adapter::create(model->config(),
                                      {.rank = 4, .alpha = 8, .targets = {kLinears.begin(), kLinears.end()}},
                                      config.seed)),
        trainer(config, data, model, adapter, {.force = force, .base_sha256 = "base"}, std::move(events)) {}

  TrainOutcome run(std::stop_token stop = {}) {
    trainer.resume();
    return trainer.run(stop);
  }
  std::vector<float> weights() const {
    std::vector<float> values;
    const auto add = [&values](ConstTensorView view) {
      values.insert(values.end(), view.f32(), view.f32() + view.shape.elements());
    };
    if (adapter == nullptr) {
      for (const Weight* weight : model->weights()) add(weight->data);
      return values;
    }
    for (int64_t layer = 0; layer < model->config().n_layers; ++layer) {
      for (const Linear linear : kLinears) {
        add(adapter->find(layer, linear)->a.view());
        add(adapter->find(layer, linear)->b.view());
      }
    }
    return values;
  }

  TrainConfig config;
  TrainingData data;
  std::shared_ptr<Model> model;
  std::shared_ptr<Adapter> adapter;
  Trainer trainer;
};

inline std::vector<double> losses_of(const TrainConfig& config) {
  std::vector<double> losses;
  for (const StepReport& step : read_train_log(config.output_dir).steps) losses.push_back(step.loss);
  return losses;
}

}  // namespace understudy::testing
