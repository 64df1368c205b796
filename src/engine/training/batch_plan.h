// The whole run, planned from lengths alone before its first step: which examples stand in which micro-batch of which
// step. So the number of steps is exact, every example appears exactly once an epoch, the loss of a step is normalised
// over targets that are known before its first micro-batch, and resuming is going on at step n. A pure function of its
// input.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace understudy {

struct PlanSettings {
  bool packing = false;
  int64_t row_tokens = 0;        // packing: capacity of one micro-batch (micro_batch_size x sequence_len)
  int64_t micro_batch_size = 1;  // without packing: examples in a micro-batch
  int64_t accumulation = 1;      // micro-batches a step; an epoch's last step may have fewer
  bool keep_order = false;       // curriculum: the given order in every epoch, and sequential packing
  bool sequential = false;       // packing fills one row after the other instead of the first that has room
  double epochs = 1;             // a last part epoch takes that share of its order
  int64_t max_steps = 0;         // above 0: the run has exactly so many steps, whatever `epochs` says
  uint64_t seed = 42;
};

class BatchPlan {  // immutable
 public:
  // examples: what is to be trained; lengths and targets are indexed by their values. No example is longer than
  // row_tokens.
  static BatchPlan make(std::span<const int32_t> examples, const std::vector<int32_t>& lengths,
                        const std::vector<int32_t>& targets, const PlanSettings& settings);

  int64_t n_steps() const { return static_cast<int64_t>(steps_.size()); }
  int64_t n_micro_batches(int64_t step) const;                          // steps count from 1
  std::span<const int32_t> micro_batch(int64_t step, int64_t i) const;  // example numbers
  int64_t tokens(int64_t step) const { return at(step).tokens; }
  int64_t targets(int64_t step) const { return at(step).targets; }
  double epoch(int64_t step) const;  // epochs done after the step, for eyes
  const std::vector<int64_t>& epoch_ends() const {
    return epoch_ends_;
  }  // the last step of each epoch; back() == n_steps()

 private:
  struct Step {
    int64_t first_micro = 0;
    int64_t n_micro = 0;
    int64_t tokens = 0;
    int64_t targets = 0;
  };
  const Step& at(int64_t step) const;
  friend class Planner;
  std::vector<int32_t> order_;  // example numbers, micro-batch after micro-batch
  std::vector<int64_t> micro_begins_ = {0};
  std::vector<Step> steps_;
  std::vector<int64_t> epoch_ends_;
};

// Examples into rows of at most `capacity` tokens, by first fit in the given order: each goes into the first row that
// still has room for it. Rows in the order in which they were opened.
std::vector<std::vector<int32_t>> pack_first_fit(std::span<const int32_t> order, const std::vector<int32_t>& lengths,
                                                 int64_t capacity);
// The same by next fit: the order of examples is kept.
std::vector<std::vector<int32_t>> pack_in_order(std::span<const int32_t> order, const std::vector<int32_t>& lengths,
                                                int64_t capacity);

}  // namespace understudy
