#include "gateway/routing/router.h"

#include <fmt/format.h>

#include "gateway/wire/wire_request.h"

namespace understudy {

Error model_not_found(std::string_view model) {
  return Error(ErrorCode::kNotFound, fmt::format("model: there is no model \"{}\"", model.substr(0, 100)),
               "GET /v1/models lists those that are served")
      .about("model", "model_not_found");
}

Error no_embeddings(std::string_view model) {
  return Error(
             ErrorCode::kInvalidInput,
             fmt::format("model: nobody behind \"{}\" has embeddings: it answers conversations", model.substr(0, 100)),
             "name a model whose provider has POST /v1/embeddings; a specialist never has")
      .about("model", "unsupported_value");
}

bool asks_for_embeddings(const WireRequest& request) {
  return request.protocol().name() == ProtocolName::kOpenAiEmbeddings;
}

}  // namespace understudy
