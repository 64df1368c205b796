// POST /v1beta/models/{model}:generateContent and :streamGenerateContent.
#include "gateway/api/handlers.h"
#include "gateway/api/reply.h"

namespace understudy {

Awaitable<HttpResponse> generate_content(Api& api, const HttpRequest& http, const std::string& rest) {
  const size_t colon = rest.rfind(':');
  const std::string action = colon == std::string::npos ? "" : rest.substr(colon + 1);
  const bool is_stream = action == "streamGenerateContent";
  if (!is_stream && action != "generateContent") {
    throw Error(ErrorCode::kNotFound, "POST " + http.path.substr(0, 200) + ": there is no such endpoint",
                "models/NAME:generateContent or models/NAME:streamGenerateContent");
  }
  return reply(api, gemini(), http, {.model = rest.substr(0, colon), .stream = is_stream, .body = http.body});
}

}  // namespace understudy
