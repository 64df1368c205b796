#include "gateway/routing/health.h"

#include <algorithm>
#include <cmath>

namespace understudy {

namespace {

constexpr double kWeight = 0.3;
constexpr double kHalfLifeSeconds = 60;

double age_factor(std::chrono::nanoseconds age) {
  return std::exp2(-std::chrono::duration<double>(age).count() / kHalfLifeSeconds);
}

}  // namespace

bool shows_absence(ProviderFailure::Kind kind) {
  switch (kind) {
    case ProviderFailure::Kind::kOverloaded:
    case ProviderFailure::Kind::kUnavailable:
    case ProviderFailure::Kind::kTimedOut:
    case ProviderFailure::Kind::kBroken:
      return true;
    case ProviderFailure::Kind::kRefused:
    case ProviderFailure::Kind::kKey:
    case ProviderFailure::Kind::kNoSuchModel:
    case ProviderFailure::Kind::kRateLimited:
    case ProviderFailure::Kind::kCancelled:
      return false;
  }
  return false;
}

void TargetHealth::set_limits(const BreakerLimits& limits) {
  MutexLock lock(mutex_);
  breaker_.set_limits(limits);
}

bool TargetHealth::admit(Time now) {
  MutexLock lock(mutex_);
  return now >= paused_until_ && breaker_.admit(now);
}

std::chrono::nanoseconds TargetHealth::paused_for(Time now) const {
  MutexLock lock(mutex_);
  return std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(paused_until_ - now));
}

std::chrono::nanoseconds TargetHealth::open_for(Time now) const {
  MutexLock lock(mutex_);
  return breaker_.open_for(now);
}

Breaker::State TargetHealth::breaker(Time now) const {
  MutexLock lock(mutex_);
  return breaker_.state(now);
}

void TargetHealth::answered(Time now, std::chrono::nanoseconds first_token) {
  MutexLock lock(mutex_);
  breaker_.succeeded();
  seems_well_ = true;
  last_failure_.reset();
  const auto latest = static_cast<double>(first_token.count());
  const bool is_first = latency_ns_ <= 0;
  latency_ns_ = is_first ? latest : latency_ns_ * (1 - kWeight) + latest * kWeight;
  measured_at_ = now;
}

void TargetHealth::failed(Time now, const ProviderFailure& failure) {
  MutexLock lock(mutex_);
  if (failure.kind == ProviderFailure::Kind::kRefused) {
    breaker_.succeeded();  // it is there, and says what it thinks of the request
    return;
  }
  if (failure.retry_after) {
    const std::chrono::seconds pause = std::clamp(*failure.retry_after, std::chrono::seconds(0), kLongestRetryAfter);
    paused_until_ = std::max(paused_until_, now + pause);
  }
  last_failure_ = failure;
  if (shows_absence(failure.kind)) {
    breaker_.failed(now);
  } else {
    breaker_.left();
  }
}

void TargetHealth::left() {
  MutexLock lock(mutex_);
  breaker_.left();
}

void TargetHealth::checked(Time now, bool is_there) {
  MutexLock lock(mutex_);
  seems_well_ = is_there;
  if (is_there) breaker_.seems_well(now);
}

bool TargetHealth::seems_well() const {
  MutexLock lock(mutex_);
  return seems_well_;
}

std::chrono::nanoseconds TargetHealth::latency(Time now) const {
  MutexLock lock(mutex_);
  return std::chrono::nanoseconds(static_cast<int64_t>(latency_ns_ * age_factor(now - measured_at_)));
}

std::optional<ProviderFailure> TargetHealth::last_failure() const {
  MutexLock lock(mutex_);
  return last_failure_;
}

std::shared_ptr<TargetHealth> HealthBoard::target(const std::string& provider, const std::string& model,
                                                  const BreakerLimits& limits) {
  MutexLock lock(mutex_);
  std::shared_ptr<TargetHealth>& health = targets_[{provider, model}];
  if (health) {
    health->set_limits(limits);
  } else {
    health = std::make_shared<TargetHealth>(limits);
  }
  return health;
}

void HealthBoard::checked(const std::string& provider, TargetHealth::Time now, bool is_there) {
  MutexLock lock(mutex_);
  for (auto& [name, health] : targets_) {
    if (name.first == provider) health->checked(now, is_there);
  }
}

std::vector<HealthBoard::Row> HealthBoard::rows() const {
  MutexLock lock(mutex_);
  std::vector<Row> rows;
  for (const auto& [name, health] : targets_) rows.push_back({name.first, name.second, health});
  return rows;
}

HealthChecks::HealthChecks(Deadlines& deadlines, Executor& executor, HealthBoard& board)
    : deadlines_(deadlines), executor_(executor), board_(board) {}

HealthChecks::~HealthChecks() {
  watch({});
}

void HealthChecks::watch(std::vector<Watched> providers) {
  std::stop_source checks;
  std::stop_source before;
  {
    MutexLock lock(mutex_);
    before = std::exchange(current_, checks);
  }
  before.request_stop();
  for (Watched& watched : providers) {
    if (watched.every.count() > 0) tasks_.start(check_on(std::move(watched), checks.get_token()));
  }
}

Awaitable<void> HealthChecks::check_on(Watched watched, std::stop_token stop) {
  const Call call{&executor_, stop};
  while (true) {
    const bool passed = co_await sleep_for(deadlines_, watched.every, call);
    if (!passed || stop.stop_requested()) co_return;
    const std::optional<ProviderFailure> failure = co_await watched.provider->probe(call);
    if (stop.stop_requested()) co_return;
    board_.checked(watched.name, Deadlines::Clock::now(), !failure || !shows_absence(failure->kind));
  }
}

}  // namespace understudy
