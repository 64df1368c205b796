#include "gateway/api/handlers.h"
#include "gateway/api/reply.h"

namespace understudy {

Awaitable<HttpResponse> embeddings(Api& api, const HttpRequest& http, const std::string&) {
  return reply(api, openai_embeddings(), http, {.body = http.body});
}

}  // namespace understudy
