// What one attempt showed while it ran, and the row of the exchange that comes of it. It sees every piece on its way.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "economics/price_book.h"
#include "gateway/providers/provider.h"
#include "gateway/routing/chain.h"
#include "gateway/routing/usage_estimate.h"
#include "records/exchange.h"

namespace understudy {

// What accounts are made with; everything outlives every request.
struct Accounts {
  const Pricer& price;
  UsageEstimator& estimator;
};

class AttemptMeter {  // used by one thread at a time
 public:
  using Time = std::chrono::steady_clock::time_point;

  AttemptMeter(int64_t request_bytes, Time began) : began_(began) { seen_.request = request_bytes; }

  void started(const AnswerStream& stream);  // a provider answered, with its head
  void failed_to_start(const ProviderFailure& failure);
  void observe(const AnswerPiece& piece, Time now);
  void ended(Time now) { ended_at_ = now; }

  // Whether every choice that began has its finish, and one at least.
  bool is_finished() const;
  bool has_content() const { return first_token_at_.has_value(); }
  std::chrono::nanoseconds first_token() const { return first_token_at_.value_or(began_) - began_; }

  // Writes status, key, usage, cost and times. `error` is empty for an answer that came whole. What was not told is
  // estimated: the prompt once an answer had begun or the provider may have been at work (`was_at_work`).
  void fill(ExchangeAttempt& attempt, const ChainTarget& target, const Accounts& accounts, std::string error,
            bool was_at_work) const;

 private:
  Usage usage_for(const ChainTarget& target, const Accounts& accounts, bool was_at_work) const;
  void note_choice(int choice, bool is_finish);

  const Time began_;
  SeenBytes seen_;
  int status_ = 0;
  int key_ = 0;
  bool started_ = false;
  std::optional<Time> first_token_at_;
  std::optional<Time> ended_at_;
  std::optional<Usage> usage_;
  std::vector<char> choices_;  // by index: 0 not seen, 1 begun, 2 finished
};

// Whether an event is what a client waits for: content, a tool call, a finish or the usage. An empty text, a head and a
// ping are not.
bool is_content(const ChatEvent& event);
const FailureEvent* failure_in(const AnswerPiece& piece);

// The sums of an exchange's attempts: cost (nothing where one is unknown) and whether some usage was estimated.
void sum_up(Exchange& exchange);

// "timed_out: first token after 30 s"
std::string error_text(const ProviderFailure& failure);

}  // namespace understudy
