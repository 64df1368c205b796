#include "gateway/providers/vendor.h"

#include <algorithm>

namespace understudy {

// Addresses as the vendors' own documentation gives them for their clients' base_url.
const std::vector<Vendor>& vendors() {
  static const std::vector<Vendor> table = {
      {.name = "openai", .base_url = "https://api.openai.com/v1", .has_responses = true},
      {.name = "anthropic",
       .protocol = ProtocolName::kAnthropic,
       .base_url = "https://api.anthropic.com",
       .authentication = Authentication::kXApiKey,
       .has_completions = false,
       .has_count_tokens = true,
       .embeddings_path = "",
       .models_path = "/v1/models"},
      {.name = "gemini",
       .protocol = ProtocolName::kGemini,
       .base_url = "https://generativelanguage.googleapis.com",
       .authentication = Authentication::kGoogApiKey,
       .has_completions = false,
       .embeddings_path = "/v1beta/openai/embeddings",  // of its own form of OpenAI's protocol
       .models_path = "/v1beta/models"},
      // https://RESOURCE.openai.azure.com/openai/v1: the version-free form of its API, deployments as models.
      {.name = "azure", .authentication = Authentication::kApiKey, .has_responses = true},
      // For models that answer at no other endpoint: every application's request goes there.
      {.name = "openai-responses",
       .protocol = ProtocolName::kOpenAiResponses,
       .base_url = "https://api.openai.com/v1",
       .has_responses = true,
       .has_completions = false,
       .embeddings_path = ""},
      {.name = "groq", .base_url = "https://api.groq.com/openai/v1", .has_responses = true, .embeddings_path = ""},
      {.name = "together", .base_url = "https://api.together.xyz/v1"},
      {.name = "fireworks", .base_url = "https://api.fireworks.ai/inference/v1", .has_responses = true},
      {.name = "openrouter", .base_url = "https://openrouter.ai/api/v1", .has_responses = true},
      // Mistral refuses fields that it does not know, stream_options among them, and sends usage unasked.
      {.name = "mistral", .base_url = "https://api.mistral.ai/v1", .usage_in_stream = false, .has_completions = false},
      {.name = "vllm", .needs_key = false, .has_responses = true, .is_owned = true},
      {.name = "llama-server", .needs_key = false, .is_owned = true},
      {.name = "ollama", .base_url = "http://127.0.0.1:11434/v1", .needs_key = false, .is_owned = true},
      {.name = "understudy", .needs_key = false, .has_responses = true, .knows_marks = true, .is_owned = true},
  };
  return table;
}

const Vendor* find_vendor(std::string_view name) {
  const std::vector<Vendor>& table = vendors();
  const auto found = std::find_if(table.begin(), table.end(), [name](const Vendor& row) { return row.name == name; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace understudy
