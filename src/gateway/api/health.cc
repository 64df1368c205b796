// Two questions of an orchestrator: is the process alive (else restart it), and may it be sent requests (else wait).
#include "gateway/api/handlers.h"

namespace understudy {

Awaitable<HttpResponse> is_alive(Api&, const HttpRequest&, const std::string&) {
  co_return HttpResponse::of(200, "application/json", R"({"status":"ok"})");
}

Awaitable<HttpResponse> is_ready(Api& api, const HttpRequest&, const std::string&) {
  if (!api.router().models({}).empty()) co_return HttpResponse::of(200, "application/json", R"({"status":"ready"})");
  throw Error(ErrorCode::kUnavailable, "no model is loaded");
}

}  // namespace understudy
