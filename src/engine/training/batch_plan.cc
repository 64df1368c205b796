#include "engine/training/batch_plan.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"

namespace understudy {

namespace {

constexpr uint64_t kEpochOrderStream = 0x65706F6368;  // "epoch": apart from the other uses of the seed

// The room left in each row, with the largest of every subtree above: the first row with enough room is found in log n.
class RoomTree {
 public:
  RoomTree(size_t n_rows, int64_t capacity) {
    while (width_ < n_rows) width_ *= 2;
    room_.assign(2 * width_, capacity);
  }
  size_t take_first(int64_t tokens) {
    size_t node = 1;
    while (node < width_) node = room_[2 * node] >= tokens ? 2 * node : 2 * node + 1;
    CHECK(room_[node] >= tokens, "an example longer than a row");
    room_[node] -= tokens;
    const size_t row = node - width_;
    for (node /= 2; node > 0; node /= 2) room_[node] = std::max(room_[2 * node], room_[2 * node + 1]);
    return row;
  }

 private:
  size_t width_ = 1;
  std::vector<int64_t> room_;
};

std::vector<std::vector<int32_t>> in_groups(std::span<const int32_t> order, int64_t size) {
  std::vector<std::vector<int32_t>> rows;
  for (size_t begin = 0; begin < order.size(); begin += static_cast<size_t>(size)) {
    const auto group = order.subspan(begin, std::min(static_cast<size_t>(size), order.size() - begin));
    rows.emplace_back(group.begin(), group.end());
  }
  return rows;
}

}  // namespace

std::vector<std::vector<int32_t>> pack_first_fit(std::span<const int32_t> order, const std::vector<int32_t>& lengths,
                                                 int64_t capacity) {
  RoomTree tree(std::max<size_t>(order.size(), 1), capacity);
  std::vector<std::vector<int32_t>> rows;
  for (const int32_t example : order) {
    const size_t row = tree.take_first(lengths[static_cast<size_t>(example)]);
    if (row >= rows.size()) rows.resize(row + 1);
    rows[row].push_back(example);
  }
  return rows;
}

std::vector<std::vector<int32_t>> pack_in_order(std::span<const int32_t> order, const std::vector<int32_t>& lengths,
                                                int64_t capacity) {
  std::vector<std::vector<int32_t>> rows;
  int64_t room = -1;
  for (const int32_t example : order) {
    const int64_t length = lengths[static_cast<size_t>(example)];
    CHECK(length <= capacity, "an example longer than a row");
    if (length > room) {
      rows.emplace_back();
      room = capacity;
    }
    rows.back().push_back(example);
    room -= length;
  }
  return rows;
}

class Planner {
 public:
  Planner(std::span<const int32_t> examples, const std::vector<int32_t>& lengths, const std::vector<int32_t>& targets,
          const PlanSettings& settings)
      : examples_(examples), lengths_(lengths), targets_(targets), settings_(settings) {}

  BatchPlan make() {
    CHECK(!examples_.empty(), "a plan needs examples");
    for (int64_t epoch = 0; !is_complete(epoch); ++epoch) add_epoch(epoch);
    return std::move(plan_);
  }

 private:
  bool is_complete(int64_t epochs_done) const {
    if (settings_.max_steps > 0) return plan_.n_steps() >= settings_.max_steps;
    return n_examples_of(epochs_done) == 0;
  }

  size_t n_examples_of(int64_t epoch) const {
    if (settings_.max_steps > 0) return examples_.size();
    const double share = std::clamp(settings_.epochs - static_cast<double>(epoch), 0.0, 1.0);
    return static_cast<size_t>(std::llround(share * static_cast<double>(examples_.size())));
  }

  void add_epoch(int64_t epoch) {
    std::vector<int32_t> order(examples_.begin(), examples_.end());
    if (!settings_.keep_order) {
      Random(settings_.seed, kEpochOrderStream + static_cast<uint64_t>(epoch)).shuffle(std::span(order));
    }
    order.resize(n_examples_of(epoch));
    const std::vector<std::vector<int32_t>> rows = rows_of(order);
    for (size_t begin = 0; begin < rows.size(); begin += static_cast<size_t>(settings_.accumulation)) {
      if (settings_.max_steps > 0 && plan_.n_steps() == settings_.max_steps) break;
      add_step(
          std::span(rows).subspan(begin, std::min(static_cast<size_t>(settings_.accumulation), rows.size() - begin)));
    }
    plan_.epoch_ends_.push_back(plan_.n_steps());
  }

  std::vector<std::vector<int32_t>> rows_of(std::span<const int32_t> order) const {
    if (!settings_.packing) return in_groups(order, settings_.micro_batch_size);
    if (settings_.keep_order || settings_.sequential) return pack_in_order(order, lengths_, settings_.row_tokens);
    return pack_first_fit(order, lengths_, settings_.row_tokens);
  }

  void add_step(std::span<const std::vector<int32_t>> rows) {
    BatchPlan::Step step;
    step.first_micro = static_cast<int64_t>(plan_.micro_begins_.size()) - 1;
    step.n_micro = static_cast<int64_t>(rows.size());
    for (const std::vector<int32_t>& row : rows) {
      for (const int32_t example : row) {
        plan_.order_.push_back(example);
        step.tokens += lengths_[static_cast<size_t>(example)];
        step.targets += targets_[static_cast<size_t>(example)];
      }
      plan_.micro_begins_.push_back(static_cast<int64_t>(plan_.order_.size()));
    }
    plan_.steps_.push_back(step);
  }

  std::span<const int32_t> examples_;
  const std::vector<int32_t>& lengths_;
  const std::vector<int32_t>& targets_;
  const PlanSettings& settings_;
  BatchPlan plan_;
};

BatchPlan BatchPlan::make(std::span<const int32_t> examples, const std::vector<int32_t>& lengths,
                          const std::vector<int32_t>& targets, const PlanSettings& settings) {
  return Planner(examples, lengths, targets, settings).make();
}

const BatchPlan::Step& BatchPlan::at(int64_t step) const {
  CHECK(step >= 1 && step <= n_steps(), "a step outside the plan");
  return steps_[static_cast<size_t>(step - 1)];
}

int64_t BatchPlan::n_micro_batches(int64_t step) const {
  return at(step).n_micro;
}

std::span<const int32_t> BatchPlan::micro_batch(int64_t step, int64_t i) const {
  const size_t micro = static_cast<size_t>(at(step).first_micro + i);
  return std::span(order_).subspan(static_cast<size_t>(micro_begins_[micro]),
                                   static_cast<size_t>(micro_begins_[micro + 1] - micro_begins_[micro]));
}

double BatchPlan::epoch(int64_t step) const {
  const auto end = std::lower_bound(epoch_ends_.begin(), epoch_ends_.end(), step);
  const int64_t begin = end == epoch_ends_.begin() ? 0 : *(end - 1);
  const double done = static_cast<double>(end - epoch_ends_.begin());
  return done + static_cast<double>(step - begin) / static_cast<double>(*end - begin);
}

}  // namespace understudy
