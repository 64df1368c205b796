// The route of each task as it stands now. The config says what a route starts with (version 0); every change at run
// time is a version in the store, with who, when and why, and from then on the store's newest rules: a reload of the
// config changes version 0 only. Requests read a copy in memory; changes made by another process (the command line) are
// seen by refresh().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "records/route.h"
#include "records/store.h"

namespace understudy {

// Who changes a route, and why.
struct RouteAuthor {
  std::string who;
  std::string why;
  int64_t at_ms = 0;
};

class RouteTable {  // thread-safe
 public:
  // `store` outlives it.
  explicit RouteTable(Store& store) : store_(store) {}

  // The config's routes; tasks that are not among them are forgotten here (their versions stay in the store). Reads the
  // store. Throws kIo.
  void configure(const std::vector<Route>& routes) EXCLUDES(mutex_);
  // Reads the newest versions again. Throws kIo: what was known stays.
  void refresh() EXCLUDES(mutex_);

  // Does not touch the store. Nothing for a task that is not configured.
  std::optional<Route> route(const std::string& task) const EXCLUDES(mutex_);
  std::vector<Route> routes() const EXCLUDES(mutex_);
  // Version 0 and all changes, oldest first. Throws kNotFound for a task that is not configured, kIo.
  std::vector<Route> history(const std::string& task) const EXCLUDES(mutex_);

  // Each gives the new version. `change` edits a copy of the current one. Throw kNotFound for a task that is not
  // configured, kInvalidInput for a value out of range, kOverloaded where somebody else was quicker, kIo.
  Route set(const std::string& task, const std::function<void(Route&)>& change, const RouteAuthor& author)
      EXCLUDES(mutex_);
  // What `version` said (without one: the version before the current one), as a new version.
  Route rollback(const std::string& task, std::optional<int64_t> version, const RouteAuthor& author) EXCLUDES(mutex_);
  Route reset(const std::string& task, const RouteAuthor& author) EXCLUDES(mutex_);  // what the config says

 private:
  Route add(const std::string& task, Route next, const RouteAuthor& author) EXCLUDES(mutex_);
  Route first(const std::string& task) const EXCLUDES(mutex_);

  Store& store_;
  mutable Mutex mutex_;
  std::map<std::string, Route> first_ GUARDED_BY(mutex_);    // of the config
  std::map<std::string, Route> current_ GUARDED_BY(mutex_);  // of the store, else of the config
};

// Throws kInvalidInput naming the member.
void check_route(const Route& route);

}  // namespace understudy
