// The vendor table: what differs between those who speak the same protocol is a row here, no code anywhere. Constant.
#pragma once

#include <string_view>
#include <vector>

#include "chat/conversation.h"

namespace understudy {

enum class Authentication { kNone, kBearer, kXApiKey, kGoogApiKey, kApiKey };  // how a key is sent

struct Vendor {
  std::string_view name;
  ProtocolName protocol = ProtocolName::kOpenAiChat;  // of conversations
  std::string_view base_url;  // as the vendor's own client takes it; empty: the config has to say
  Authentication authentication = Authentication::kBearer;
  bool needs_key = true;
  bool usage_in_stream = true;  // knows stream_options.include_usage
  bool has_responses = false;   // POST .../responses
  bool has_completions = true;  // POST .../completions
  bool has_count_tokens = false;
  std::string_view embeddings_path = "/embeddings";  // below base_url; empty: it has none
  bool knows_marks = false;  // another Understudy: it reads the marks of gateway/wire/signatures.h itself
  bool is_owned = false;     // runs on one's own machines: no price of a token
  std::string_view models_path = "/models";  // asked by health checks; below base_url
};

const std::vector<Vendor>& vendors();
const Vendor* find_vendor(std::string_view name);  // nullptr for an unknown one

}  // namespace understudy
