// What a training run does at which step: the learning rate, when it evaluates, when it saves. Pure functions of
// numbers. Steps count from 1 to `total`; the rate of step s is what Hugging Face's trainer logs at s, so the last one
// is 0.
#pragma once

#include <cstdint>
#include <vector>

namespace understudy {

enum class ScheduleKind { kLinear, kCosine, kConstant, kConstantWithWarmup };

struct Schedule {
  ScheduleKind kind = ScheduleKind::kCosine;
  double base_rate = 0;
  int64_t total = 0;          // steps of the whole run
  int64_t warmup = 0;         // steps of linear growth from 0; unused by kConstant
  double min_rate_ratio = 0;  // kCosine ends at this share of base_rate
};

// cosine: base · (min + (1 - min) · ½ (1 + cos(π (s - warmup) / (total - warmup)))); linear: base · (total - s) /
// (total - warmup).
double learning_rate(const Schedule& schedule, int64_t step);

// How many warm-up steps a config means: warmup_steps; else int(ratio x total), where 1 becomes 2, as in Axolotl; else
// 3% of the steps, at most 100. Negative arguments stand for "not set". Never more than total.
int64_t warmup_steps(int64_t total, int64_t steps, double ratio);

// How often something happens. Exactly one of the forms is set, or none for never.
struct Recurrence {
  int64_t every_steps = 0;  // at every n-th step
  double every_share = 0;   // of all steps, below 1: at every ceil(share x total) steps
  int64_t per_epoch = 0;    // so often an epoch, evenly spread
  bool at_epoch_ends = false;
  bool is_never() const { return every_steps == 0 && every_share == 0 && per_epoch == 0 && !at_epoch_ends; }
};

// The steps, ascending, without repetition; `epoch_ends` are the last steps of the epochs (a last one cut short
// included). with_last: the run's last step is always one of them (evaluation), unless it never happens.
std::vector<int64_t> due_steps(const Recurrence& recurrence, const std::vector<int64_t>& epoch_ends, bool with_last);

}  // namespace understudy
