// A store in a file that fails on demand, as one that is locked or gone.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "records/store.h"

namespace understudy::testing {

class FaultyStore : public Store {
 public:
  explicit FaultyStore(const std::filesystem::path& file) : store_(open_store({.url = "sqlite:" + file.string()})) {}

  std::atomic<bool> down{false};
  std::atomic<int> n_adds{0};
  std::atomic<int> n_refused{0};

  void add(const std::vector<Exchange>& exchanges, LogPosition position) override {
    if (down) {
      ++n_refused;
      throw Error(ErrorCode::kIo, "store: database is locked");
    }
    ++n_adds;
    store_->add(exchanges, position);
  }
  LogPosition position() const override { return store_->position(); }
  void each_exchange(const ExchangeFilter& filter, const std::function<bool(Exchange)>& each) const override {
    store_->each_exchange(filter, each);
  }
  std::optional<Exchange> exchange(std::string_view id) const override { return store_->exchange(id); }
  int64_t forget_bodies(std::string_view task, const std::vector<std::string>& except, int64_t before_ms) override {
    return store_->forget_bodies(task, except, before_ms);
  }
  std::optional<Route> route(std::string_view task) const override { return store_->route(task); }
  std::vector<Route> route_history(std::string_view task) const override { return store_->route_history(task); }
  void add_route(const Route& route) override { store_->add_route(route); }
  void add_entry(const LedgerEntry& entry) override { store_->add_entry(entry); }
  std::vector<LedgerEntry> entries() const override { return store_->entries(); }

 private:
  std::unique_ptr<Store> store_;
};

inline std::vector<std::string> ids_in(const Store& store) {
  std::vector<std::string> ids;
  store.each_exchange({}, [&](const Exchange& exchange) {
    ids.push_back(exchange.id);
    return true;
  });
  return ids;
}

}  // namespace understudy::testing
