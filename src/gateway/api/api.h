// The room's page. gateway/api is the endpoints: one file each, and their table in endpoints.cc. A handler reads
// (gateway/wire), calls (gateway/routing) and writes (gateway/wire); nothing is decided in it. `serve` and the gateway
// are the same endpoints over a different Router. Handlers are coroutines on the HTTP server's threads; with a large
// body, where reading, rendering and tokenising take time, answer() sends them to the worker threads before they begin.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/awaitable.h"
#include "base/error.h"
#include "base/executor.h"
#include "gateway/api/request_metrics.h"
#include "gateway/routing/router.h"
#include "net/http_message.h"

namespace understudy {

class Api;
class Keyring;
struct KeeperTools;

// `rest` is what stands in the path where the endpoint has "*".
using EndpointHandler = Awaitable<HttpResponse> (*)(Api& api, const HttpRequest& http, const std::string& rest);

struct Endpoint {
  std::string_view method;
  std::string_view path;  // "/v1/models", or "/v1/models/*": one or more further characters
  EndpointHandler handler;
};

// The table of all endpoints; and that of the gateway's own listener, which has no /metrics: the admin listener has it.
const std::vector<Endpoint>& endpoints();
std::vector<Endpoint> gateway_endpoints();

class Api {  // thread-safe
 public:
  // All outlive this object. `now` gives seconds since 1970; `random_id` a new word for each answer's id.
  struct Surroundings {
    Router& router;
    Executor& workers;
    Metrics& metrics;
    std::function<int64_t()> now;
    std::function<std::string()> random_id;
    // Of the gateway; `serve` keeps nothing and asks nobody for a key.
    const KeeperTools* keeper = nullptr;
    std::function<std::shared_ptr<const Keyring>()> keyring;
    std::function<int64_t()> now_ms;
    int nesting = 64;                      // levels of a request's JSON
    std::vector<Endpoint> endpoints = {};  // instead of endpoints()
  };
  explicit Api(Surroundings surroundings);

  // What an HttpServer calls. Unknown paths are 404, other methods 405, both in OpenAI's shape. HEAD is GET without a
  // body.
  Awaitable<HttpResponse> answer(const HttpRequest& http);
  // OpenAI's error object.
  static HttpResponse write_error(int status, const Error& error);

  Router& router() { return given_.router; }
  Metrics& metrics() { return given_.metrics; }
  RequestMetrics& request_metrics() { return request_metrics_; }
  // Throws kUnauthorized. Everybody, where there is no keyring.
  Caller identify(const HttpRequest& http) const;
  const KeeperTools* keeper_tools() const { return given_.keeper; }
  int nesting() const { return given_.nesting; }
  int64_t now() const { return given_.now(); }
  int64_t now_ms() const { return given_.now_ms ? given_.now_ms() : 1000 * given_.now(); }
  std::string random_id() const { return given_.random_id(); }

 private:
  const std::vector<Endpoint>& table() const { return given_.endpoints.empty() ? endpoints() : given_.endpoints; }

  Surroundings given_;
  RequestMetrics request_metrics_;
};

}  // namespace understudy
