// Sums over exchanges: what was spent, by task, model, key, tag and day, and how fast teacher and specialist were.
// Every attempt is counted once (retries, losers of a race, shadows, calls that broke off), so that a sum here equals
// the sum over the exchanges and, per model, the provider's invoice. What has no known price is counted apart, never as
// 0. Entries booked by hand stand beside it. Used by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "economics/parties.h"
#include "economics/price_book.h"
#include "records/exchange.h"
#include "records/ledger_entry.h"

namespace understudy {

struct Spend {
  int64_t requests = 0;  // exchanges; by model: those in which it was asked
  int64_t attempts = 0;
  Usage tokens;           // of all attempts; `estimated` where some of them were counted by us
  Money cost;             // of the attempts whose price is known
  int64_t unknown = 0;    // attempts without a known price
  Usage unknown_tokens;   // theirs, also in `tokens`
  int64_t estimated = 0;  // exchanges with usage that was counted by us
  int64_t partial = 0;    // exchanges whose answer has no proper end
  int64_t failed = 0;     // exchanges that the client got no answer to
  Money entries;          // booked by hand, not in `cost`
};
void add(Usage& sum, const Usage& usage);

// The smallest value that a share of all is not above ("nearest rank"); nothing of no values.
std::optional<double> quantile(std::vector<double> values, double share);

struct LatencyFigures {
  int64_t n = 0;  // answers
  std::optional<double> first_token_p50_ms, first_token_p95_ms;
  std::optional<double> total_p50_ms, total_p95_ms;
};

class LatencySample {  // of attempts that answered
 public:
  void add(const ExchangeAttempt& attempt);
  LatencyFigures figures() const;

 private:
  std::vector<double> first_token_ms_;
  std::vector<double> total_ms_;
};

class Ledger {
 public:
  explicit Ledger(Parties parties) : parties_(std::move(parties)) {}

  void add(const Exchange& exchange);
  void add(const LedgerEntry& entry);

  using Sums = std::map<std::string, Spend>;
  const Spend& total() const { return total_; }
  const Sums& by_task() const { return by_task_; }    // "": of no task
  const Sums& by_model() const { return by_model_; }  // "provider/model", by attempt
  const Sums& by_key() const { return by_key_; }      // "": without a key
  const Sums& by_tag() const { return by_tag_; }      // "team=billing"; an exchange with several tags stands in each
  const Sums& by_day() const { return by_day_; }      // "2026-11-25", UTC
  LatencyFigures latency(Side side) const;            // of all tasks together
  LatencyFigures latency(const std::string& task, Side side) const;

 private:
  Parties parties_;
  Spend total_;
  Sums by_task_, by_model_, by_key_, by_tag_, by_day_;
  std::map<std::pair<std::string, Side>, LatencySample> latency_;
  std::map<Side, LatencySample> latency_of_all_;
};

// Money as decimal strings in USD, latency as null where nothing was measured.
Json to_json(const Spend& spend);
Json to_json(const LatencyFigures& figures);
Json to_json(const Ledger& ledger);

// The exchange with every attempt priced by `book` at the time when it was made, and the sum of that. With the book
// that priced it at first nothing changes. Attempts without tokens cost nothing; one that was priced as "owned" stays
// so where the book has no row for it.
Exchange repriced(Exchange exchange, const PriceBook& book, const Parties& parties);

}  // namespace understudy
