// Method, path, handler, nothing else.
#include <algorithm>

#include "gateway/api/handlers.h"

namespace understudy {

const std::vector<Endpoint>& endpoints() {
  static const std::vector<Endpoint> table = {
      {"POST", "/v1/chat/completions", chat_completions},
      {"POST", "/v1/completions", completions},
      {"POST", "/v1/responses", responses},
      {"POST", "/v1/embeddings", embeddings},
      {"POST", "/v1/messages", messages},
      {"POST", "/v1/messages/count_tokens", count_message_tokens},
      {"POST", "/v1beta/models/*", generate_content},
      {"GET", "/v1/models", list_models},
      {"GET", "/v1/models/*", show_model},
      {"POST", "/tokenize", tokenize},
      {"POST", "/detokenize", detokenize},
      {"GET", "/healthz", is_alive},
      {"GET", "/readyz", is_ready},
      {"GET", "/metrics", show_metrics},
  };
  return table;
}

std::vector<Endpoint> gateway_endpoints() {
  std::vector<Endpoint> table = endpoints();
  table.erase(
      std::remove_if(table.begin(), table.end(), [](const Endpoint& endpoint) { return endpoint.path == "/metrics"; }),
      table.end());
  return table;
}

}  // namespace understudy
