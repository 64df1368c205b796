// When the requests of a load at a constant rate are due: request i at begin + i / rate, whatever became of those
// before it. A generator that waits for an answer before it sends the next request leaves out just the requests that a
// stall would have hurt ("coordinated omission"); with this schedule they are sent late, and their wait counts from
// here. A value; no clock is read here.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/error.h"

namespace understudy::bench {

class Schedule {
 public:
  using Clock = std::chrono::steady_clock;

  // `per_second` above 0.
  Schedule(Clock::time_point begin, double per_second) : begin_(begin), per_second_(per_second) {
    CHECK(per_second > 0, "a schedule needs a rate");
  }

  Clock::time_point due(int64_t request) const {
    // From the number, not from the last one: rounding must not add up over a million requests.
    return begin_ + std::chrono::nanoseconds(static_cast<int64_t>(static_cast<double>(request) * 1e9 / per_second_));
  }
  // The next request that has not been taken, where it is due by `now`; then it is taken.
  bool take(Clock::time_point now) {
    if (next_due() > now) return false;
    ++taken_;
    return true;
  }
  Clock::time_point next_due() const { return due(taken_); }
  int64_t taken() const { return taken_; }

 private:
  Clock::time_point begin_;
  double per_second_;
  int64_t taken_ = 0;
};

}  // namespace understudy::bench
