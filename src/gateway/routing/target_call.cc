#include "gateway/routing/target_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/units.h"

namespace understudy {

namespace {

using Clock = Deadlines::Clock;

Clock::time_point after(Clock::time_point begin, std::chrono::nanoseconds duration) {
  return begin + std::chrono::duration_cast<Clock::duration>(duration);
}

uint64_t size_of(const AnswerPiece& piece) {
  uint64_t bytes = piece.original ? piece.original->name.size() + piece.original->data.size() : 0;
  for (const ChatEvent& event : piece.events) {
    if (const auto* text = std::get_if<TextEvent>(&event)) bytes += text->text.size();
  }
  return bytes;
}

ProviderFailure broken(std::string message) {
  return {ProviderFailure::Kind::kBroken, Error(ErrorCode::kUnavailable, std::move(message)), std::nullopt};
}

// What an error event inside a 200 says. It says so of the provider, whatever its code: another may still answer.
ProviderFailure failure_of(const FailureEvent& event) {
  ProviderFailure failure{ProviderFailure::Kind::kBroken, Error(ErrorCode::kUnavailable, event.message), std::nullopt};
  if (event.code == ErrorCode::kOverloaded) failure.kind = ProviderFailure::Kind::kOverloaded;
  if (event.code == ErrorCode::kCancelled) failure.kind = ProviderFailure::Kind::kUnavailable;
  if (event.type.find("rate_limit") != std::string::npos) failure.kind = ProviderFailure::Kind::kRateLimited;
  return failure;
}

bool was_cancelled(const AnswerPiece& piece) {
  return std::any_of(piece.events.begin(), piece.events.end(), [](const ChatEvent& event) {
    const auto* finish = std::get_if<FinishEvent>(&event);
    return finish != nullptr && finish->reason == FinishReason::kCancelled;
  });
}

bool has_content(const AnswerPiece& piece) {
  return std::any_of(piece.events.begin(), piece.events.end(), is_content);
}

}  // namespace

// What the deadlines' thread and the coroutine share. A time is in nanoseconds of the steady clock.
struct TargetCall::Watch {
  enum State { kHolding, kCommitted, kExpired, kCancelled };

  Watch(const ChainTimeouts& limits, bool of_stream) : timeouts(limits), streams(of_stream) {}

  struct Limit {
    Clock::time_point when;
    const char* which;
    std::chrono::nanoseconds duration;
  };

  // The instant of the next look, or nothing once it stopped the call.
  std::optional<Clock::time_point> look() {
    if (state.load() == kExpired || state.load() == kCancelled) return std::nullopt;
    const Clock::time_point now = Clock::now();
    const Limit next = earliest(now);
    if (next.when > now) return next.when;
    met = next;
    int current = state.load();
    while (current == kHolding || current == kCommitted) {
      if (!state.compare_exchange_weak(current, kExpired)) continue;
      stop.request_stop();
      break;
    }
    return std::nullopt;
  }

  // The limit that is met first as things stand.
  Limit earliest(Clock::time_point now) const {
    Limit first{after(began, timeouts.total), "total", timeouts.total};
    if (!streams) return first;
    Limit other{after(began, timeouts.first_token), "first token", timeouts.first_token};
    if (state.load() != kHolding) {
      const int64_t since = waiting_since.load();  // 0: it is the client who takes his time
      const Clock::time_point begin = since == 0 ? now : Clock::time_point(Clock::duration(since));
      other = {after(begin, timeouts.between_tokens), "next token", timeouts.between_tokens};
    }
    return other.when < first.when ? other : first;
  }

  const ChainTimeouts timeouts;
  const bool streams;
  const Clock::time_point began = Clock::now();
  std::atomic<int> state{kHolding};
  std::atomic<int64_t> waiting_since{0};
  std::stop_source stop;
  Limit met{};  // written by the deadlines' thread before `state` becomes kExpired, read after
};

TargetCall::TargetCall(std::shared_ptr<const Chain> chain, const ChainTarget& target, const WireRequest& request,
                       const Call& call, Deadlines& deadlines)
    : chain_(std::move(chain)),
      target_(target),
      streams_(request.stream()),
      watch_(std::make_shared<Watch>(target.timeouts, request.stream())),
      call_{call.executor, watch_->stop.get_token()},
      on_client_stop_(call.stop, [stop = watch_->stop]() mutable { stop.request_stop(); }),
      deadlines_(deadlines),
      meter_(static_cast<int64_t>(request.body().size()), watch_->began) {}

TargetCall::~TargetCall() = default;

void TargetCall::cancel() {
  int current = watch_->state.load();
  while (current == Watch::kHolding && !watch_->state.compare_exchange_weak(current, Watch::kCancelled)) {
  }
  watch_->stop.request_stop();
}

AttemptMeter TargetCall::snapshot() const {
  MutexLock lock(mutex_);
  AttemptMeter meter = meter_;
  meter.ended(Clock::now());
  return meter;
}

bool TargetCall::timed_out() const {
  return watch_->state.load() == Watch::kExpired;
}

Awaitable<std::optional<ProviderFailure>> TargetCall::begin(const WireRequest& request) {
  deadline_ = deadlines_.at(watch_->earliest(watch_->began).when, [watch = watch_] { return watch->look(); });
  Attempt attempt = co_await start(request);
  if (!attempt.started()) {
    const ProviderFailure failure = as_timeout(attempt.failure());
    MutexLock lock(mutex_);
    meter_.failed_to_start(failure);
    co_return failure;
  }
  stream_ = attempt.take_stream();
  {
    MutexLock lock(mutex_);
    meter_.started(*stream_);
  }
  while (true) {
    std::optional<AnswerPiece> piece = co_await pull();
    if (std::optional<ProviderFailure> fault = fault_of(piece)) co_return as_timeout(std::move(*fault));
    const bool commits = !streams_ || has_content(*piece);
    hold(std::move(*piece));
    if (!commits && !is_full()) continue;
    if (!commit()) co_return as_timeout(broken("it was stopped"));
    co_return std::nullopt;
  }
}

bool TargetCall::commit() {
  int expected = Watch::kHolding;
  if (!watch_->state.compare_exchange_strong(expected, Watch::kCommitted)) return false;
  // The deadline that was set is the first token's; from now on others hold.
  deadline_ = deadlines_.at(watch_->earliest(Clock::now()).when, [watch = watch_] { return watch->look(); });
  return true;
}

Awaitable<Attempt> TargetCall::start(const WireRequest& request) {
  std::string fault;
  try {
    Attempt attempt = co_await target_.provider->start(request, target_.model, call_);
    co_return attempt;
  } catch (const std::exception& error) {
    fault = error.what();
  }
  co_return Attempt(broken(fault));
}

Awaitable<std::optional<AnswerPiece>> TargetCall::pull() {
  std::string fault;
  watch_->waiting_since.store(Clock::now().time_since_epoch().count());
  try {
    std::optional<AnswerPiece> piece = co_await stream_->next();
    watch_->waiting_since.store(0);
    if (piece) {
      MutexLock lock(mutex_);
      meter_.observe(*piece, Clock::now());
    }
    co_return piece;
  } catch (const std::exception& error) {
    fault = error.what();
  }
  watch_->waiting_since.store(0);
  AnswerPiece piece;
  piece.events.push_back(FailureEvent{ErrorCode::kInternal, fault});
  co_return piece;
}

// Before the commit: what makes a piece, or an end, a failure of the whole attempt.
std::optional<ProviderFailure> TargetCall::fault_of(const std::optional<AnswerPiece>& piece) const {
  if (!piece) return broken("the answer ended before it began");
  if (const FailureEvent* failure = failure_in(*piece)) return failure_of(*failure);
  if (was_cancelled(*piece)) {
    ProviderFailure failure = broken("the provider stopped answering");
    failure.kind = ProviderFailure::Kind::kUnavailable;
    return failure;
  }
  return std::nullopt;
}

// A failure that our own stop brought about is told as the stop's reason.
ProviderFailure TargetCall::as_timeout(ProviderFailure failure) const {
  if (timed_out()) {
    failure = {ProviderFailure::Kind::kTimedOut,
               Error(ErrorCode::kTimedOut,
                     fmt::format("{}: none after {}", watch_->met.which, format_duration(watch_->met.duration))),
               std::nullopt};
  } else if (watch_->stop.stop_requested()) {
    failure = {ProviderFailure::Kind::kCancelled, Error(ErrorCode::kCancelled, "stopped before it answered"),
               std::nullopt};
  }
  return failure;
}

void TargetCall::hold(AnswerPiece piece) {
  held_bytes_ += size_of(piece);
  held_.push_back(std::move(piece));
}

bool TargetCall::is_full() const {
  return static_cast<int>(held_.size()) >= chain_->hold.events || held_bytes_ >= chain_->hold.bytes;
}

Awaitable<std::optional<AnswerPiece>> TargetCall::next() {
  if (ended_) co_return std::nullopt;
  std::optional<AnswerPiece> piece;
  if (!held_.empty()) {
    piece = std::move(held_.front());
    held_.pop_front();
  } else {
    piece = co_await pull();
    correct(piece);
  }
  ended_ = !piece || failure_in(*piece) != nullptr;
  if (ended_) deadline_.drop();
  co_return piece;
}

// After the commit: an end without a finish, and a finish that only says that somebody stopped it, become failures.
void TargetCall::correct(std::optional<AnswerPiece>& piece) {
  if (!streams_) return;
  if (piece) {
    const FailureEvent* failure = failure_in(*piece);
    if (failure != nullptr && timed_out()) piece = broken_off(failure);
    if (failure == nullptr && was_cancelled(*piece)) piece = broken_off(nullptr);
    return;
  }
  MutexLock lock(mutex_);
  if (!meter_.is_finished()) piece = broken_off(nullptr);
}

AnswerPiece TargetCall::broken_off(const FailureEvent* told) const {
  FailureEvent failure{ErrorCode::kUnavailable, "the provider broke off before the answer's end"};
  if (told != nullptr) failure = *told;
  if (timed_out()) {
    failure = {ErrorCode::kTimedOut,
               fmt::format("{}: none after {}", watch_->met.which, format_duration(watch_->met.duration)), "timeout"};
  }
  AnswerPiece piece;
  piece.events.push_back(std::move(failure));
  return piece;
}

}  // namespace understudy
