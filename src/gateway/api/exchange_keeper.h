// Keeps one exchange while it happens: begin before anything goes upstream, parts while a stream runs, end before the
// last byte leaves, and a partial end where the client hung up. What is kept has been redacted, the same value by the
// same placeholder in request and answer. Belongs to one request's coroutine; `serve`, which keeps nothing, has none.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/trace.h"
#include "gateway/capture/recorder.h"
#include "gateway/routing/router.h"
#include "privacy/redaction.h"

namespace understudy {

struct KeeperTools {  // all of it outlives every keeper
  Recorder* recorder = nullptr;
  bool refuse_on_failure = true;
  // The exchange as it was kept: for access log, spans and metrics. Must not throw.
  std::function<void(const Exchange& exchange, const std::optional<TraceParent>& parent)> finished;
};

class ExchangeKeeper {
 public:
  // `record` outlives it.
  ExchangeKeeper(const KeeperTools& tools, Exchange& record, std::optional<TraceParent> parent);
  // A request that is dropped before its end is kept as a partial exchange.
  ~ExchangeKeeper();
  ExchangeKeeper(const ExchangeKeeper&) = delete;
  ExchangeKeeper& operator=(const ExchangeKeeper&) = delete;

  // `body`: the request as it came. Throws kUnavailable where the log cannot be written and the config says refuse.
  Awaitable<void> begin(std::string_view body, const CapturePolicy& policy, Executor& executor);
  // Events as they go to the client.
  void note(const std::vector<ChatEvent>& events);
  // The answer is whole, or failed as `record` says. `body`: of the answer. Returns when it is in the log.
  Awaitable<void> end(std::string_view body, Executor& executor);
  // For a stream that has none: the answer collected so far, and how to write it as a body.
  const ChatAnswer& answer() const { return answer_; }
  void write_answers_with(std::function<std::string(const ChatAnswer&)> writer) { writer_ = std::move(writer); }

 private:
  using Clock = std::chrono::steady_clock;
  void write_part();  // of what is pending, what can be redacted for good
  void fill_end(std::string_view body);

  const KeeperTools& tools_;
  Exchange& record_;
  const std::optional<TraceParent> parent_;
  const Clock::time_point began_ = Clock::now();
  CapturePolicy policy_;
  Redactor redactor_{{}};
  PrivateKindSet kinds_;
  bool has_begun_ = false;
  bool has_ended_ = false;
  ChatAnswer answer_;
  std::function<std::string(const ChatAnswer&)> writer_;
  std::string pending_;  // text that is in no part yet
  Clock::time_point last_part_ = Clock::now();
};

}  // namespace understudy
