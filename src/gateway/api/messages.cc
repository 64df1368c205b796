#include "gateway/api/handlers.h"
#include "gateway/api/reply.h"

namespace understudy {

Awaitable<HttpResponse> messages(Api& api, const HttpRequest& http, const std::string&) {
  return reply(api, anthropic_messages(), http, {.body = http.body});
}

}  // namespace understudy
