// What OpenAI's chat and completions protocols have in common: sampling fields, streams' options, usage, and the form
// of errors.
#pragma once

#include <string>

#include "base/json.h"
#include "chat/conversation.h"
#include "gateway/wire/object_reader.h"

namespace understudy::openai {

inline constexpr int kMostChoices = 128;
inline constexpr size_t kMostStops = 4;
inline constexpr int kMostTopLogprobs = 20;

// The request's body as an object, with limits for what a stranger may send. Throws kInvalidInput.
Json parse_body(std::string_view body);

// model, temperature, top_p, top_k, min_p, penalties, seed, logit_bias, stop, n, stream, stream_options; and accepts
// what changes nothing in the answer: user, metadata, store, service_tier, safety_identifier, prompt_cache_key, ...
void read_common_fields(ObjectReader& fields, ChatRequest& request);
void write_common_fields(const ChatRequest& request, Json& body);

Json usage_json(const Usage& usage);
Usage read_usage(const Json& value, const std::string& path);

// A logarithm of zero has no JSON: OpenAI writes -9999.
double finite_logprob(double logprob);

// {"id", "object", "created", "model"}
Json head_json(const AnswerHead& head, std::string_view object);
AnswerHead read_head(ObjectReader& fields);

// A FailureEvent as a stream tells it: {"error": {...}}
std::string failure_payload(const FailureEvent& failure);
// What the error object of a failed stream says, as an event.
FailureEvent read_failure(const Json& error);

}  // namespace understudy::openai
