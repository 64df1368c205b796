// The step "train" of the main path: from a config and its labelled rows to an adapter, or a model, in output_dir. It
// loads, refuses what cannot become a good specialist before the first step, trains, and writes the result. Runs on the
// caller's thread.
#pragma once

#include <stop_token>
#include <string>

#include "display/progress.h"
#include "engine/training/trainer.h"

namespace understudy {

struct TrainStepOptions {
  bool force = false;          // resume although config, data or base have changed
  bool allow_no_stop = false;  // train although turns do not end in a stop token
  ProgressOptions progress;
};

struct TrainResult {
  std::string output_dir;
  int64_t steps = 0;
  int64_t planned_steps = 0;
  int64_t train_examples = 0;
  int64_t validation_examples = 0;
  int64_t trained_parameters = 0;
  int64_t tokens = 0;
  double seconds = 0;
  double last_loss = 0;
  std::optional<double> first_eval_loss;  // before the first step
  std::optional<double> last_eval_loss;
  std::optional<double> best_eval_loss;
  std::string stop_reason;  // empty where the run went to its end
};

// Throws kInvalidInput for config, data, model; kCancelled when asked to stop, after a checkpoint; kIo.
TrainResult train(const TrainConfig& config, const TrainStepOptions& options, const std::stop_token& stop);

}  // namespace understudy
