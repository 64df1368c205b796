// What is known of each target (a provider's model) beyond one request: its breaker, how quick it was, until when it
// asked to be left alone, and whether its provider answers checks. Lives longer than a config: a reload changes
// neither.
//
// A key that is not taken, a model that a host dropped and a request that was refused say nothing against a target's
// health: they are the affair of one request.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/deadlines.h"
#include "base/executor.h"
#include "base/mutex.h"
#include "base/task_group.h"
#include "gateway/providers/provider.h"
#include "gateway/routing/breaker.h"

namespace understudy {

// Longest that a provider's Retry-After is believed.
inline constexpr std::chrono::seconds kLongestRetryAfter{60};

class TargetHealth {  // thread-safe
 public:
  using Time = Breaker::Time;

  explicit TargetHealth(const BreakerLimits& limits) : breaker_(limits) {}
  void set_limits(const BreakerLimits& limits) EXCLUDES(mutex_);

  // Whether it may be asked now; the half-open breaker's place is taken. Each true is followed by one of answered(),
  // failed() or left().
  bool admit(Time now) EXCLUDES(mutex_);
  // How long until it may be asked (0: now), as its Retry-After or its breaker says.
  std::chrono::nanoseconds paused_for(Time now) const EXCLUDES(mutex_);  // by Retry-After
  std::chrono::nanoseconds open_for(Time now) const EXCLUDES(mutex_);    // by the breaker
  Breaker::State breaker(Time now) const EXCLUDES(mutex_);

  void answered(Time now, std::chrono::nanoseconds first_token) EXCLUDES(mutex_);
  void failed(Time now, const ProviderFailure& failure) EXCLUDES(mutex_);
  void left() EXCLUDES(mutex_);  // the client went away, or another was quicker
  void checked(Time now, bool is_there) EXCLUDES(mutex_);

  // False after a check that failed, until one succeeds or a request is answered: such a target is asked last.
  bool seems_well() const EXCLUDES(mutex_);
  // The first token's time as a moving average (each answer weighs 0.3), halving with every minute that it grows old:
  // one that was slow is tried again. 0 where nothing is known.
  std::chrono::nanoseconds latency(Time now) const EXCLUDES(mutex_);
  // Why it was not answered last; what a request is told that may not ask it.
  std::optional<ProviderFailure> last_failure() const EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  Breaker breaker_ GUARDED_BY(mutex_);
  Time paused_until_ GUARDED_BY(mutex_){};
  bool seems_well_ GUARDED_BY(mutex_) = true;
  double latency_ns_ GUARDED_BY(mutex_) = 0;
  Time measured_at_ GUARDED_BY(mutex_){};
  std::optional<ProviderFailure> last_failure_ GUARDED_BY(mutex_);
};

// All targets of a process.
class HealthBoard {  // thread-safe
 public:
  // The target's own; made with the limits the first time, which later calls change.
  std::shared_ptr<TargetHealth> target(const std::string& provider, const std::string& model,
                                       const BreakerLimits& limits) EXCLUDES(mutex_);
  // What a check of a provider showed, for all its targets.
  void checked(const std::string& provider, TargetHealth::Time now, bool is_there) EXCLUDES(mutex_);

  struct Row {
    std::string provider;
    std::string model;
    std::shared_ptr<const TargetHealth> health;
  };
  std::vector<Row> rows() const EXCLUDES(mutex_);  // for /metrics and the console

 private:
  mutable Mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<TargetHealth>> targets_ GUARDED_BY(mutex_);
};

// Asks every provider now and then whether it is there.
class HealthChecks {  // thread-safe
 public:
  struct Watched {
    std::string name;
    std::shared_ptr<Provider> provider;
    std::chrono::nanoseconds every{};  // 0: never
  };
  // `deadlines`, `executor` and `board` outlive it.
  HealthChecks(Deadlines& deadlines, Executor& executor, HealthBoard& board);
  ~HealthChecks();

  // From now on these and no others; what ran for those before ends.
  void watch(std::vector<Watched> providers) EXCLUDES(mutex_);

 private:
  Awaitable<void> check_on(Watched watched, std::stop_token stop);

  Deadlines& deadlines_;
  Executor& executor_;
  HealthBoard& board_;
  Mutex mutex_;
  std::stop_source current_ GUARDED_BY(mutex_);  // of the checks of the last watch()
  TaskGroup tasks_;
};

// Whether a failed check says that nobody is there: a refusal, a key that is not taken or a rate limit shows the
// contrary.
bool shows_absence(ProviderFailure::Kind kind);

}  // namespace understudy
