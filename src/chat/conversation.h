// The conversation as a value: the form in which work travels through the house. Plain values, no behaviour that
// decides. Protocols (gateway/wire) read and write it; providers answer it; engine/text renders it.
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
  bool operator==(const ContentPart&) const = default;
};

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // JSON text, as the model wrote it
  bool operator==(const ToolCall&) const = default;
};

struct Message {
  Role role = Role::kUser;
  std::vector<ContentPart> content;
  std::vector<ToolCall> tool_calls;  // of an assistant
  std::string tool_call_id;          // of a tool's result
  std::string name;

  static Message of(Role role, std::string text);
  std::string text() const;  // of all text parts, joined
  bool operator==(const Message&) const = default;
};

struct Tool {
  std::string name;
  std::string description;
  Json parameters;  // JSON Schema
  bool operator==(const Tool&) const = default;
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
  bool operator==(const SamplingSettings&) const = default;
};

enum class ToolChoice { kAuto, kNone };  // kNone: tools are not offered to the model

// What an application asks for; the same for every protocol.
struct ChatRequest {
  std::string model;
  std::vector<Message> messages;
  std::vector<Tool> tools;
  ToolChoice tool_choice = ToolChoice::kAuto;
  std::optional<std::string> prompt;  // of /v1/completions: plain text instead of messages
  SamplingSettings sampling;
  std::optional<int64_t> max_tokens;
  std::vector<std::string> stop;
  bool logprobs = false;
  int top_logprobs = 0;
  bool stream = false;
  bool stream_usage = false;  // stream_options.include_usage
  int n = 1;
  bool echo = false;  // of /v1/completions
  bool operator==(const ChatRequest&) const = default;
};

struct Usage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t cached_tokens = 0;  // of prompt_tokens
  bool operator==(const Usage&) const = default;
};

enum class FinishReason { kStop, kLength, kToolCalls, kContentFilter, kCancelled };
std::string_view to_string(FinishReason reason);  // OpenAI's words: "stop", "length", ...
std::optional<FinishReason> finish_reason_from(std::string_view word);

struct TokenLogprob {
  std::string token;  // its bytes; may be half a character
  double logprob = 0;
  bool operator==(const TokenLogprob&) const = default;
};
struct TokenLogprobs {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top;
  bool operator==(const TokenLogprobs&) const = default;
};

// A stream is always, per choice: any number of text events, then one finish; at the end one usage. A failure ends it
// anywhere.
struct TextEvent {
  int choice = 0;
  std::string text;  // whole characters
  std::vector<TokenLogprobs> logprobs;
  bool operator==(const TextEvent&) const = default;
};
struct FinishEvent {
  int choice = 0;
  FinishReason reason = FinishReason::kStop;
  bool operator==(const FinishEvent&) const = default;
};
struct UsageEvent {
  Usage usage;
  bool operator==(const UsageEvent&) const = default;
};
struct FailureEvent {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  bool operator==(const FailureEvent&) const = default;
};
using ChatEvent = std::variant<TextEvent, FinishEvent, UsageEvent, FailureEvent>;

// What an answer says of itself beside its text.
struct AnswerHead {
  std::string id;
  std::string model;
  int64_t created = 0;  // seconds since 1970, UTC
  bool operator==(const AnswerHead&) const = default;
};

struct ChatChoice {
  std::string text;
  FinishReason reason = FinishReason::kStop;
  std::vector<TokenLogprobs> logprobs;
  bool operator==(const ChatChoice&) const = default;
};
// The collected stream.
struct ChatAnswer {
  AnswerHead head;
  std::vector<ChatChoice> choices;
  Usage usage;
  bool operator==(const ChatAnswer&) const = default;
};

}  // namespace understudy
