// The room's page. engine/training makes a specialist: it reads a config (train_config.h), turns labelled rows into
// examples (training_data.h), plans the whole run (batch_plan.h) and walks it here, step by step, so that it can be
// stopped and go on at any point (checkpoint.h). It knows no tasks, no money, no HTTP; what to load and where to write
// the result is workflow/train.h's.
//
// Trainer runs on the caller's thread; the operations under the graph spread over the OpenMP team.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "engine/model/training_graph.h"
#include "engine/training/batch_plan.h"
#include "engine/training/checkpoint.h"
#include "engine/training/train_config.h"
#include "engine/training/train_log.h"
#include "engine/training/training_data.h"

namespace understudy {

struct TrainerEvents {  // any may be empty; called on the trainer's thread
  std::function<void(const StepReport&)> on_step;
  std::function<void(const EvaluationReport&)> on_evaluation;
  std::function<void(const std::string&)> on_note;  // "checkpoint-120 written"
};

struct TrainerOptions {
  bool force = false;       // resume although config, data or base have changed
  std::string base_sha256;  // of the base model, for resuming
};

struct TrainOutcome {
  RunState state;
  int64_t n_steps = 0;      // planned
  std::string stop_reason;  // empty where it went to its end
};

class Trainer {
 public:
  // Plans the run. With an adapter only it trains, else the model does. config and data have to outlive the trainer.
  Trainer(const TrainConfig& config, const TrainingData& data, std::shared_ptr<Model> model,
          std::shared_ptr<Adapter> adapter, TrainerOptions options, TrainerEvents events);
  ~Trainer();

  const BatchPlan& plan() const { return plan_; }
  const Schedule& schedule() const { return schedule_; }

  // Takes up the checkpoint that the config names, or output_dir's latest with auto_resume_from_checkpoints; says from
  // which step it goes on, 0 for a fresh run. Throws kInvalidInput where config, data or base changed since, unless
  // forced.
  int64_t resume();

  // From where resume() left it, or from the start, to the end. Afterwards model or adapter hold the result: the last
  // weights, or the best evaluation's with load_best_model_at_end. Asked to stop, it abandons the step in hand, writes
  // a checkpoint and throws kCancelled. Throws kIo for a full disk; what was written before stays whole.
  TrainOutcome run(const std::stop_token& stop);

 private:
  bool train_step(int64_t step, const std::stop_token& stop);
  bool evaluate(const std::stop_token& stop);
  void judge(const EvaluationReport& report);
  void watch(double loss);
  double apply_gradients(int64_t step, double rate);
  void save();
  void note(const std::string& line) const;
  [[nodiscard]] Error interrupted();
  std::optional<std::filesystem::path> checkpoint_to_resume() const;
  void forget_best_elsewhere();
  bool is_evaluation_due() const;
  bool is_save_due() const;
  bool keeps_best() const;

  const TrainConfig& config_;
  const TrainingData& data_;
  std::shared_ptr<Model> model_;
  std::shared_ptr<Adapter> adapter_;
  TrainerOptions options_;
  TrainerEvents events_;
  std::filesystem::path output_dir_;
  BatchPlan plan_;
  Schedule schedule_;
  RunIdentity identity_;
  std::vector<int64_t> evaluation_steps_;
  std::vector<int64_t> save_steps_;
  TrainingGraph graph_;
  OptimizerMoments moments_;
  PackedRows rows_;  // reused by every micro-batch
  RunState state_;
  int64_t saved_step_ = -1;
  std::string stop_reason_;
  std::unique_ptr<TrainLog> log_;
};

}  // namespace understudy
