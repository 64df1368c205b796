// The sides of Gemini's generateContent, each in a file of its own: requests, answers, streams, errors. Pure functions;
// gemini.cc makes a Protocol of them. Names of members are read as JSON of protocol buffers may write them, in
// camelCase or snake_case, and written in camelCase.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "chat/conversation.h"
#include "gateway/wire/object_reader.h"
#include "gateway/wire/protocol.h"

namespace understudy::gemini_wire {

inline constexpr int kDepth = 64;  // levels of nesting of a stranger's body
inline constexpr int kMostCandidates = 128;

ChatRequest read_request(std::string_view body);
std::string write_request(const ChatRequest& request, std::vector<std::string>& dropped);

ChatAnswer read_answer(std::string_view body);
std::string write_answer(const ChatAnswer& answer);

std::unique_ptr<EventWriter> event_writer(const AnswerHead& head);
std::unique_ptr<EventReader> event_reader();

// The member by either of its names ("functionCall", "function_call").
const Json* take_either(ObjectReader& fields, std::string_view camel);

// A tool call as {"functionCall": {"id", "name", "args"}} with its thoughtSignature beside it. Throws kInvalidInput
// where the arguments are no JSON object.
Json call_json(const ToolCall& call, const std::string& path);
// `id` where the call has none of its own: the protocol lets it out.
ToolCall read_call(const Json& value, const std::string& path, const std::string& id);

// What was cached stands in promptTokenCount; thoughtsTokenCount beside candidatesTokenCount.
Json usage_json(const Usage& usage);
Usage read_usage(const Json& value, const std::string& path);

std::string_view finish_word(FinishReason reason);
// An answer that was withheld or broken off for any reason of theirs is kContentFilter. STOP after a tool call is
// kToolCalls.
FinishReason finish_reason_of(std::string_view word, bool has_calls);

// {"chosenCandidates": [...], "topCandidates": [{"candidates": [...]}]}
Json logprobs_json(const std::vector<TokenLogprobs>& tokens);
std::vector<TokenLogprobs> read_logprobs(ObjectReader& candidate);

// The JSON of this protocol in a part that only it knows; throws kInvalidInput for another's.
const Json& own(const Native& native, const std::string& path);
// A native value that stands beside the candidate's parts: {"groundingMetadata": {...}}
bool stands_beside(const Native& native);

// What a candidate says, in order, as events of choice `index`; `ids` begins the ids of calls that have none.
struct CandidateState {
  int calls = 0;          // tool calls so far
  bool thinking = false;  // the last piece was of a thought that is still open
};
std::vector<ChatEvent> read_parts(ObjectReader& candidate, int index, const std::string& ids, CandidateState& state);
// The metadata beside the parts.
void read_beside(ObjectReader& candidate, int index, std::vector<ChatEvent>& events);

// {"error": {"code", "message", "status"}}
std::string error_body(int status, std::string_view message);
FailureEvent read_failure(const Json& error);
std::string failure_payload(const FailureEvent& failure);

}  // namespace understudy::gemini_wire
