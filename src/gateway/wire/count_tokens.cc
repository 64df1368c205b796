#include "gateway/wire/count_tokens.h"

#include "gateway/wire/anthropic_parts.h"

namespace understudy::count_tokens {

ChatRequest read_request(std::string_view body) {
  return anthropic::read_request(body, anthropic::Bound::kNone);
}

std::string write_request(const ChatRequest& request, std::vector<std::string>& dropped) {
  ChatRequest counted = request;
  counted.sampling = {};
  counted.stop.clear();
  counted.user.clear();
  counted.metadata.clear();
  counted.stream = false;
  counted.logprobs = false;
  counted.top_logprobs = 0;
  counted.n = 1;
  counted.extras.erase("service_tier");
  return anthropic::write_request(counted, anthropic::Bound::kNone, dropped);
}

int64_t read_count(std::string_view body) {
  const Json value = parse_json(body, "the answer's body", {.depth = anthropic::kDepth});
  ObjectReader fields(value, "");
  fields.require("input_tokens");
  return *fields.integer("input_tokens", 0, INT64_MAX);
}

std::string write_count(int64_t input_tokens) {
  return dump_json({{"input_tokens", input_tokens}});
}

}  // namespace understudy::count_tokens
