// Gets an answer out of a chain: one target after another, and where the chain hedges, two at once, until one has begun
// to answer. Which failure does what:
//
//   refused (400, 413, 422)                the answer: nobody else is asked
//   key, no such model                     the next target; this one not again for this request
//   rate limited, overloaded + Retry-After the next target; this one not before that, for anybody (60 s at most)
//   everything else                        the next target, and in another round this one again, after a wait with full
//                                          jitter (Brooker 2015: uniform between 0 and a bound that doubles)
//
// A target whose breaker is open is passed by and costs no attempt. When nobody may be asked any more the last failure
// is the answer. Every target that was asked becomes an attempt on the exchange, winners and losers alike.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "base/deadlines.h"
#include "base/random.h"
#include "base/task_group.h"
#include "gateway/routing/attempt_meter.h"
#include "gateway/routing/chain.h"
#include "gateway/wire/wire_request.h"

namespace understudy {

struct ChainTools {  // all of it outlives every request
  Deadlines& deadlines;
  // Where coroutines go on that may outlive their request (losers of a race), and where a target is asked after the
  // first: threads that may take their time.
  Executor& background;
  TaskGroup& tasks;
  UsageEstimator& estimator;
  std::function<int64_t()> now_ms;  // since 1970, UTC
  uint64_t seed = 0;                // of weights and jitter
};

struct ChainCall {
  std::shared_ptr<const Chain> chain;
  ExchangeAttempt::Purpose purpose = ExchangeAttempt::Purpose::kAnswer;
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();  // the exchange's
  // Asked before every attempt but the first: whether there is money for one more. Unset: there is.
  std::function<bool()> may_ask_again;
};

class ChainRunner {  // thread-safe
 public:
  explicit ChainRunner(ChainTools tools) : tools_(std::move(tools)), random_(tools_.seed) {}

  // `record` gets the attempts as they are made; while the stream is read and when it ends or is dropped, its attempt's
  // figures and the exchange's own (provider, usage, cost, times, partial, error). `request` and `record` outlive the
  // stream; so does what the runner was made with.
  Awaitable<Attempt> start(ChainCall what, const WireRequest& request, Exchange& record, const Call& call);

 private:
  const ChainTools tools_;
  const Random random_;  // at() only
  std::atomic<uint64_t> drawn_{0};
};

}  // namespace understudy
