// A circuit breaker: a target that fails again and again is left alone for a while, then tried with one request. Pure:
// time is given in. Belongs to its owner's lock (health.h).
//
//   closed --`failures` within `within`, no success between--> open --its time is over--> half open: one request
//   half open --it succeeded--> closed;  --it failed--> open, twice as long as before, `open_at_most` at most
//
// A success between two failures begins the count again: a busy target that fails now and then is what retries are for.
#pragma once

#include <chrono>
#include <deque>

namespace understudy {

struct BreakerLimits {
  int failures = 5;
  std::chrono::nanoseconds within = std::chrono::seconds(30);
  std::chrono::nanoseconds open = std::chrono::seconds(2);
  std::chrono::nanoseconds open_at_most = std::chrono::seconds(15);
  bool operator==(const BreakerLimits&) const = default;
};

class Breaker {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class State { kClosed, kOpen, kHalfOpen };

  explicit Breaker(const BreakerLimits& limits) : limits_(limits) {}
  void set_limits(const BreakerLimits& limits) { limits_ = limits; }

  State state(Time now) const;
  // Whether a request may be sent now. Half open, it takes the one place, which comes back with its outcome; a place
  // whose outcome is not told within open_at_most is given again.
  bool admit(Time now);
  // What admit() would say, taking nothing.
  bool would_admit(Time now) const;
  void succeeded();
  void failed(Time now);
  void left();  // it ended without showing anything: the client went away
  // A check from outside found it there: whoever comes next may try.
  void seems_well(Time now);
  // How long it stays open; 0 where it is not.
  std::chrono::nanoseconds open_for(Time now) const;

 private:
  bool is_tripped() const { return times_opened_ > 0; }
  void open(Time now);

  BreakerLimits limits_;
  std::deque<Time> failures_;  // since the last success, within the window
  int times_opened_ = 0;       // without a success between
  Time open_until_{};
  bool place_taken_ = false;
  Time place_taken_at_{};
};

}  // namespace understudy
