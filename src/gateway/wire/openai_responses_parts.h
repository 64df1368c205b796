// The three sides of OpenAI's Responses, each in a file of its own: requests, answers, streams; and the items that all
// of them are made of. What is common with the chat completions stands in openai_common.h. Pure functions;
// openai_responses.cc makes a Protocol of them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "chat/conversation.h"
#include "gateway/wire/object_reader.h"
#include "gateway/wire/protocol.h"

namespace understudy::openai {

ChatRequest read_responses_request(std::string_view body);
std::string write_responses_request(const ChatRequest& request, std::vector<std::string>& dropped);

ChatAnswer read_responses_answer(std::string_view body);
std::string write_responses_answer(const ChatAnswer& answer);

std::unique_ptr<EventWriter> responses_event_writer(const AnswerHead& head);
std::unique_ptr<EventReader> responses_event_reader();

inline constexpr int kMostItems = 10000;  // of one answer

// A note beside an answer's text (a citation), in the form that streams have for it:
// {"type": "response.output_text.annotation.added", "annotation": {...}}. Answers keep it as such a Native.
inline constexpr std::string_view kAnnotationEvent = "response.output_text.annotation.added";
bool is_annotation(const Native& native);

// The JSON of this protocol in a part of an answer that only it knows; throws kInvalidInput for another's.
const Json& own_output(const Native& native);

// {"type": "function_call", "call_id", "name", "arguments"}; the signature of a call as the chat completions have it.
Json call_item_json(const ToolCall& call);
ToolCall read_call_item(ObjectReader& item);

// {"type": "reasoning", "id", "summary", "encrypted_content"}. A thought with an id is OpenAI's own. One without is
// another provider's: a client gets it with an id that is made from `made_id`, and its signature with a mark, and what
// it sends back of that is read as it was before. Clients that keep nothing at the provider may leave the id out.
Json thought_item_json(const Reasoning& thought, const std::string& made_id);
Reasoning read_thought_item(ObjectReader& item);

// An item's id that no other answer has: "msg_id7_0"; of a thought also one that is known again as made here.
std::string made_item_id(std::string_view prefix, const AnswerHead& head, size_t index);
std::string made_thought_id(const AnswerHead& head, size_t index);
// The id of a thought in an answer, and what such an id is read as: nothing where it was made here.
std::string thought_id(const Reasoning& thought, const std::string& made_id);
std::string own_thought_id(std::string id);

// {"type": "output_text", "text", "annotations", "logprobs"} or {"type": "refusal", "refusal"}
Json text_part_json(std::string text, const std::vector<TokenLogprobs>& logprobs);
Json refusal_part_json(std::string text);
Json message_item_json(std::string id, Json parts, std::string_view status);

// How a response ended: its status, the reason where it is incomplete, and the event that says so.
struct Ending {
  std::string_view status;
  std::string_view reason;
  std::string_view event;
};
Ending ending_of(FinishReason reason);
// What status and incomplete_details say. `has_calls`: whether functions are to be called.
FinishReason finish_reason_of_response(ObjectReader& response, bool has_calls);

// The response object. Without a usage it is null: the answer is on its way.
Json response_json(const AnswerHead& head, std::string_view status, Json output, Json usage);
Json responses_usage_json(const Usage& usage);
AnswerHead read_response_head(ObjectReader& response);

}  // namespace understudy::openai
