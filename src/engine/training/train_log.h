// train_log.jsonl: one line a step with exactly the keys step, loss, grad_norm, learning_rate, tokens,
// tokens_per_second, in full precision, and one an evaluation with step, eval_loss, eval_targets, eval_examples. A
// resumed run cuts the file where its checkpoint stood and goes on, so no step stands in it twice. Used by the
// trainer's thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"

namespace understudy {

struct StepReport {
  int64_t step = 0;
  double loss = 0;       // mean over the step's targets, before the update
  double grad_norm = 0;  // before clipping, over all that trains
  double learning_rate = 0;
  int64_t tokens = 0;            // trained since the run's beginning, prompts included
  double tokens_per_second = 0;  // of this step
};

struct EvaluationReport {
  int64_t step = 0;
  double loss = 0;  // sum of losses / sum of targets, over every example
  int64_t targets = 0;
  int64_t examples = 0;
};

class TrainLog {
 public:
  // keep_bytes: how much of an existing file stays; 0 begins anew.
  TrainLog(const std::filesystem::path& output_dir, uint64_t keep_bytes);
  void append(const StepReport& report);
  void append(const EvaluationReport& report);
  uint64_t sync();  // durable; returns the size

 private:
  LineAppender file_;
};

// What the log says, for the picture and the summary. Throws kInvalidInput with file and line.
struct LoggedRun {
  std::vector<StepReport> steps;
  std::vector<EvaluationReport> evaluations;
};
LoggedRun read_train_log(const std::filesystem::path& output_dir);

// loss.svg: the loss of every step, a smoothed line over it, and the evaluations.
std::string loss_chart(const LoggedRun& run, const std::string& title);

}  // namespace understudy
