#include "engine/training/schedule.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace understudy {

namespace {

constexpr double kPi = 3.14159265358979323846;

double decay_share(const Schedule& schedule, int64_t step) {  // 0 at the end of the warm-up, 1 at the last step
  const int64_t length = schedule.total - schedule.warmup;
  if (length <= 0 || schedule.total == 1) return 0;  // a run of one step would else be one at rate 0
  return static_cast<double>(step - schedule.warmup) / static_cast<double>(length);
}

void add_every(int64_t every, int64_t total, std::vector<int64_t>& steps) {
  for (int64_t step = every; step <= total; step += every) steps.push_back(step);
}

// The i-th of n points of an epoch lies at ceil(i x length / n), so the last one is the epoch's end.
void add_per_epoch(int64_t n, const std::vector<int64_t>& epoch_ends, std::vector<int64_t>& steps) {
  int64_t begin = 0;
  for (const int64_t end : epoch_ends) {
    for (int64_t i = 1; i <= n; ++i) {
      const int64_t offset = (i * (end - begin) + n - 1) / n;
      if (offset > 0) steps.push_back(begin + offset);
    }
    begin = end;
  }
}

}  // namespace

double learning_rate(const Schedule& schedule, int64_t step) {
  CHECK(step >= 1 && step <= schedule.total, "a step outside the run");
  if (schedule.kind == ScheduleKind::kConstant) return schedule.base_rate;
  if (step < schedule.warmup) {
    return schedule.base_rate * static_cast<double>(step) / static_cast<double>(schedule.warmup);
  }
  if (schedule.kind == ScheduleKind::kConstantWithWarmup) return schedule.base_rate;
  const double share = decay_share(schedule, step);
  if (schedule.kind == ScheduleKind::kLinear) return schedule.base_rate * (1.0 - share);
  const double low = schedule.min_rate_ratio;
  return schedule.base_rate * (low + (1.0 - low) * 0.5 * (1.0 + std::cos(kPi * share)));
}

int64_t warmup_steps(int64_t total, int64_t steps, double ratio) {
  if (steps >= 0) return std::min(steps, total);
  if (ratio < 0) return std::min<int64_t>(static_cast<int64_t>(0.03 * static_cast<double>(total)), 100);
  const int64_t product = static_cast<int64_t>(ratio * static_cast<double>(total));
  return std::min(product == 1 ? 2 : product, total);
}

std::vector<int64_t> due_steps(const Recurrence& recurrence, const std::vector<int64_t>& epoch_ends, bool with_last) {
  std::vector<int64_t> steps;
  if (recurrence.is_never() || epoch_ends.empty()) return steps;
  const int64_t total = epoch_ends.back();
  if (recurrence.at_epoch_ends) steps = epoch_ends;
  if (recurrence.every_steps > 0) add_every(recurrence.every_steps, total, steps);
  if (recurrence.every_share > 0) {
    add_every(
        std::max<int64_t>(1, static_cast<int64_t>(std::ceil(recurrence.every_share * static_cast<double>(total)))),
        total, steps);
  }
  if (recurrence.per_epoch > 0) add_per_epoch(recurrence.per_epoch, epoch_ends, steps);
  if (with_last) steps.push_back(total);
  std::sort(steps.begin(), steps.end());
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  return steps;
}

}  // namespace understudy
