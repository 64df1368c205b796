// POST /v1/messages/count_tokens of Anthropic: a Messages request without max_tokens, answered by {"input_tokens": N}.
// Pure functions; read_* and write_count_request throw kInvalidInput with the field's name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "chat/conversation.h"

namespace understudy::count_tokens {

// max_tokens may be there and is kept.
ChatRequest read_request(std::string_view body);
// Without max_tokens and stream, and without what only an answer would be changed by (sampling, stop sequences,
// metadata): the endpoint takes nothing of it.
std::string write_request(const ChatRequest& request, std::vector<std::string>& dropped);

int64_t read_count(std::string_view body);
std::string write_count(int64_t input_tokens);

}  // namespace understudy::count_tokens
