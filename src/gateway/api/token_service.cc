#include "gateway/api/token_service.h"

#include <fmt/format.h>

namespace understudy {

const TokenService& token_service_of(const Router& router, const std::string& model) {
  const Provider* provider = router.find_or_only(model);
  if (provider == nullptr) throw model_not_found(model);
  const TokenService* service = provider->tokens();
  if (service != nullptr) return *service;
  throw Error(ErrorCode::kUnavailable, fmt::format("model: the tokenizer of {} is not here", model)).about("model");
}

}  // namespace understudy
