// The room's page. records/ is what happened, as plain values (exchange.h, route.h, ledger_entry.h, eval_report.h), and
// the store that keeps them: SQLite by default, PostgreSQL by URL, one set of tests on both. It runs no model, sends no
// request, decides nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "records/exchange.h"
#include "records/ledger_entry.h"
#include "records/route.h"

namespace understudy {

// Where a reader of the segment log stands: everything before it is in the store.
struct LogPosition {
  uint64_t segment = 0;
  uint64_t offset = 0;
  auto operator<=>(const LogPosition&) const = default;
};

struct ExchangeFilter {
  std::string task;  // empty: all
  std::string key;
  std::string model;
  std::optional<int64_t> since_ms;  // inclusive
  std::optional<int64_t> until_ms;  // exclusive
  int64_t limit = 0;                // 0: all
  bool bodies = true;               // false: without request, answer and the attempts' answers, for sums
};

struct StoreAddress {
  std::string url;       // "sqlite:PATH" or "postgresql://user@host/database"; a password inside is refused
  std::string password;  // of PostgreSQL; empty: peer or trust
  // How long a write waits for a database that is locked, or for a server that is away.
  std::chrono::milliseconds patience{10'000};
};

// Every write is atomic and durable when its function returns; one that failed has changed nothing. Failures are Errors
// that name the store: kUnavailable where it was locked or away for longer than `patience` (to be tried again), kIo for
// anything else. Another process may read and write the same store.
class Store {  // thread-safe
 public:
  virtual ~Store() = default;

  // Puts the exchanges in (one that is there already, by id, is replaced) and moves the position, in one transaction:
  // feeding a piece of the log twice changes nothing.
  virtual void add(const std::vector<Exchange>& exchanges, LogPosition position) = 0;
  virtual LogPosition position() const = 0;

  // In the order of their time. `each` returns false to stop.
  virtual void each_exchange(const ExchangeFilter& filter, const std::function<bool(Exchange)>& each) const = 0;
  virtual std::optional<Exchange> exchange(std::string_view id) const = 0;
  // Removes request and answer (not the figures) of exchanges of `task` (empty: of tasks not in `except`) before
  // `before_ms`; returns how many.
  virtual int64_t forget_bodies(std::string_view task, const std::vector<std::string>& except, int64_t before_ms) = 0;

  // Route versions: the newest of a task, all of them oldest first, and one more (its version is newest + 1, else an
  // Error of kOverloaded: somebody else was quicker).
  virtual std::optional<Route> route(std::string_view task) const = 0;
  virtual std::vector<Route> route_history(std::string_view task) const = 0;
  virtual void add_route(const Route& route) = 0;

  // Entries booked by hand (training hours, review, relabelling).
  virtual void add_entry(const LedgerEntry& entry) = 0;
  virtual std::vector<LedgerEntry> entries() const = 0;
};

// Opens or makes it (an older schema is brought up to date, a newer one is refused). Throws kInvalidInput,
// kUnavailable, kIo; no message repeats an address that could hold a password.
std::unique_ptr<Store> open_store(const StoreAddress& address);

}  // namespace understudy
