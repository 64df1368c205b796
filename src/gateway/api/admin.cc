#include "gateway/api/admin.h"

#include <fmt/format.h>

#include <utility>

#include "base/json.h"
#include "gateway/api/keyring.h"
#include "gateway/wire/object_reader.h"

namespace understudy {

namespace {

constexpr std::string_view kRoutes = "/admin/routes";

HttpResponse json_response(const Json& value, int status = 200) {
  return HttpResponse::of(status, "application/json", dump_json(value));
}

void read_share(ObjectReader& fields, const char* key, double& share) {
  if (const auto value = fields.number(key, {0, 1})) share = *value;
}

void read_changes(ObjectReader& fields, Route& route) {
  read_share(fields, "share", route.share);
  read_share(fields, "sentinel", route.sentinel);
  if (const auto shadow = fields.boolean("shadow")) route.shadow = *shadow;
  if (const auto pinned = fields.text("pinned")) route.pinned = *pinned;
  if (const auto limit = fields.number("min_value_token_probability", {0, 1})) {
    route.min_value_token_probability = *limit;
  }
}

}  // namespace

void AdminApi::check_key(const HttpRequest& http) const {
  if (given_.key.empty()) {
    if (is_loopback_peer(http.peer)) return;
    throw Error(ErrorCode::kUnauthorized, "admin.key is not set: only callers of this machine are served");
  }
  if (!given_.key.matches(key_of(http))) throw Error(ErrorCode::kUnauthorized, "the admin key is not this one");
}

HttpResponse AdminApi::readiness() const {
  if (given_.recorder.healthy()) return json_response({{"status", "ready"}});
  return json_response({{"status", "not ready"}, {"reasons", Json::array({given_.recorder.fault()})}}, 503);
}

Awaitable<HttpResponse> AdminApi::answer(const HttpRequest& http) {
  if (http.path == "/healthz") co_return json_response({{"status", "ok"}});
  check_key(http);
  co_await resume_on(given_.workers);
  const bool is_get = http.method == "GET" || http.method == "HEAD";
  if (is_get && http.path == "/readyz") co_return readiness();
  if (is_get && http.path == "/metrics") {
    if (given_.before_metrics) given_.before_metrics();
    co_return HttpResponse::of(200, "text/plain; version=0.0.4; charset=utf-8", given_.metrics.text());
  }
  if (http.method == "POST" && http.path == "/admin/reload") {
    given_.reload();
    co_return json_response({{"status", "reloaded"}});
  }
  if (is_get && http.path == kRoutes) {
    given_.routes.refresh();
    Json list = Json::array();
    for (const Route& route : given_.routes.routes()) list.push_back(to_json(route));
    co_return json_response({{"routes", std::move(list)}});
  }
  const std::string prefix = std::string(kRoutes) + "/";
  if (http.path.rfind(prefix, 0) == 0) {
    const std::optional<std::string> task = percent_decode(http.path.substr(prefix.size()));
    if (task && !task->empty()) co_return route(http, *task);
  }
  throw Error(ErrorCode::kNotFound,
              fmt::format("{} {}: there is no such endpoint", http.method, http.path.substr(0, 200)));
}

HttpResponse AdminApi::route(const HttpRequest& http, const std::string& task) {
  if (http.method == "PUT") return change(task, http.body);
  if (http.method != "GET" && http.method != "HEAD") {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{} {}: not with this method", http.method, http.path));
  }
  given_.routes.refresh();
  const std::vector<Route> history = given_.routes.history(task);
  Json list = Json::array();
  for (const Route& route : history) list.push_back(to_json(route));
  return json_response({{"route", to_json(history.back())}, {"history", std::move(list)}});
}

HttpResponse AdminApi::change(const std::string& task, const std::string& body) {
  const Json value = parse_json(body, "the request's body");
  ObjectReader fields(value, "");
  RouteAuthor author{fields.require_text("who"), fields.text("why").value_or(""), given_.now_ms()};
  if (fields.boolean("reset").value_or(false)) {
    fields.finish();
    return json_response(to_json(given_.routes.reset(task, author)));
  }
  if (value.contains("rollback")) {
    const std::optional<int64_t> version = fields.integer("rollback", 0, INT64_MAX);
    fields.finish();
    return json_response(to_json(given_.routes.rollback(task, version, author)));
  }
  Route checked;
  read_changes(fields, checked);
  fields.finish();
  const Route changed = given_.routes.set(
      task,
      [&value](Route& route) {
        ObjectReader again(value, "");
        read_changes(again, route);
      },
      author);
  return json_response(to_json(changed));
}

}  // namespace understudy
