// How much was used in the last minute (or second, hour, day), so that in no stretch of that length more than the limit
// is. A window that slides, not a bucket that fills: a bucket lets twice the limit through in its first minute. Time is
// cut into 600 slices a window, each kept until its last instant is out: at most 601 numbers, and too strict by a slice
// at most. Used by one thread at a time; economics/budget.h locks it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "base/config_node.h"

namespace understudy {

struct RateLimit {
  int64_t count = 0;
  std::chrono::milliseconds per{60'000};
  bool operator==(const RateLimit&) const = default;
};
// "600/min", "2M/min", "10/s", "5k/hour", "1M/day".
void read_value(const ConfigNode& node, RateLimit& value);

class RateWindow {
 public:
  explicit RateWindow(RateLimit limit) : limit_(limit) {}

  // Nothing where `amount` fits now; else how long until it does. An amount above the limit waits for an empty window.
  std::optional<std::chrono::milliseconds> wait_for(int64_t amount, int64_t at_ms);
  // Adds `amount` whether it fits or not; the slice it went into, for correct().
  int64_t take(int64_t amount, int64_t at_ms);
  // Changes what was taken by `difference`; nothing happens where the slice is out of the window.
  void correct(int64_t slice, int64_t difference);
  int64_t room(int64_t at_ms);  // 0 and more

  const RateLimit& limit() const { return limit_; }
  // A window of the same length keeps what was used; another length begins empty.
  void set_limit(RateLimit limit);

 private:
  struct Slice {
    int64_t index = 0;  // of slices since 1970
    int64_t amount = 0;
  };
  int64_t slice_ms() const;
  int64_t leaves_at_ms(const Slice& slice) const;
  void forget_before(int64_t at_ms);

  RateLimit limit_;
  std::deque<Slice> slices_;  // oldest first
  int64_t used_ = 0;          // sum of slices_
};

}  // namespace understudy
