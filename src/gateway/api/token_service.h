// Whose words /tokenize and /detokenize speak.
#pragma once

#include <string>

#include "gateway/routing/router.h"

namespace understudy {

// Throws model_not_found; kUnavailable for a model whose tokenizer is not here.
const TokenService& token_service_of(const Router& router, const std::string& model);

}  // namespace understudy
