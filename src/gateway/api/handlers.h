// The handlers of the table in endpoints.cc; each stands in the file of its name.
#pragma once

#include "gateway/api/api.h"

namespace understudy {

Awaitable<HttpResponse> chat_completions(Api& api, const HttpRequest& http, const std::string& rest);
Awaitable<HttpResponse> completions(Api& api, const HttpRequest& http, const std::string& rest);
Awaitable<HttpResponse> responses(Api& api, const HttpRequest& http, const std::string& rest);
Awaitable<HttpResponse> embeddings(Api& api, const HttpRequest& http, const std::string& rest);
Awaitable<HttpResponse> messages(Api& api, const HttpRequest& http, const std::string& rest);
Awaitable<HttpResponse> count_message_tokens(Api& api, const HttpRequest& http, const std::string& rest);
Awaitable<HttpResponse> generate_content(Api& api, const HttpRequest& http, const std::string& rest);
Awaitable<HttpResponse> list_models(Api& api, const HttpRequest& http, const std::string& rest);
Awaitable<HttpResponse> show_model(Api& api, const HttpRequest& http, const std::string& rest);
Awaitable<HttpResponse> tokenize(Api& api, const HttpRequest& http, const std::string& rest);
Awaitable<HttpResponse> detokenize(Api& api, const HttpRequest& http, const std::string& rest);
Awaitable<HttpResponse> is_alive(Api& api, const HttpRequest& http, const std::string& rest);
Awaitable<HttpResponse> is_ready(Api& api, const HttpRequest& http, const std::string& rest);
Awaitable<HttpResponse> show_metrics(Api& api, const HttpRequest& http, const std::string& rest);

}  // namespace understudy
