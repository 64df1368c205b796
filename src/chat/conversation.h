// The conversation as a value: the form in which work travels through the house. Plain values, no behaviour that
// decides. Protocols (gateway/wire) read and write it; providers answer it; engine/text renders it.
//
// It can say what OpenAI's chat completions and responses, Anthropic's Messages and Gemini's generateContent have in
// common, and most of what each has alone. What only one of them knows and no other could answer (a server-side tool, a
// citation) is kept as that protocol's own JSON: a Native value, which a hop to another protocol refuses.
#pragma once

#include <cstdint>
#include <map>
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

// The protocols that applications and providers speak.
enum class ProtocolName { kOpenAiChat, kOpenAiCompletions, kOpenAiResponses, kOpenAiEmbeddings, kAnthropic, kGemini };
std::string_view to_string(ProtocolName name);  // "openai-chat", "openai-responses", "anthropic", "gemini", ...
std::optional<ProtocolName> protocol_name_from(std::string_view word);

// JSON that only one protocol understands, as it came.
struct Native {
  ProtocolName protocol = ProtocolName::kOpenAiChat;
  Json value;
  bool operator==(const Native&) const = default;
};

// An image, a sound or a document: exactly one of data, url and file_id is set.
struct Media {
  enum class Kind { kImage, kAudio, kDocument };
  Kind kind = Kind::kImage;
  std::string media_type;  // "image/png"; may be empty beside a url or a file_id
  std::string data;        // base64, as it came
  std::string url;         // https: or, at OpenAI's, never data: (that is read into media_type and data)
  std::string file_id;     // of an earlier upload: means something to one provider only
  std::string name;        // a document's file name or title
  std::string detail;      // OpenAI's low, high, auto
  bool operator==(const Media&) const = default;
};

// What a model thought before it answered. A signed or encrypted one has to come back unchanged in the next turn of a
// round of tool use.
struct Reasoning {
  std::string text;       // may be empty: some providers show only the signature
  std::string signature;  // Anthropic's, Gemini's thoughtSignature, OpenAI's encrypted_content
  bool redacted = false;  // the signature is all there is (Anthropic's redacted_thinking)
  std::string id;         // OpenAI's item id
  bool operator==(const Reasoning&) const = default;
};

// A note beside a part, a tool or a message that its prefix should be cached: "5m", "1h"; empty for none.
using CacheMark = std::string;

// One part of a message: text where `other` is empty.
struct ContentPart {
  std::string text;
  std::variant<std::monostate, Media, Reasoning, Native> other;
  bool refusal = false;  // the text is a refusal to answer
  CacheMark cache;

  static ContentPart of(std::string text);
  bool is_text() const { return other.index() == 0; }
  bool operator==(const ContentPart&) const = default;
};

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // JSON text, as the model wrote it
  std::string signature;  // Gemini's thoughtSignature of this call
  bool operator==(const ToolCall&) const = default;
};

struct Message {
  Role role = Role::kUser;
  std::vector<ContentPart> content;
  std::vector<ToolCall> tool_calls;  // of an assistant; after its content
  std::string tool_call_id;          // of a tool's result
  bool tool_failed = false;          // the result tells of a failure
  std::string name;

  static Message of(Role role, std::string text);
  std::string text() const;  // of all text parts, joined
  bool operator==(const Message&) const = default;
};

struct Tool {
  std::string name;
  std::string description;
  Json parameters;  // JSON Schema
  std::optional<bool> strict;
  CacheMark cache;
  std::optional<Native> native;  // a tool that the provider runs itself: then nothing else is set
  bool operator==(const Tool&) const = default;
};

struct ToolChoice {
  enum class Mode { kAuto, kNone, kRequired, kNamed };
  Mode mode = Mode::kAuto;
  std::string name;  // of kNamed
  bool operator==(const ToolChoice&) const = default;
};

// The form that the answer is to have.
struct ResponseFormat {
  enum class Kind { kText, kJsonObject, kJsonSchema };
  Kind kind = Kind::kText;
  std::string name;  // of the schema
  std::string description;
  Json schema;
  std::optional<bool> strict;
  bool operator==(const ResponseFormat&) const = default;
};

struct ReasoningSettings {
  std::string effort;  // OpenAI's none, minimal, low, medium, high; empty: the model's own
  std::optional<int64_t>
      budget_tokens;         // Anthropic's budget_tokens, Gemini's thinkingBudget; 0: off, -1: the model's own
  std::optional<bool> show;  // whether thoughts are part of the answer
  std::string summary;       // OpenAI's auto, concise, detailed
  bool operator==(const ReasoningSettings&) const = default;
};

// Anything that is unset is the model's own default and is not sent.
struct SamplingSettings {
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<int> top_k;
  std::optional<double> min_p;
  std::optional<double> presence_penalty;
  std::optional<double> frequency_penalty;
  std::optional<uint64_t> seed;
  std::vector<std::pair<int32_t, float>> logit_bias;
  bool operator==(const SamplingSettings&) const = default;
};

// What an application asks for; the same for every protocol.
struct ChatRequest {
  std::string model;
  std::vector<Message> messages;
  std::vector<Tool> tools;
  ToolChoice tool_choice;
  std::optional<bool> parallel_tool_calls;
  ResponseFormat response_format;
  ReasoningSettings reasoning;
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
  std::string user;   // OpenAI's user or safety_identifier, Anthropic's metadata.user_id
  std::map<std::string, std::string> metadata;
  // Members of the request that only one protocol knows, and that change the answer (web_search_options, mcp_servers,
  // previous_response_id): each value by its key.
  std::map<std::string, Native> extras;
  bool operator==(const ChatRequest&) const = default;
};

// Disjoint counts of tokens: nothing is counted twice. OpenAI and Gemini report input with what was cached in it and
// OpenAI output with the reasoning in it: the protocols take them apart.
struct Usage {
  int64_t input = 0;           // neither read from a cache nor written to one
  int64_t cached_input = 0;    // read from a cache
  int64_t cache_write = 0;     // written to a cache that lives minutes
  int64_t cache_write_1h = 0;  // Anthropic's hour
  int64_t output = 0;          // visible
  int64_t reasoning = 0;       // billed as output
  bool estimated = false;      // counted by us from what was seen: the provider did not say

  int64_t prompt_tokens() const { return input + cached_input + cache_write + cache_write_1h; }
  int64_t completion_tokens() const { return output + reasoning; }
  bool operator==(const Usage&) const = default;
};

enum class FinishReason { kStop, kLength, kToolCalls, kContentFilter, kRefusal, kPause, kCancelled };
std::string_view to_string(FinishReason reason);  // OpenAI's words where it has them: "stop", "length", ...
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

// What an answer says of itself beside its text.
struct AnswerHead {
  std::string id;
  std::string model;
  int64_t created = 0;  // seconds since 1970, UTC
  bool operator==(const AnswerHead&) const = default;
};

// A stream is always: at most one head; per choice any number of text, reasoning and tool call events, then one finish;
// at the end one usage; where a provider tells it several times, each takes the place of the one before. A failure ends
// it anywhere.
struct HeadEvent {
  AnswerHead head;
  bool operator==(const HeadEvent&) const = default;
};
struct TextEvent {
  int choice = 0;
  std::string text;  // whole characters
  std::vector<TokenLogprobs> logprobs;
  bool refusal = false;
  bool operator==(const TextEvent&) const = default;
};
// A piece of one thought; `begins` with the first piece of each. A signature comes with the last piece.
struct ReasoningEvent {
  int choice = 0;
  bool begins = false;
  Reasoning piece;
  bool operator==(const ReasoningEvent&) const = default;
};
// A piece of one tool call. The first of a call has its id and name; later ones only add to the arguments.
struct ToolCallEvent {
  int choice = 0;
  int index = 0;  // of the call in its choice
  std::string id;
  std::string name;
  std::string arguments;  // the next bytes of the JSON text
  std::string signature;
  bool operator==(const ToolCallEvent&) const = default;
};
struct FinishEvent {
  int choice = 0;
  FinishReason reason = FinishReason::kStop;
  std::string stop;  // the stop string that was met, where the provider says it
  bool operator==(const FinishEvent&) const = default;
};
struct UsageEvent {
  Usage usage;
  bool operator==(const UsageEvent&) const = default;
};
// A part of an answer that only one protocol knows (a server-side tool's result).
struct NativeEvent {
  int choice = 0;
  Native native;
  bool operator==(const NativeEvent&) const = default;
};
struct FailureEvent {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string type;  // the provider's word: "overloaded_error", "rate_limit_exceeded"; may be empty
  bool operator==(const FailureEvent&) const = default;
};
using ChatEvent = std::variant<TextEvent, FinishEvent, UsageEvent, FailureEvent, HeadEvent, ReasoningEvent,
                               ToolCallEvent, NativeEvent>;

struct ChatChoice {
  std::string text;
  FinishReason reason = FinishReason::kStop;
  std::vector<TokenLogprobs> logprobs;
  std::vector<Reasoning> reasoning;
  std::vector<ToolCall> tool_calls;
  std::string refusal;
  std::vector<Native> natives;
  std::string stop;
  bool operator==(const ChatChoice&) const = default;
};
// The collected stream.
struct ChatAnswer {
  AnswerHead head;
  std::vector<ChatChoice> choices;
  Usage usage;
  bool operator==(const ChatAnswer&) const = default;
};

// Adds one event to the answer, making choices as they appear. A FailureEvent changes nothing: the caller sees it.
// Throws kInvalidInput for a choice or a call with a number beyond what any provider gives.
void collect(const ChatEvent& event, ChatAnswer& answer);
// The answer as the events that would have made it, for a writer of streams.
std::vector<ChatEvent> events_of(const ChatAnswer& answer);

// As Hugging Face's chat templates expect them: {"role", "content", "tool_calls", ...} and {"type": "function", ...}.
Json to_template_json(const std::vector<Message>& messages);
Json to_template_json(const std::vector<Tool>& tools);

}  // namespace understudy
