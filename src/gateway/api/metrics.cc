#include "base/metrics.h"

#include "gateway/api/handlers.h"

namespace understudy {

Awaitable<HttpResponse> show_metrics(Api& api, const HttpRequest&, const std::string&) {
  api.request_metrics().set_load(api.router().load());
  co_return HttpResponse::of(200, "text/plain; version=0.0.4; charset=utf-8", api.metrics().text());
}

}  // namespace understudy
