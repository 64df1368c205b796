#include "gateway/api/handlers.h"
#include "gateway/api/token_service.h"
#include "gateway/wire/token_text.h"

namespace understudy {

Awaitable<HttpResponse> detokenize(Api& api, const HttpRequest& http, const std::string&) {
  const token_text::DetokenizeRequest request = token_text::read_detokenize(http.body);
  const std::string content = token_service_of(api.router(), request.model).detokenize(request.tokens);
  co_return HttpResponse::of(200, "application/json", token_text::write_content(content));
}

}  // namespace understudy
