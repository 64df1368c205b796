#include "gateway/routing/router.h"

#include <fmt/format.h>

namespace understudy {

Error model_not_found(std::string_view model) {
  return Error(ErrorCode::kNotFound, fmt::format("model: there is no model \"{}\"", model.substr(0, 100)),
               "GET /v1/models lists those that are served")
      .about("model", "model_not_found");
}

}  // namespace understudy
