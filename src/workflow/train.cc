#include "workflow/train.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/files.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/units.h"
#include "engine/training/lora_targets.h"
#include "engine/training/output_folder.h"

namespace understudy {

namespace {

namespace fs = std::filesystem;

uint64_t resident_bytes() {  // of this process; 0 where the system does not say
  std::ifstream file("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

void require_local_model(const TrainConfig& config) {
  if (fs::is_directory(config.base_model)) return;
  throw config.source["base_model"].error(
      fmt::format("{}: no such folder", config.base_model),
      "models are not downloaded: name a folder with config.json, weights and tokenizer");
}

// Only to notice that another base lies under the same name: the config's bytes and the sizes of the weight files.
std::string base_identity(const fs::path& folder) {
  std::string text = read_file(folder / "config.json", 16 << 20);
  std::vector<std::string> sizes;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".safetensors") continue;
    sizes.push_back(fmt::format("\n{} {}", entry.path().filename().string(), entry.file_size()));
  }
  std::sort(sizes.begin(), sizes.end());
  for (const std::string& size : sizes) text += size;
  return sha256_hex(text);
}

void check_model_type(const TrainConfig& config, const ModelConfig& model) {
  if (config.model_type.empty() || config.model_type.starts_with("Auto")) return;
  std::string family(to_string(model.family));
  family.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(family.front())));
  if (config.model_type != family + "ForCausalLM") {
    log_warning(fmt::format("{}: is {}, but config.json says {}", config.source["model_type"].where(),
                            config.model_type, family));
  }
}

void check_sizes(const TrainConfig& config, const ModelConfig& model, const Tokenizer& tokenizer) {
  if (static_cast<int64_t>(tokenizer.vocab_size()) > model.vocab_size) {
    throw config.source["base_model"].error(
        fmt::format("the tokenizer has {} tokens, the model only {}", tokenizer.vocab_size(), model.vocab_size),
        "use the tokenizer that came with the model");
  }
  if (config.sequence_len > model.max_positions) {
    log_warning(fmt::format("sequence_len {} is more than the model's max_position_embeddings {}", config.sequence_len,
                            model.max_positions));
  }
}

std::shared_ptr<Model> load_model(const TrainConfig& config) {
  const ModelConfig shape = ModelConfig::from_hf_folder(config.base_model);
  check_model_type(config, shape);
  if (config.reinit_weights) return Model::random(shape, config.seed, {.compute = Compute::kF32});
  Compute compute = config.precision == Precision::kBF16 ? Compute::kBF16 : Compute::kF32;
  if (config.precision == Precision::kAuto) compute = fastest_compute();
  if (config.adapter == AdapterKind::kNone) compute = Compute::kF32;  // weights that train are kept whole
  return Model::load(config.base_model, {.compute = compute});
}

std::shared_ptr<Adapter> make_adapter(const TrainConfig& config, const ModelConfig& model) {
  if (config.adapter == AdapterKind::kNone) return nullptr;
  if (config.lora_model_dir.empty()) {
    return Adapter::create(model,
                           {.rank = config.lora_r,
                            .alpha = config.lora_alpha,
                            .dropout = config.lora_dropout,
                            .rank_stabilised = config.rslora,
                            .targets = lora_targets(config, model)},
                           config.seed);
  }
  std::shared_ptr<Adapter> adapter = Adapter::load(config.lora_model_dir, model);
  const LoraSettings& given = adapter->settings();
  const bool r_differs = !config.source["lora_r"].is_null() && config.lora_r != given.rank;
  const bool alpha_differs = !config.source["lora_alpha"].is_null() && config.lora_alpha != given.alpha;
  if (r_differs || alpha_differs) {
    log_warning(fmt::format("{}: its own rank {} and alpha {} hold, not the config's", config.lora_model_dir,
                            given.rank, given.alpha));
  }
  return adapter;
}

void report_data(const TrainConfig& config, const TrainingData& data) {
  for (const std::string& notice : data.notices) log_notice(notice);
  log_notice(fmt::format("data: {} rows; {} examples to train on, {} to evaluate on", data.rows, data.train.size(),
                         data.validation.size()));
  if (data.dropped_long > 0) {
    log_warning(fmt::format("{} examples are longer than sequence_len {} and were {}", data.dropped_long,
                            config.sequence_len, config.long_examples == LongExamples::kTruncate ? "cut" : "left out"));
  }
  if (data.dropped_short > 0)
    log_notice(
        fmt::format("{} examples shorter than {} tokens were left out", data.dropped_short, config.min_sample_len));
  if (data.dropped_equal > 0)
    log_notice(fmt::format("{} examples that stood there already were left out", data.dropped_equal));
}

void report_plan(const TrainConfig& config, const Trainer& trainer, int64_t n_parameters, int64_t first_step) {
  const BatchPlan& plan = trainer.plan();
  log_notice(fmt::format("plan: {} steps, {:.3g} epochs, warm-up {} steps; {} trained parameters{}", plan.n_steps(),
                         plan.epoch(plan.n_steps()), trainer.schedule().warmup,
                         format_count(static_cast<double>(n_parameters)),
                         first_step > 0 ? fmt::format("; goes on after step {}", first_step) : ""));
  if (config.evaluations.at_epoch_ends && config.source["eval_strategy"].is_null())
    log_notice("evaluation: at each epoch's end");
}

// Draws what the trainer reports.
class ProgressReport {
 public:
  ProgressReport(const TrainConfig& config, TrainResult& result, const ProgressOptions& options, int64_t n_steps)
      : result_(result),
        n_steps_(n_steps),
        logging_steps_(config.logging_steps > 0 ? config.logging_steps : std::clamp<int64_t>(n_steps / 200, 1, 10)),
        line_("train", static_cast<double>(n_steps), options) {}

  void begin_at(int64_t step) {
    if (step > 0) line_.resumed_from(static_cast<double>(step));
  }

  void on_step(const StepReport& report) {
    result_.last_loss = report.loss;
    last_ = fields(report);
    if (report.step % logging_steps_ == 0 || report.step == n_steps_)
      line_.update(static_cast<double>(report.step), last_);
  }

  void on_evaluation(const EvaluationReport& report) {
    if (report.step == 0) result_.first_eval_loss = report.loss;
    result_.last_eval_loss = report.loss;
    line_.note(fmt::format("step {}: evaluation loss {:.4f} over {} targets of {} examples", report.step, report.loss,
                           report.targets, report.examples));
  }

  void note(const std::string& text) { line_.note(text); }
  void finish() { line_.finish(last_); }

 private:
  static ProgressLine::Fields fields(const StepReport& report) {
    return {{"loss", fmt::format("{:.4f}", report.loss)},
            {"lr", fmt::format("{:.3g}", report.learning_rate)},
            {"tokens/s", format_count(report.tokens_per_second)},
            {"memory", format_bytes(resident_bytes())}};
  }

  TrainResult& result_;
  int64_t n_steps_;
  int64_t logging_steps_;
  ProgressLine::Fields last_;
  ProgressLine line_;
};

int64_t trained_parameters(const Model& model, const Adapter* adapter) {
  return adapter != nullptr ? adapter->parameters() : model.config().parameters();
}

}  // namespace

TrainResult train(const TrainConfig& config, const TrainStepOptions& options, const std::stop_token& stop) {
  for (const std::string& notice : config.notices) log_notice(notice);
  require_local_model(config);
  const std::shared_ptr<const Tokenizer> tokenizer =
      Tokenizer::load(config.tokenizer_config.empty() ? config.base_model : config.tokenizer_config);
  check_sizes(config, ModelConfig::from_hf_folder(config.base_model), *tokenizer);
  const TrainingData data = load_training_data(config, tokenizer, {.allow_no_stop = options.allow_no_stop});
  report_data(config, data);
  const std::shared_ptr<Model> model = load_model(config);
  const std::shared_ptr<Adapter> adapter = make_adapter(config, model->config());

  TrainResult result{.output_dir = config.output_dir,
                     .train_examples = static_cast<int64_t>(data.train.size()),
                     .validation_examples = static_cast<int64_t>(data.validation.size()),
                     .trained_parameters = trained_parameters(*model, adapter.get())};
  std::optional<ProgressReport> progress;
  Trainer trainer(
      config, data, model, adapter, {.force = options.force, .base_sha256 = base_identity(config.base_model)},
      {.on_step = [&progress](const StepReport& report) { progress->on_step(report); },
       .on_evaluation = [&progress](const EvaluationReport& report) { progress->on_evaluation(report); },
       .on_note = [&progress](const std::string& line) { progress ? progress->note(line) : log_notice(line); }});
  const int64_t first_step = trainer.resume();
  report_plan(config, trainer, result.trained_parameters, first_step);
  write_config(config);
  progress.emplace(config, result, options.progress, trainer.plan().n_steps());
  progress->begin_at(first_step);
  const TrainOutcome outcome = trainer.run(stop);
  progress->finish();
  write_trained(config, data, *model, adapter.get());

  result.steps = outcome.state.step;
  result.planned_steps = outcome.n_steps;
  result.tokens = outcome.state.tokens;
  result.seconds = outcome.state.seconds;
  result.best_eval_loss = outcome.state.best_loss;
  result.stop_reason = outcome.stop_reason;
  return result;
}

}  // namespace understudy
