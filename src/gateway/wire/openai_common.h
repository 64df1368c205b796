// What OpenAI's chat, completions and responses protocols have in common: sampling fields, streams' options, usage, and
// the form of errors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "chat/conversation.h"
#include "gateway/wire/object_reader.h"

namespace understudy::openai {

inline constexpr int kMostChoices = 128;
inline constexpr size_t kMostStops = 4;
inline constexpr int kMostTopLogprobs = 20;
inline constexpr int kMostToolCalls = 512;  // of one answer

// The request's body as an object, with limits for what a stranger may send. Throws kInvalidInput.
Json parse_body(std::string_view body);

// What all have: model, temperature, top_p, stream, stream_options, user (or safety_identifier), metadata.
void read_shared_fields(ObjectReader& fields, ChatRequest& request);
void write_shared_fields(const ChatRequest& request, Json& body);
// What chat and completions have: the shared ones, top_k, min_p, penalties, seed, logit_bias, stop, n.
void read_common_fields(ObjectReader& fields, ChatRequest& request);
void write_common_fields(const ChatRequest& request, Json& body);

// A message's content: one text, or a list of parts, of which each protocol reads its own. Throws kInvalidInput.
std::vector<ContentPart> read_parts(const Json& value, const std::string& path,
                                    ContentPart (*read_part)(const Json& value, const std::string& path));

// "data:image/png;base64,..." as type and data, anything else as a URL; and back.
void put_url(const std::string& url, Media& media);
std::string url_of(const Media& media);
bool has_plain_type(const Media& media);  // a data: URL's type ends at the first comma
// The same of a file's data, which may be base64 alone.
void put_file_data(const std::string& data, Media& media);
std::string file_data_of(const Media& media);

// What the protocols call the counts.
struct UsageNames {
  const char* prompt;
  const char* completion;
  const char* prompt_details;
  const char* completion_details;
};
inline constexpr UsageNames kChatUsage = {"prompt_tokens", "completion_tokens", "prompt_tokens_details",
                                          "completion_tokens_details"};
inline constexpr UsageNames kResponsesUsage = {"input_tokens", "output_tokens", "input_tokens_details",
                                               "output_tokens_details"};
Json usage_json(const Usage& usage, const UsageNames& names = kChatUsage);
Usage read_usage(const Json& value, const std::string& path, const UsageNames& names = kChatUsage);

// OpenAI's word for the reason, which has none for some: a refusal is "content_filter", a pause "stop". And what a word
// means: vendors have more than OpenAI ("eos", "end_turn"); an unknown one is a proper end.
std::string_view finish_word(FinishReason reason);
FinishReason finish_reason_of(std::string_view word);

// A logarithm of zero has no JSON: OpenAI writes -9999.
double finite_logprob(double logprob);

// {"id", "object", "created", "model"}
Json head_json(const AnswerHead& head, std::string_view object);
AnswerHead read_head(ObjectReader& fields);

// Of a stream's chunk. What an error object it holds or is, or nothing; whether it is a chunk at all (throws
// kInvalidInput); its head, where it has one (Azure's first has none), as an event: true; its usage, as an event. Usage
// may stand in any chunk, also beside choices; Groq's and Moonshot's stand one level deeper.
const Json* error_in(const Json& chunk);
void check_chunk(const Json& chunk);
[[nodiscard]] bool read_chunk_head(ObjectReader& chunk, std::vector<ChatEvent>& events);
void read_chunk_usage(const Json& chunk, std::vector<ChatEvent>& events);

// A FailureEvent as a stream tells it: {"error": {...}}
std::string failure_payload(const FailureEvent& failure);
// What the error object of a failed stream says, as an event.
FailureEvent read_failure(const Json& error);
// A response with an error's status and, usually, an error object as its body.
FailureEvent read_error(int status, std::string_view body);

}  // namespace understudy::openai
