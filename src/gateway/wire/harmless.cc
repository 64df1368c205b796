#include "gateway/wire/harmless.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "gateway/wire/object_reader.h"

namespace understudy {

namespace {
constexpr std::string_view kHarmless[] = {
    "moderation",
    "prediction",    // the first changes no answer, the second only makes it quicker
    "service_tier",  // how soon it is answered
    "store",
    "include",         // what of thoughts and of the provider's own tools is told beside the answer
    "max_tool_calls",  // of the provider's own tools, which are refused themselves
    "prompt_cache_key",
    "prompt_cache_retention",
    // Anthropic's: what is cached, where and how quickly it is computed, what is told beside the answer.
    "cache_control",
    "inference_geo",
    "speed",
    "diagnostics",
    "user_profile_id",
    "fallback_credit_token",
    // Gemini's: limits of filters that others have none of, and marks for the bill.
    "safetySettings",
    "labels",
    "serviceTier",
};

// What OpenAI's chat completions and Responses both have, in the same words.
bool is_shared(std::string_view key, ProtocolName a, ProtocolName b) {
  const auto is_openai = [](ProtocolName name) {
    return name == ProtocolName::kOpenAiChat || name == ProtocolName::kOpenAiResponses;
  };
  return key == "verbosity" && is_openai(a) && is_openai(b);
}

}  // namespace

bool is_harmless_extra(std::string_view key) {
  return std::find(std::begin(kHarmless), std::end(kHarmless), key) != std::end(kHarmless);
}

void write_extras(const ChatRequest& request, ProtocolName target, Json& body, std::set<std::string>& dropped) {
  for (const auto& [key, native] : request.extras) {
    if (native.protocol == target || is_shared(key, native.protocol, target)) {
      body[key] = native.value;
    } else if (is_harmless_extra(key)) {
      dropped.insert(key);
    } else {
      throw unsupported_field(key, fmt::format("{} cannot express it", to_string(target)));
    }
  }
}

}  // namespace understudy
