// Loss and gradients of packed rows, for a LoRA adapter on a frozen base or for all weights. Forward and backward are
// written by hand, layer by layer, on the same operations as Decoder; there is no tape. Used by one thread.
//
//   TrainingGraph graph(model, adapter, {.recompute = true});
//   graph.zero_gradients();
//   for each micro-batch: loss += graph.forward_backward(rows, 1.0 / targets_of_the_whole_step, dropout_key);
//   the optimiser changes Parameter::value in place.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/model/adapter.h"
#include "engine/model/model.h"

namespace understudy {

inline constexpr int32_t kNoTarget = -100;

// Examples one behind the other. Attention stays within an example and positions restart at each.
struct PackedRows {
  std::vector<int32_t> tokens;  // [n]
  std::vector<int32_t>
      targets;  // [n]: the token that position i has to predict (so labels shifted by one), or kNoTarget
  std::vector<int64_t> starts;  // first position of each example, ascending, starts[0] = 0; then n at the end
  int64_t n_targets() const;
};

struct Parameter {
  std::string name;     // PEFT's or Hugging Face's name of the tensor
  TensorView value;     // f32, changed in place by the optimiser
  TensorView gradient;  // f32, of the same shape
  bool decays = true;   // false for norms and biases
};

struct TrainingOptions {
  bool recompute = false;  // gradient_checkpointing: keep only each layer's input and compute the rest again
  double dropout = 0;      // of LoRA's inputs
};

class TrainingGraph {
 public:
  // adapter nullptr: all weights of the model train, in f32 copies that the model makes of them. With an adapter only
  // its A and B do, and the frozen matrices stay as they are kept (Compute).
  TrainingGraph(std::shared_ptr<Model> model, std::shared_ptr<Adapter> adapter, const TrainingOptions& options);
  ~TrainingGraph();

  std::vector<Parameter>& parameters();  // fixed order
  void zero_gradients();
  // Adds d(scale · Σ cross-entropy)/d(parameter) to the gradients; returns Σ cross-entropy over the targets (unscaled,
  // natural log). dropout_key: same key, same mask.
  double forward_backward(const PackedRows& rows, double scale, uint64_t dropout_key = 0);
  // The same sum without gradients and without dropout.
  double loss(const PackedRows& rows);
  size_t memory_bytes() const;  // activations and gradients held now

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace understudy
