// The rent-versus-buy sum on what was captured: what the specialists' tasks cost as they ran, and what the same
// requests would have cost rented. Pure; no store, no table, no advice beyond sentences. Used by one thread.
//
// Four figures, all of the same exchanges: those of the tasks in which a specialist answered (of all tasks where none
// did). Attempts are priced, not calls: retries, losers of a race, calls that broke off.
//
//   rented     what the teacher was paid, without shadows, and for every exchange that a specialist answered what the
//              teacher would have been paid (the counterfactual):
//                prompt = the specialist's · (teacher's / specialist's prompt tokens over the pairs)
//                answer = the specialist's · (teacher's / specialist's answer tokens over the pairs)
//              where a pair is an exchange that both answered (an escalation, a shadow). Without pairs it is the mean
//              of what the teacher answered of this task; without that, the specialist's own counts. Cached,
//              cache-written and thought tokens have the shares that the teacher's answers of this task have.
//   cached     the same with a prompt cache used as well as the traffic allows: the static prompt (as the task's bodies
//              have it, kCacheableTokens at least) is read from the cache where a request with the same fingerprint
//              came at most kCacheLife before, else written to it. Never dearer than `rented`.
//   optimised  that, and as batch what was no stream, at the price row's share. Batch answers may take a day.
//   owned      what was paid: every attempt, shadows too, the specialists' own at hosting's price where one is given,
//              else at the price book's (0 for an own machine).
//
// Figures of a day and a year are the period's, stretched: a day is total / days, a year 365 days.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "economics/cost_input.h"
#include "economics/parties.h"
#include "economics/price_book.h"
#include "economics/prompt_shape.h"
#include "records/exchange.h"
#include "records/ledger_entry.h"

namespace understudy {

// Providers cache prompts of 1,024 tokens and more for five minutes at least (OpenAI, Anthropic, Gemini).
inline constexpr int64_t kCacheableTokens = 1024;
inline constexpr int64_t kCacheLifeMs = 300'000;

struct TrafficQuestion {
  Parties parties;
  struct Teacher {
    std::string vendor;
    std::string model;
  };
  std::map<std::string, Teacher> teachers;  // by task: who would have answered
  OwnedCost hosting;     // per_million, or per_hour with tokens_per_second and utilisation, or neither
  OneTimeCost one_time;  // beside the entries
  RunningCost running;
  std::chrono::nanoseconds horizon = std::chrono::hours(24 * 365);
};

struct TrafficShares {
  std::optional<double> requests;  // of all that were answered
  std::optional<double> tokens;    // prompt and answer
  std::optional<double> spend;     // of what all would have cost rented
};

struct TrafficCostResult {
  int64_t first_ms = 0;  // of the traffic; both 0 without any
  int64_t last_ms = 0;
  double days = 0;
  int64_t requests = 0;      // of all tasks
  TrafficShares specialist;  // what specialists answered, of all tasks
  int64_t escalated = 0;     // exchanges that a specialist began and a teacher answered

  std::vector<std::string> tasks;          // that the figures below are of
  Money rented, cached, optimised, owned;  // of the period
  Money counterfactual;                    // the part of `rented` that nobody paid
  int64_t counterfactual_requests = 0;
  int64_t pairs = 0;
  int64_t unknown_priced = 0;          // attempts whose price is unknown: in none of the figures
  int64_t unknown_counterfactual = 0;  // specialist's exchanges whose teacher has no known price, likewise
  double static_share = 0;             // of the tasks' prompt tokens: static prompt
  double cacheable_share = 0;          // of the tasks' prompt tokens: read from a cache used as well as possible
  std::optional<int64_t> machines;     // where hosting is by the hour

  Money rented_per_day, cached_per_day, optimised_per_day, owned_per_day;
  Money rented_per_year, cached_per_year, optimised_per_year, owned_per_year;  // the last with running costs
  Money running_per_year;
  Money one_time;
  Money savings_per_year;               // of `optimised`, the cheapest way to rent; negative where renting wins
  std::optional<double> savings_share;  // of optimised_per_year
  std::optional<double> payback_days;
  double horizon_days = 365;
  bool own_wins = false;             // owning is cheaper and pays back within the horizon
  std::vector<std::string> reasons;  // whole sentences; the first is the answer
};

// Static tokens of a prompt that a well-used cache would have read or written.
struct CacheUse {
  int64_t reads = 0;
  int64_t writes = 0;
};

class TrafficCost {
 public:
  TrafficCost(const PriceBook& book, TrafficQuestion question);
  ~TrafficCost();

  void add(const Exchange& exchange, const PromptShape& shape);  // in the order of their time
  void add(const LedgerEntry& entry);
  TrafficCostResult result() const;

 private:
  struct Task;
  struct Sums;
  CacheUse note_prompt(const Exchange& exchange, const PromptShape& shape, Task& task);
  void add_paid(const Exchange& exchange, const ExchangeAttempt& attempt, CacheUse cache, Task& task);
  void add_replaced(const Exchange& exchange, const Usage& usage, CacheUse cache, Task& task);
  void add_pair(const Exchange& exchange, Task& task);
  Sums sums(TrafficCostResult& result) const;

  const PriceBook& book_;
  TrafficQuestion question_;
  std::map<std::string, Task> tasks_;
  std::map<std::string, int64_t> last_seen_ms_;  // by fingerprint
  int64_t first_ms_ = 0;
  int64_t last_ms_ = 0;
  Money entries_;
};

// Money as decimal strings in USD, absent figures as null.
Json to_json(const TrafficCostResult& result);

}  // namespace understudy
