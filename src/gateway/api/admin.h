// The admin listener: metrics, readiness with reasons, and the routes of tasks at run time. Every request needs the
// admin key as a bearer token, but /healthz.
//
//   GET  /metrics                     Prometheus
//   GET  /healthz, /readyz
//   GET  /admin/routes                all routes as they stand
//   GET  /admin/routes/TASK           one, and its history
//   PUT  /admin/routes/TASK           {"share", "shadow", "sentinel", "pinned", "min_value_token_probability", "who",
//                                      "why", "rollback": VERSION | null, "reset": true}: a new version
//   POST /admin/reload                reads the config again
#pragma once

#include <functional>
#include <string>

#include "base/awaitable.h"
#include "base/executor.h"
#include "base/metrics.h"
#include "gateway/capture/recorder.h"
#include "gateway/routing/route_table.h"
#include "net/http_message.h"
#include "privacy/secret.h"

namespace understudy {

class AdminApi {  // thread-safe
 public:
  struct Surroundings {  // all outlive this object
    RouteTable& routes;
    Recorder& recorder;
    Metrics& metrics;
    Executor& workers;                     // the store may take its time
    std::function<void()> before_metrics;  // sets gauges; may be empty
    std::function<void()> reload;          // throws what is wrong with the config
    std::function<int64_t()> now_ms;
    Secret key;  // empty: only loopback callers, with no key asked for
  };
  explicit AdminApi(Surroundings surroundings) : given_(std::move(surroundings)) {}

  Awaitable<HttpResponse> answer(const HttpRequest& http);

 private:
  void check_key(const HttpRequest& http) const;
  HttpResponse readiness() const;
  HttpResponse route(const HttpRequest& http, const std::string& task);
  HttpResponse change(const std::string& task, const std::string& body);

  Surroundings given_;
};

}  // namespace understudy
