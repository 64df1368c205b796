// A store in memory, for tests of what stands above it: routes and entries; exchanges by id.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "records/store.h"

namespace understudy::testing {

class MemoryStore : public Store {  // thread-safe
 public:
  void add(const std::vector<Exchange>& exchanges, LogPosition position) override {
    const std::lock_guard lock(mutex_);
    for (const Exchange& exchange : exchanges) exchanges_[exchange.id] = exchange;
    position_ = position;
  }
  LogPosition position() const override {
    const std::lock_guard lock(mutex_);
    return position_;
  }
  void each_exchange(const ExchangeFilter&, const std::function<bool(Exchange)>& each) const override {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, exchange] : exchanges_) {
      if (!each(exchange)) return;
    }
  }
  std::optional<Exchange> exchange(std::string_view id) const override {
    const std::lock_guard lock(mutex_);
    const auto found = exchanges_.find(id);
    return found == exchanges_.end() ? std::nullopt : std::optional<Exchange>(found->second);
  }
  int64_t forget_bodies(std::string_view, const std::vector<std::string>&, int64_t) override { return 0; }
  std::optional<Route> route(std::string_view task) const override {
    const std::vector<Route> versions = route_history(task);
    return versions.empty() ? std::nullopt : std::optional<Route>(versions.back());
  }
  std::vector<Route> route_history(std::string_view task) const override {
    const std::lock_guard lock(mutex_);
    const auto found = routes_.find(task);
    return found == routes_.end() ? std::vector<Route>() : found->second;
  }
  void add_route(const Route& route) override {
    const std::lock_guard lock(mutex_);
    std::vector<Route>& versions = routes_[route.task];
    const int64_t newest = versions.empty() ? 0 : versions.back().version;
    if (route.version != newest + 1) throw Error(ErrorCode::kOverloaded, "somebody else was quicker");
    versions.push_back(route);
  }
  void add_entry(const LedgerEntry& entry) override {
    const std::lock_guard lock(mutex_);
    entries_.push_back(entry);
  }
  std::vector<LedgerEntry> entries() const override {
    const std::lock_guard lock(mutex_);
    return entries_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Exchange, std::less<>> exchanges_;
  LogPosition position_;
  std::map<std::string, std::vector<Route>, std::less<>> routes_;
  std::vector<LedgerEntry> entries_;
};

}  // namespace understudy::testing
