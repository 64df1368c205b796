// POST /v1/messages/count_tokens: counted by the provider that would be asked, where it can; else estimated here, and
// marked so.
#include "gateway/wire/count_tokens.h"

#include <optional>

#include "gateway/api/handlers.h"
#include "gateway/api/reply.h"
#include "gateway/wire/token_estimate.h"

namespace understudy {

namespace {

HttpResponse estimate(const std::string& body) {
  const int64_t tokens = estimate_prompt_tokens(count_tokens::read_request(body));
  HttpResponse response = HttpResponse::of(200, "application/json", count_tokens::write_count(tokens));
  response.headers.emplace_back("X-Understudy-Estimated", "true");
  return response;
}

Awaitable<HttpResponse> count(Api& api, const HttpRequest& http) {
  const Caller caller = api.identify(http);
  WireRequest request(anthropic_messages(), {.body = http.body}, api.nesting());
  request.forward(forwarded_headers(http));
  std::optional<TokenCount> said = co_await api.router().count_tokens(request, caller, http.call);
  if (!said) co_return estimate(http.body);
  if (const auto* failure = std::get_if<ProviderFailure>(&*said)) {
    co_return failure_response(anthropic_messages(), *failure);
  }
  CountedTokens& counted = std::get<CountedTokens>(*said);
  HttpResponse response = HttpResponse::of(200, "application/json", std::move(counted.body));
  add_trace_headers(counted.trace_headers, response);
  co_return response;
}

}  // namespace

Awaitable<HttpResponse> count_message_tokens(Api& api, const HttpRequest& http, const std::string&) {
  std::optional<Error> fault;
  try {
    HttpResponse response = co_await count(api, http);
    co_return response;
  } catch (const Error& error) {
    fault = error;
  }
  co_return error_response(anthropic_messages(), http_status(fault->code()), *fault);
}

}  // namespace understudy
