// POST /v1/messages/count_tokens, answered here for every target alike: an estimate, and marked so.
#include "gateway/wire/count_tokens.h"

#include "gateway/api/handlers.h"
#include "gateway/wire/token_estimate.h"

namespace understudy {

Awaitable<HttpResponse> count_message_tokens(Api& api, const HttpRequest& http, const std::string&) {
  const Caller caller = api.identify(http);
  const ChatRequest request = count_tokens::read_request(http.body);
  HttpResponse response =
      HttpResponse::of(200, "application/json", count_tokens::write_count(estimate_prompt_tokens(request)));
  response.headers.emplace_back("X-Understudy-Estimated", "true");
  co_return response;
}

}  // namespace understudy
