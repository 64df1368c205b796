#include "gateway/wire/token_text.h"

#include "gateway/wire/openai_common.h"

namespace understudy::token_text {

TokenizeRequest read_tokenize(std::string_view body) {
  const Json value = openai::parse_body(body);
  ObjectReader fields(value, "");
  TokenizeRequest request;
  request.model = fields.text("model").value_or("");
  request.content = fields.require_text("content");
  request.add_special = fields.boolean("add_special").value_or(request.add_special);
  request.parse_special = fields.boolean("parse_special").value_or(request.parse_special);
  fields.finish();
  return request;
}

std::string write_tokens(const std::vector<int32_t>& tokens) {
  return dump_json({{"tokens", tokens}});
}

DetokenizeRequest read_detokenize(std::string_view body) {
  const Json value = openai::parse_body(body);
  ObjectReader fields(value, "");
  DetokenizeRequest request;
  request.model = fields.text("model").value_or("");
  const Json& tokens = fields.require("tokens");
  if (!tokens.is_array()) throw field_error("tokens", "a list of token ids", tokens);
  for (const Json& token : tokens) {
    const bool is_id = token.is_number_integer() && token >= 0 && token <= INT32_MAX;
    if (!is_id) throw field_error("tokens", "whole numbers from 0", token);
    request.tokens.push_back(token.get<int32_t>());
  }
  fields.finish();
  return request;
}

std::string write_content(std::string_view content) {
  return dump_json({{"content", content}});
}

}  // namespace understudy::token_text
