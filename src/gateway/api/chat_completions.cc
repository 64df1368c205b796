#include "gateway/api/handlers.h"
#include "gateway/api/reply.h"

namespace understudy {

Awaitable<HttpResponse> chat_completions(Api& api, const HttpRequest& http, const std::string&) {
  return reply(api, openai_chat(), http, {.body = http.body});
}

}  // namespace understudy
