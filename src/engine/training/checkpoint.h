// Checkpoints: everything that a run needs to go on as if it had never stopped. A folder `checkpoint-<step>` holds
//   adapter_config.json, adapter_model.safetensors    or    config.json, model.safetensors (f32 master weights)
//   optimizer.safetensors   both moments of every parameter: "<name>.m", "<name>.v"
//   trainer_state.json      RunState, and what the run was started with
// It appears whole or not at all. Where the data stands follows from the step, because the whole run is planned
// (batch_plan.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "engine/model/adapter.h"
#include "engine/model/model.h"
#include "engine/model/training_graph.h"

namespace understudy {

// Where a run stands after `step` steps.
struct RunState {
  int64_t step = 0;
  int64_t tokens = 0;               // trained so far, the prompts' too
  double seconds = 0;               // computing, over all parts of the run
  int64_t evaluated_step = -1;      // the last step at which it evaluated
  std::optional<double> best_loss;  // of evaluations
  int64_t best_step = 0;
  int64_t evaluations_without_gain = 0;
  int64_t watchdog_count = 0;  // losses above the threshold in a row
  uint64_t log_bytes = 0;      // of train_log.jsonl
  bool is_stopped_early = false;
};

// What has to be the same when it goes on.
struct RunIdentity {
  std::string settings;     // decisive_settings() as JSON text
  std::string data_sha256;  // of the tokenised examples, in order
  std::string base_sha256;  // of the base model's config and the sizes of its weight files
};

// The two moments of each parameter, in the graph's order.
struct OptimizerMoments {
  explicit OptimizerMoments(const std::vector<Parameter>& parameters);  // zeros
  std::vector<Tensor> first;
  std::vector<Tensor> second;
};

struct TrainedWeights {  // what is trained: the adapter where there is one, else the model
  const Model* model = nullptr;
  const Adapter* adapter = nullptr;
  std::string base_model;  // for adapter_config.json
};

void write_checkpoint(const std::filesystem::path& output_dir, const RunState& state, const RunIdentity& identity,
                      const TrainedWeights& weights, const std::vector<Parameter>& parameters,
                      const OptimizerMoments& moments);

// trainer_state.json alone. Throws kInvalidInput naming the file for anything unexpected.
struct CheckpointState {
  RunState state;
  RunIdentity identity;
};
CheckpointState read_checkpoint_state(const std::filesystem::path& checkpoint);
// Values and moments into the memory that the graph and the optimiser use.
void restore_parameters(const std::filesystem::path& checkpoint, std::vector<Parameter>& parameters);
void restore_moments(const std::filesystem::path& checkpoint, const std::vector<Parameter>& parameters,
                     OptimizerMoments& moments);

// What differs between the identity that a checkpoint has and the run's, one line each; empty where nothing does.
std::vector<std::string> differences(const RunIdentity& then, const RunIdentity& now);

std::filesystem::path checkpoint_path(const std::filesystem::path& output_dir, int64_t step);
// The steps of all whole checkpoints in the folder, ascending; half-deleted and unreadable ones are passed over.
std::vector<int64_t> checkpoint_steps(const std::filesystem::path& output_dir);
// Deletes the oldest up to `state.step` so that `limit` stay; never the newest, nor the best where it is still needed.
void rotate_checkpoints(const std::filesystem::path& output_dir, int64_t newest, int64_t best, int64_t limit);
// Deletes what a process that was killed left half-written; temporary files of the output folder too.
void remove_leftovers(const std::filesystem::path& output_dir);

}  // namespace understudy
