#include "gateway/routing/route_table.h"

#include <fmt/format.h>

#include "base/error.h"

namespace understudy {

namespace {

void check_share(double value, const char* member) {
  if (value >= 0 && value <= 1) return;
  throw Error(ErrorCode::kInvalidInput, fmt::format("{}: expected a share from 0% to 100%, got {:g}", member, value));
}

Error no_task(const std::string& task) {
  return Error(ErrorCode::kNotFound, fmt::format("there is no task \"{}\" in the config", task),
               "`understudy routes list` names those that are");
}

}  // namespace

void check_route(const Route& route) {
  check_share(route.share, "share");
  check_share(route.sentinel, "sentinel");
  if (route.min_value_token_probability) check_share(*route.min_value_token_probability, "min_value_token_probability");
  if (route.pinned.empty() || route.pinned == "teacher" || route.pinned == "specialist") return;
  throw Error(ErrorCode::kInvalidInput,
              fmt::format("pinned: expected teacher, specialist or nothing, got \"{}\"", route.pinned));
}

void RouteTable::configure(const std::vector<Route>& routes) {
  {
    MutexLock lock(mutex_);
    first_.clear();
    for (const Route& route : routes) first_[route.task] = route;
  }
  refresh();
}

void RouteTable::refresh() {
  std::map<std::string, Route> current;
  {
    MutexLock lock(mutex_);
    current = first_;
  }
  for (auto& [task, route] : current) {
    if (std::optional<Route> changed = store_.route(task)) route = std::move(*changed);
  }
  MutexLock lock(mutex_);
  current_ = std::move(current);
}

std::optional<Route> RouteTable::route(const std::string& task) const {
  MutexLock lock(mutex_);
  const auto found = current_.find(task);
  return found == current_.end() ? std::nullopt : std::optional<Route>(found->second);
}

std::vector<Route> RouteTable::routes() const {
  MutexLock lock(mutex_);
  std::vector<Route> routes;
  for (const auto& [task, route] : current_) routes.push_back(route);
  return routes;
}

Route RouteTable::first(const std::string& task) const {
  MutexLock lock(mutex_);
  const auto found = first_.find(task);
  if (found == first_.end()) throw no_task(task);
  return found->second;
}

std::vector<Route> RouteTable::history(const std::string& task) const {
  std::vector<Route> versions = {first(task)};
  for (Route& route : store_.route_history(task)) versions.push_back(std::move(route));
  return versions;
}

Route RouteTable::set(const std::string& task, const std::function<void(Route&)>& change, const RouteAuthor& author) {
  Route next = first(task);
  if (std::optional<Route> newest = store_.route(task)) next = std::move(*newest);
  const int64_t version = next.version;
  change(next);
  next.version = version;
  return add(task, std::move(next), author);
}

Route RouteTable::rollback(const std::string& task, std::optional<int64_t> version, const RouteAuthor& author) {
  const std::vector<Route> versions = history(task);
  const int64_t newest = versions.back().version;
  const int64_t wanted = version.value_or(newest - 1);
  for (const Route& route : versions) {
    if (route.version != wanted || wanted == newest) continue;
    Route next = route;
    next.version = newest;
    return add(task, std::move(next), author);
  }
  throw Error(ErrorCode::kNotFound,
              fmt::format("the route of {} has no version {} to go back to; it stands at {}", task, wanted, newest));
}

Route RouteTable::reset(const std::string& task, const RouteAuthor& author) {
  const Route config = first(task);
  return set(
      task,
      [&config](Route& route) {
        const int64_t version = route.version;
        route = config;
        route.version = version;
      },
      author);
}

// `next.version` is the one that it was made from.
Route RouteTable::add(const std::string& task, Route next, const RouteAuthor& author) {
  check_route(next);
  next.task = task;
  ++next.version;
  next.who = author.who;
  next.why = author.why;
  next.at_ms = author.at_ms;
  store_.add_route(next);
  MutexLock lock(mutex_);
  const auto current = current_.find(task);
  if (current != current_.end() && current->second.version < next.version) current->second = next;
  return next;
}

}  // namespace understudy
