#include "economics/rate_window.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/units.h"

namespace understudy {

namespace {

constexpr int64_t kSlices = 600;

struct Span {
  std::string_view name;
  int64_t ms;
};
constexpr Span kSpans[] = {{"s", 1000},      {"second", 1000},    {"min", 60'000},   {"minute", 60'000},
                           {"h", 3'600'000}, {"hour", 3'600'000}, {"d", 86'400'000}, {"day", 86'400'000}};

}  // namespace

void read_value(const ConfigNode& node, RateLimit& value) {
  const std::string text = node.as_text();
  const Error fault = node.error(fmt::format("expected a rate such as 600/min, 2M/min or 10/s, got \"{}\"", text));
  const size_t slash = text.find('/');
  if (slash == std::string::npos) throw fault;
  const auto* span = std::find_if(std::begin(kSpans), std::end(kSpans),
                                  [&](const Span& known) { return text.substr(slash + 1) == known.name; });
  if (span == std::end(kSpans)) throw fault;
  Count count;
  try {
    ConfigNode number = ConfigNode::empty_map(node.file());
    number.set("count", fmt::format("\"{}\"", text.substr(0, slash)), node.where());
    read_value(number["count"], count);
  } catch (const Error&) {
    throw fault;
  }
  if (count.value < 1) throw node.error("expected a rate of 1 or more", "a key that may do nothing is one to take out");
  value = {count.value, std::chrono::milliseconds(span->ms)};
}

int64_t RateWindow::slice_ms() const {
  return std::max<int64_t>(1, limit_.per.count() / kSlices);
}

int64_t RateWindow::leaves_at_ms(const Slice& slice) const {
  return (slice.index + 1) * slice_ms() + limit_.per.count();
}

void RateWindow::forget_before(int64_t at_ms) {
  while (!slices_.empty() && leaves_at_ms(slices_.front()) <= at_ms) {
    used_ -= slices_.front().amount;
    slices_.pop_front();
  }
}

std::optional<std::chrono::milliseconds> RateWindow::wait_for(int64_t amount, int64_t at_ms) {
  forget_before(at_ms);
  if (used_ + amount <= limit_.count) return std::nullopt;
  int64_t left = used_;
  for (const Slice& slice : slices_) {
    left -= slice.amount;
    if (left + amount <= limit_.count) return std::chrono::milliseconds(leaves_at_ms(slice) - at_ms);
  }
  return limit_.per;
}

int64_t RateWindow::take(int64_t amount, int64_t at_ms) {
  forget_before(at_ms);
  int64_t index = at_ms / slice_ms();
  // A clock that was set back must not put a newer slice before an older one.
  if (!slices_.empty()) index = std::max(index, slices_.back().index);
  if (slices_.empty() || slices_.back().index != index) slices_.push_back({index, 0});
  slices_.back().amount += amount;
  used_ += amount;
  return index;
}

void RateWindow::correct(int64_t slice, int64_t difference) {
  const auto found = std::lower_bound(slices_.begin(), slices_.end(), slice,
                                      [](const Slice& held, int64_t index) { return held.index < index; });
  if (found == slices_.end() || found->index != slice) return;
  found->amount += difference;
  used_ += difference;
}

int64_t RateWindow::room(int64_t at_ms) {
  forget_before(at_ms);
  return std::max<int64_t>(0, limit_.count - used_);
}

void RateWindow::set_limit(RateLimit limit) {
  if (limit.per != limit_.per) {
    slices_.clear();
    used_ = 0;
  }
  limit_ = limit;
}

}  // namespace understudy
