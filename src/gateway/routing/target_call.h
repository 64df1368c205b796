// One target, asked once. Until the first content nothing leaves it: pieces without content are held, and any failure
// (also an error event in a 200, a stream that stalls, ends or is cut) is a value on which another target may take
// over. From the first content on it is committed: what comes then is told as it comes, and an end that is none of the
// protocol's is a FailureEvent, never a silence that looks like an answer.
//
// Timeouts (chain.h) stop the provider through its call's stop token; the provider then gives a failure or an end soon,
// which is taken for the timeout that it was.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/deadlines.h"
#include "gateway/routing/attempt_meter.h"
#include "gateway/routing/chain.h"
#include "gateway/wire/wire_request.h"

namespace understudy {

class TargetCall {  // used by one coroutine at a time, but for cancel() and snapshot()
 public:
  // `chain` holds `target`. `call.stop` is the client's.
  TargetCall(std::shared_ptr<const Chain> chain, const ChainTarget& target, const WireRequest& request,
             const Call& call, Deadlines& deadlines);
  ~TargetCall();
  TargetCall(const TargetCall&) = delete;
  TargetCall& operator=(const TargetCall&) = delete;

  // Asks, and holds until the first content. The failure, or nothing: committed. `request` outlives this object.
  Awaitable<std::optional<ProviderFailure>> begin(const WireRequest& request);
  // The next piece, held ones first; nothing at the end, which is then proper, and nothing after a piece with a
  // FailureEvent. Only after begin() gave nothing.
  Awaitable<std::optional<AnswerPiece>> next();
  // Stops it from any thread: another was quicker.
  void cancel();

  const ChainTarget& target() const { return target_; }
  std::optional<ProtocolName> protocol() const { return stream_->protocol(); }
  std::vector<std::string> dropped() const { return stream_->dropped(); }
  TraceHeaders trace_headers() const { return stream_->trace_headers(); }
  AttemptMeter snapshot() const EXCLUDES(mutex_);  // the meter as it stands now; thread-safe
  bool timed_out() const;

 private:
  struct Watch;
  Awaitable<Attempt> start(const WireRequest& request);
  bool commit();  // false where a timeout or cancel() was quicker
  Awaitable<std::optional<AnswerPiece>> pull();
  std::optional<ProviderFailure> fault_of(const std::optional<AnswerPiece>& piece) const;
  ProviderFailure as_timeout(ProviderFailure failure) const;
  void hold(AnswerPiece piece);
  bool is_full() const;
  AnswerPiece broken_off(const FailureEvent* told) const;
  void correct(std::optional<AnswerPiece>& piece);

  const std::shared_ptr<const Chain> chain_;
  const ChainTarget& target_;
  const bool streams_;
  const std::shared_ptr<Watch> watch_;
  Call call_;
  const std::stop_callback<std::function<void()>> on_client_stop_;
  Deadlines& deadlines_;
  Deadlines::Ticket deadline_;

  mutable Mutex mutex_;
  AttemptMeter meter_ GUARDED_BY(mutex_);

  std::unique_ptr<AnswerStream> stream_;
  std::deque<AnswerPiece> held_;
  uint64_t held_bytes_ = 0;
  bool ended_ = false;
};

}  // namespace understudy
