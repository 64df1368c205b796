#include "gateway/api/handlers.h"
#include "gateway/api/reply.h"

namespace understudy {

Awaitable<HttpResponse> completions(Api& api, const HttpRequest& http, const std::string&) {
  return reply(api, openai_completions(), openai_completions().read_request(http.body), http.call);
}

}  // namespace understudy
