#include "gateway/api/handlers.h"
#include "gateway/api/token_service.h"
#include "gateway/wire/token_text.h"

namespace understudy {

Awaitable<HttpResponse> tokenize(Api& api, const HttpRequest& http, const std::string&) {
  const token_text::TokenizeRequest request = token_text::read_tokenize(http.body);
  const TokenService& service = token_service_of(api.router(), request.model);
  const auto tokens = service.tokenize(request.content, request.add_special, request.parse_special);
  co_return HttpResponse::of(200, "application/json", token_text::write_tokens(tokens));
}

}  // namespace understudy
