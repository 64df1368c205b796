// The sides of Anthropic's Messages, each in a file of its own: requests, answers, streams, errors. Pure functions;
// anthropic.cc makes a Protocol of them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "chat/conversation.h"
#include "gateway/wire/object_reader.h"
#include "gateway/wire/protocol.h"

namespace understudy::anthropic {

// What is sent as max_tokens, which the protocol asks for, where a request has none; above a thinking budget, as much
// again for the answer. Every model that takes Messages can write as many.
inline constexpr int64_t kDefaultMaxTokens = 4096;

// Levels of nesting of a stranger's body.
inline constexpr int kDepth = 64;

enum class Bound { kMaxTokens, kNone };  // whether a request has to say its max_tokens: that of count_tokens has none

ChatRequest read_request(std::string_view body, Bound bound);
std::string write_request(const ChatRequest& request, Bound bound, std::vector<std::string>& dropped);

ChatAnswer read_answer(std::string_view body);
std::string write_answer(const ChatAnswer& answer);

std::unique_ptr<EventWriter> event_writer(const AnswerHead& head);
std::unique_ptr<EventReader> event_reader();

// {"input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation", "output_tokens"}: what
// was thought is not counted apart, it stands in output_tokens.
Json usage_json(const Usage& usage);
// Only what the object says is changed: a message_delta repeats some of what message_start said.
void read_usage(const Json& value, const std::string& path, Usage& usage);

// "end_turn", "max_tokens", ... and "stop_sequence" where the answer names one.
std::string_view stop_reason(FinishReason reason, const std::string& stop);
FinishReason finish_reason_of(std::string_view word);

// A tool call's arguments as the object that the protocol has; nothing said is an object without members. Throws
// kInvalidInput where it is no object.
Json input_of(const ToolCall& call, const std::string& path);

// The signature of a call has no place in this protocol. It stands in a block of its own before the call, which clients
// send back unchanged: {"type": "redacted_thinking", "data"}, with the mark of gateway/wire/signatures.h.
struct CallSignature {
  std::string id;  // of the call
  std::string signature;
};
Json call_signature_json(const CallSignature& signature);
std::optional<CallSignature> read_call_signature(const Json& block);  // nothing of any other block
// Gives the calls of a message the signatures that stand among its blocks.
void sign_calls(const Json& blocks, std::vector<ToolCall>& calls);

// The JSON of this protocol in a part that only it knows; throws kInvalidInput for another's.
const Json& own(const Native& native, const std::string& path);

// {"type": "error", "error": {"type", "message"}}
std::string error_body(std::string_view type, std::string_view message);
std::string_view error_type(int status);
// Of the inner error object. An unknown type is a kInternal.
FailureEvent read_failure(const Json& error);
std::string failure_payload(const FailureEvent& failure);

}  // namespace understudy::anthropic
