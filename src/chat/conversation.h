// The conversation as a value: the form in which work travels through the house. Plain values, no behaviour that decides.
// Protocols (gateway/wire) read and write it; providers answer it; engine/text renders it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace understudy {

enum class Role { kSystem, kDeveloper, kUser, kAssistant, kTool };
std::string_view to_string(Role role);  // "system", "developer", ...
std::optional<Role> role_from(std::string_view word);

// One part of a message. Text, or anything else (an image, audio, a file) as the JSON that the client sent.
struct ContentPart {
  std::string text;
  std::optional<Json> other;
};

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // JSON text, as the model wrote it
};

struct Message {
  Role role = Role::kUser;
  std::vector<ContentPart> content;
  std::vector<ToolCall> tool_calls;  // of an assistant
  std::string tool_call_id;          // of a tool's result
  std::string name;

  static Message of(Role role, std::string text);
  std::string text() const;  // of all text parts, joined
};

struct Tool {
  std::string name;
  std::string description;
  Json parameters;  // JSON Schema
};

// As Hugging Face's chat templates expect them: {"role", "content", "tool_calls", ...} and {"type": "function", ...}.
Json to_template_json(const std::vector<Message>& messages);
Json to_template_json(const std::vector<Tool>& tools);

struct SamplingSettings {
  double temperature = 1.0;
  double top_p = 1.0;
  int top_k = 0;  // 0: all
  double min_p = 0;
  double presence_penalty = 0;
  double frequency_penalty = 0;
  std::optional<uint64_t> seed;
  std::vector<std::pair<int32_t, float>> logit_bias;
};

// What an application asks for; the same for every protocol.
struct ChatRequest {
  std::string model;
  std::vector<Message> messages;
  std::vector<Tool> tools;
  std::optional<std::string> prompt;  // of /v1/completions: plain text instead of messages
  SamplingSettings sampling;
  std::optional<int64_t> max_tokens;
  std::vector<std::string> stop;
  bool logprobs = false;
  int top_logprobs = 0;
  bool stream = false;
  bool stream_usage = false;  // stream_options.include_usage
  int n = 1;
  bool echo = false;          // of /v1/completions
};

struct Usage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t cached_tokens = 0;  // of prompt_tokens
};

enum class FinishReason { kStop, kLength, kToolCalls, kContentFilter, kCancelled };
std::string_view to_string(FinishReason reason);  // OpenAI's words: "stop", "length", ...

struct TokenLogprob {
  std::string token;  // its bytes; may be half a character
  double logprob = 0;
};
struct TokenLogprobs {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top;
};

// A stream is always, per choice: any number of text events, then one finish; at the end one usage. A failure ends it anywhere.
struct TextEvent {
  int choice = 0;
  std::string text;  // whole characters
  std::vector<TokenLogprobs> logprobs;
};
struct FinishEvent {
  int choice = 0;
  FinishReason reason = FinishReason::kStop;
};
struct UsageEvent {
  Usage usage;
};
struct FailureEvent {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};
using ChatEvent = std::variant<TextEvent, FinishEvent, UsageEvent, FailureEvent>;

struct ChatChoice {
  std::string text;
  FinishReason reason = FinishReason::kStop;
  std::vector<TokenLogprobs> logprobs;
};
// The collected stream.
struct ChatAnswer {
  std::vector<ChatChoice> choices;
  Usage usage;
};

}  // namespace understudy
