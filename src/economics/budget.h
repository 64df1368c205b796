// What a virtual key may spend and how fast: money a day (or hour, or month, of UTC's calendar), requests and tokens a
// minute. The most that a call can cost is reserved before it is sent and corrected when it has ended, so that calls
// running at once cannot spend more together than there is. It decides; it sends nothing, stores nothing and logs
// nothing: after a start it is told the exchanges of the period.
//
//   Budgets::Outcome outcome = budgets.reserve(key, worst_case(row, size));
//   if (auto* refusal = std::get_if<BudgetRefusal>(&outcome)) return to_client(*refusal);
//   auto& reservation = std::get<Reservation>(outcome);
//   ...                                         // before a retry, a race, an escalation: if (!reservation.extend(...))
//   warn(reservation.settle(exchange.cost, tokens));
//
// The promise: as long as no call costs more than was reserved for it, the budget is never passed, at any instant. What
// is reserved is worst_case(), whose input is an upper bound where the caller gives one (bytes of the body: a token has
// one byte at least). Two things it cannot bound: an answer whose client stated no limit (kUnstatedOutput is taken),
// and pictures behind a URL. What they cost above it is booked when it is known, and the next call is refused.
//
// A price that is not known counts as no price that fits: a key with a money budget is refused such a model, because a
// budget that counts unknown as 0 is none. Keys without a money budget are served.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/config_node.h"
#include "base/money.h"
#include "base/timestamp.h"
#include "economics/price_book.h"
#include "economics/rate_window.h"
#include "records/exchange.h"

namespace understudy {

enum class BudgetPeriod { kHour, kDay, kMonth };

struct Budget {
  Money amount;
  BudgetPeriod period = BudgetPeriod::kDay;
  bool operator==(const Budget&) const = default;
};
// "50 USD/day", "5 USD/hour", "1000 USD/month".
void read_value(const ConfigNode& node, Budget& value);
std::string to_string(const Budget& budget);  // "$50.00 a day"

// When the period that holds `at_ms` began: an hour, a day, a month of UTC.
int64_t period_begin_ms(BudgetPeriod period, int64_t at_ms);
int64_t period_end_ms(BudgetPeriod period, int64_t at_ms);

struct KeyLimits {
  std::optional<Budget> budget;
  std::optional<RateLimit> requests;
  std::optional<RateLimit> tokens;  // of prompt and answer together
  bool operator==(const KeyLimits&) const = default;
};

// Tokens of an answer that are reserved where the client stated no limit: what today's reasoning models seldom pass.
inline constexpr int64_t kUnstatedOutput = 16'384;

struct CallSize {
  int64_t prompt_tokens = 0;          // at most
  std::optional<int64_t> max_tokens;  // of each answer, thoughts included; nothing: the client stated none
  int n = 1;                          // answers
};

struct WorstCase {
  std::optional<Money> cost;  // nothing: the price is unknown
  int64_t tokens = 0;
  bool is_stated = true;  // false: the answer's length is kUnstatedOutput, not the client's word
};

// The dearest that the call can become: every prompt token at the dearest of fresh, cached and cache-writing, every
// token of the answer at the dearer of visible and thought, in the dearest band that the prompt may fall into.
// `row`: PriceBook::row() of the target; nullptr where there is none.
WorstCase worst_case(const PriceRow* row, const CallSize& size);
// Of two targets of which one will answer: the greater of both, unknown where one is.
WorstCase dearer(const WorstCase& one, const WorstCase& other);

// Given out once for each of 50, 80 and 100 percent in a period. A refusal with 80% spent counts as 100: what is left
// fits no request.
struct BudgetWarning {
  std::string key;
  int percent = 0;
  Money spent;
  Budget budget;
  bool operator==(const BudgetWarning&) const = default;
};

struct BudgetRefusal {
  enum class Kind {
    kUsedUp,        // 429 insufficient_quota: not before the period's end
    kRate,          // 429 rate_limit_exceeded: after retry_after
    kUnknownPrice,  // the model has no price in the book, and the key has a budget
  };
  Kind kind = Kind::kUsedUp;
  std::string message;  // a sentence for the client
  std::optional<std::chrono::milliseconds> retry_after;
  std::vector<BudgetWarning> warnings;
};

class Budgets;

// What is held back for one request, over all its attempts. Used by one thread at a time; moves. Budgets outlives it.
class Reservation {
 public:
  Reservation() = default;  // of a caller without limits
  Reservation(Reservation&& other) noexcept;
  Reservation& operator=(Reservation&& other) noexcept;
  // A reservation that nobody settled is booked whole: the call may have cost that, and nobody knows better.
  ~Reservation();

  // Before one more attempt (a retry, a race, an escalation, a shadow): holds back `more` besides. False where it does
  // not fit: then the attempt is not to be made.
  [[nodiscard]] bool extend(const WorstCase& more);
  // The request has ended: books what all its attempts cost, and frees the rest. Unknown is booked as it was reserved.
  std::vector<BudgetWarning> settle(std::optional<Money> cost, int64_t tokens);
  // Nothing was sent: as if it had not been.
  void cancel();

 private:
  friend class Budgets;
  void book_whole();
  Budgets* budgets_ = nullptr;  // nullptr: nothing to settle
  std::string key_;
  int64_t at_ms_ = 0;  // when it was made: decides the period it is booked in
  Money held_;
  int64_t held_tokens_ = 0;
  int64_t request_slice_ = 0;
  int64_t token_slice_ = 0;
};

class Budgets {  // thread-safe
 public:
  using Clock = std::function<int64_t()>;           // milliseconds since 1970, UTC
  using Limits = std::map<std::string, KeyLimits>;  // by the key's name
  using Outcome = std::variant<Reservation, BudgetRefusal>;

  explicit Budgets(const Limits& limits, Clock clock = now_ms);
  Budgets(const Budgets&) = delete;
  Budgets& operator=(const Budgets&) = delete;
  ~Budgets();

  // After a reload. What keys have spent stays, under another period too. Keys without limits may be among them: their
  // spending is counted, for the reload that gives them a budget.
  void set_limits(const Limits& limits);

  // Exchanges from here on are to be told to restore() after a start, each once, before requests are served.
  int64_t restore_from_ms() const;
  void restore(const Exchange& exchange);

  // A caller that no limit is set for (an empty key too) gets an empty reservation.
  [[nodiscard]] Outcome reserve(const std::string& key, const WorstCase& most);

  struct Standing {
    Money spent;     // in the budget's present period
    Money reserved;  // for calls under way
  };
  std::optional<Standing> standing(const std::string& key) const;  // nothing where the key has no budget

 private:
  friend class Reservation;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace understudy
