#include "gateway/api/token_service.h"

#include <fmt/format.h>

#include <algorithm>

namespace understudy {

const TokenService& token_service_of(const Router& router, const std::string& model) {
  const TokenService* service = router.tokens(model);
  if (service != nullptr) return *service;
  const std::vector<ProviderModel> models = router.models({});
  const auto is_named = [&model](const ProviderModel& entry) { return entry.name == model; };
  if (std::none_of(models.begin(), models.end(), is_named)) throw model_not_found(model);
  throw Error(ErrorCode::kUnavailable, fmt::format("model: the tokenizer of {} is not here", model)).about("model");
}

}  // namespace understudy
