#include "engine/training/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "base/hash.h"
#include "base/json.h"
#include "base/random.h"
#include "engine/ops/optimizer.h"

namespace understudy {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr uint64_t kDropoutStream = 0x64726F70;  // "drop"
constexpr double kClipEpsilon = 1e-6;            // as torch.nn.utils.clip_grad_norm_ has it

BatchPlan make_plan(const TrainConfig& config, const TrainingData& data) {
  std::vector<int32_t> lengths;
  std::vector<int32_t> targets;
  for (int64_t i = 0; i < data.examples.size(); ++i) {
    lengths.push_back(static_cast<int32_t>(data.examples.length(i)));
    targets.push_back(data.examples.targets(i));
  }
  return BatchPlan::make(data.train, lengths, targets,
                         {.packing = config.sample_packing,
                          .row_tokens = config.micro_batch_size * config.sequence_len,
                          .micro_batch_size = config.micro_batch_size,
                          .accumulation = config.gradient_accumulation_steps,
                          .keep_order = config.curriculum_sampling,
                          .sequential = config.sample_packing_sequentially,
                          .epochs = config.num_epochs,
                          .max_steps = config.max_steps,
                          .seed = config.seed});
}

std::span<float> floats(TensorView view) {
  return {view.f32(), static_cast<size_t>(view.shape.elements())};
}

bool contains(const std::vector<int64_t>& steps, int64_t step) {
  return std::binary_search(steps.begin(), steps.end(), step);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

Trainer::Trainer(const TrainConfig& config, const TrainingData& data, std::shared_ptr<Model> model,
                 std::shared_ptr<Adapter> adapter, TrainerOptions options, TrainerEvents events)
    : config_(config),
      data_(data),
      model_(std::move(model)),
      adapter_(std::move(adapter)),
      options_(std::move(options)),
      events_(std::move(events)),
      output_dir_(config.output_dir),
      plan_(make_plan(config, data)),
      graph_(model_, adapter_, {.recompute = config.gradient_checkpointing, .dropout = config.lora_dropout}),
      moments_(graph_.parameters()) {
  schedule_ = {.kind = config.lr_scheduler,
               .base_rate = config.learning_rate,
               .total = plan_.n_steps(),
               .warmup = warmup_steps(plan_.n_steps(), config.warmup_steps, config.warmup_ratio),
               .min_rate_ratio = config.cosine_min_lr_ratio};
  evaluation_steps_ = due_steps(config.evaluations, plan_.epoch_ends(), true);
  save_steps_ = due_steps(config.saves, plan_.epoch_ends(), false);
  if (config.save_first_step && !contains(save_steps_, 1)) save_steps_.insert(save_steps_.begin(), 1);
  identity_.settings = dump_json(decisive_settings(config));
  identity_.data_sha256 = sha256_hex(data.examples.sha256(data.train) + data.examples.sha256(data.validation));
  identity_.base_sha256 = options_.base_sha256;
}

Trainer::~Trainer() = default;

void Trainer::note(const std::string& line) const {
  if (events_.on_note) events_.on_note(line);
}

bool Trainer::is_evaluation_due() const {
  if (config_.evaluations.is_never() || state_.evaluated_step == state_.step) return false;
  return state_.step == 0 || contains(evaluation_steps_, state_.step);  // at 0: the base model's loss
}

bool Trainer::is_save_due() const {
  return saved_step_ != state_.step && contains(save_steps_, state_.step);
}

bool Trainer::keeps_best() const {
  return config_.load_best_model_at_end || config_.save_strategy == SaveStrategy::kBest;
}

std::optional<fs::path> Trainer::checkpoint_to_resume() const {
  if (!config_.resume_from_checkpoint.empty()) {
    if (!fs::exists(fs::path(config_.resume_from_checkpoint) / "trainer_state.json")) {
      throw config_.source["resume_from_checkpoint"].error(
          fmt::format("{}: no checkpoint there", config_.resume_from_checkpoint), "name a folder checkpoint-<step>");
    }
    const fs::path given = config_.resume_from_checkpoint;
    return given.has_filename() ? given : given.parent_path();  // "checkpoint-5/" is "checkpoint-5"
  }
  const std::vector<int64_t> steps = checkpoint_steps(output_dir_);
  if (steps.empty()) return std::nullopt;
  if (config_.auto_resume_from_checkpoints) return checkpoint_path(output_dir_, steps.back());
  note(fmt::format(
      "{} holds checkpoints of an earlier run; this one begins anew (--auto_resume_from_checkpoints=true goes on)",
      output_dir_.string()));
  return std::nullopt;
}

int64_t Trainer::resume() {
  remove_leftovers(output_dir_);
  const std::optional<fs::path> checkpoint = checkpoint_to_resume();
  if (!checkpoint) return 0;
  const CheckpointState read = read_checkpoint_state(*checkpoint);
  const std::vector<std::string> changes = differences(read.identity, identity_);
  if (!changes.empty() && !options_.force) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: this run is not the one that wrote the checkpoint: {}", checkpoint->string(),
                            fmt::join(changes, "; ")),
                "restore what changed, take the resume key out, or go on nevertheless with --force");
  }
  if (read.state.step > plan_.n_steps()) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: is at step {}, the run has {}", checkpoint->string(),
                                                      read.state.step, plan_.n_steps()));
  }
  restore_parameters(*checkpoint, graph_.parameters());
  restore_moments(*checkpoint, graph_.parameters(), moments_);
  state_ = read.state;
  if (fs::weakly_canonical(*checkpoint) == fs::weakly_canonical(checkpoint_path(output_dir_, state_.step))) {
    saved_step_ = state_.step;
  }
  forget_best_elsewhere();
  return state_.step;
}

// Taken up in another folder, the best weights so far are out of reach: the next evaluation is the best again.
void Trainer::forget_best_elsewhere() {
  if (!keeps_best() || fs::exists(checkpoint_path(output_dir_, state_.best_step))) return;
  state_.best_loss.reset();
  state_.best_step = 0;
}

TrainOutcome Trainer::run(const std::stop_token& stop) {
  log_ = std::make_unique<TrainLog>(output_dir_, state_.log_bytes);
  for (;;) {
    if (is_evaluation_due() && !evaluate(stop)) throw interrupted();
    if (is_save_due()) save();
    if (state_.step == plan_.n_steps() || state_.is_stopped_early) break;
    if (!train_step(state_.step + 1, stop)) throw interrupted();
  }
  log_->sync();
  if (config_.load_best_model_at_end && state_.best_step > 0 && state_.best_step != state_.step) {
    restore_parameters(checkpoint_path(output_dir_, state_.best_step), graph_.parameters());
    note(fmt::format("the weights of step {} are kept: the best evaluation, loss {:.4f}", state_.best_step,
                     *state_.best_loss));
  }
  return {state_, plan_.n_steps(), stop_reason_};
}

Error Trainer::interrupted() {
  if (saved_step_ != state_.step) save();
  return Error(ErrorCode::kCancelled,
               fmt::format("stopped after step {} of {}; {} written", state_.step, plan_.n_steps(),
                           checkpoint_path(output_dir_, state_.step).string()),
               "the same command with --auto_resume_from_checkpoints=true goes on there");
}

// One update from all micro-batches of the step. The state changes only once it is done, so that a stop in between
// loses nothing.
bool Trainer::train_step(int64_t step, const std::stop_token& stop) {
  const Clock::time_point start = Clock::now();
  const double scale = 1.0 / static_cast<double>(plan_.targets(step));
  const Random dropout(config_.seed, kDropoutStream + static_cast<uint64_t>(step));
  graph_.zero_gradients();
  double sum = 0;
  for (int64_t i = 0; i < plan_.n_micro_batches(step); ++i) {
    if (stop.stop_requested()) return false;
    data_.examples.fill(plan_.micro_batch(step, i), rows_);
    sum += graph_.forward_backward(rows_, scale, dropout.at(static_cast<uint64_t>(i)));
  }
  if (stop.stop_requested()) return false;
  const double rate = understudy::learning_rate(schedule_, step);
  const double loss = sum * scale;
  if (!std::isfinite(loss)) {
    throw Error(ErrorCode::kInternal, fmt::format("step {}: the loss is {}: the run has gone wild", step, loss),
                "use a smaller learning_rate; the checkpoints of earlier steps are whole");
  }
  const double norm = apply_gradients(step, rate);
  const double seconds = seconds_since(start);
  state_.step = step;
  state_.tokens += plan_.tokens(step);
  state_.seconds += seconds;
  const StepReport report{step, loss,          norm,
                          rate, state_.tokens, static_cast<double>(plan_.tokens(step)) / std::max(seconds, 1e-9)};
  log_->append(report);
  if (events_.on_step) events_.on_step(report);
  watch(loss);
  return true;
}

// Clips and updates; returns the norm before clipping.
double Trainer::apply_gradients(int64_t step, double rate) {
  std::vector<Parameter>& parameters = graph_.parameters();
  double squares = 0;
  for (const Parameter& parameter : parameters) squares += sum_of_squares(floats(parameter.gradient));
  const double norm = std::sqrt(squares);
  if (!std::isfinite(norm)) {
    throw Error(ErrorCode::kInternal,
                fmt::format("step {}: the gradient's norm is {}: the run has gone wild", step, norm),
                "use a smaller learning_rate; the checkpoints of earlier steps are whole");
  }
  AdamWStep adam{.learning_rate = rate,
                 .beta1 = config_.adam_beta1,
                 .beta2 = config_.adam_beta2,
                 .epsilon = config_.adam_epsilon,
                 .step = step};
  if (config_.max_grad_norm > 0) adam.gradient_scale = std::min(1.0, config_.max_grad_norm / (norm + kClipEpsilon));
  for (size_t i = 0; i < parameters.size(); ++i) {
    adam.weight_decay = parameters[i].decays ? config_.weight_decay : 0;
    adamw(adam, floats(parameters[i].value), floats(parameters[i].gradient), floats(moments_.first[i].view()),
          floats(moments_.second[i].view()));
  }
  return norm;
}

// Every example counts by its targets, whatever the batches: sum of losses over sum of targets.
bool Trainer::evaluate(const std::stop_token& stop) {
  const int64_t batch = config_.eval_batch_size > 0 ? config_.eval_batch_size : config_.micro_batch_size;
  std::vector<int32_t> lengths(static_cast<size_t>(data_.examples.size()));
  for (const int32_t i : data_.validation)
    lengths[static_cast<size_t>(i)] = static_cast<int32_t>(data_.examples.length(i));
  const auto batches = pack_in_order(data_.validation, lengths, batch * config_.sequence_len);
  EvaluationReport report{.step = state_.step, .examples = static_cast<int64_t>(data_.validation.size())};
  double sum = 0;
  for (const std::vector<int32_t>& examples : batches) {
    if (stop.stop_requested()) return false;
    data_.examples.fill(examples, rows_);
    sum += graph_.loss(rows_);
    report.targets += rows_.n_targets();
  }
  report.loss = sum / static_cast<double>(report.targets);
  state_.evaluated_step = state_.step;
  log_->append(report);
  if (events_.on_evaluation) events_.on_evaluation(report);
  if (state_.step > 0) judge(report);
  return true;
}

void Trainer::judge(const EvaluationReport& report) {
  if (!state_.best_loss || report.loss < *state_.best_loss) {
    state_.best_loss = report.loss;
    state_.best_step = report.step;
    state_.evaluations_without_gain = 0;
    if (keeps_best()) save();
    return;
  }
  ++state_.evaluations_without_gain;
  if (config_.early_stopping_patience == 0 || state_.evaluations_without_gain < config_.early_stopping_patience) return;
  state_.is_stopped_early = true;
  stop_reason_ = fmt::format("stopped early: no gain in {} evaluations since step {}", state_.evaluations_without_gain,
                             state_.best_step);
}

void Trainer::watch(double loss) {
  if (config_.loss_watchdog_threshold <= 0) return;
  state_.watchdog_count = loss > config_.loss_watchdog_threshold ? state_.watchdog_count + 1 : 0;
  if (state_.watchdog_count < config_.loss_watchdog_patience) return;
  state_.is_stopped_early = true;
  stop_reason_ = fmt::format("stopped by the watchdog: the loss was above {} for {} steps",
                             config_.loss_watchdog_threshold, state_.watchdog_count);
}

void Trainer::save() {
  state_.log_bytes = log_->sync();
  write_checkpoint(output_dir_, state_, identity_, {model_.get(), adapter_.get(), config_.base_model},
                   graph_.parameters(), moments_);
  saved_step_ = state_.step;
  note(fmt::format("checkpoint-{} written", state_.step));
  rotate_checkpoints(output_dir_, state_.step, keeps_best() ? state_.best_step : -1, config_.save_total_limit);
}

}  // namespace understudy
