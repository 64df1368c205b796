// The three sides of OpenAI's chat completions, each in a file of its own: requests, answers, streams. What they share
// stands in openai_common.h. Pure functions; openai_chat.cc makes a Protocol of them.
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

namespace understudy::openai {

ChatRequest read_chat_request(std::string_view body);
std::string write_chat_request(const ChatRequest& request, std::vector<std::string>& dropped);

ChatAnswer read_chat_answer(std::string_view body);
std::string write_chat_answer(const ChatAnswer& answer);

std::unique_ptr<EventWriter> chat_event_writer(const ChatRequest& request, const AnswerHead& head);
std::unique_ptr<EventReader> chat_event_reader();

// Members of a message or a delta that no other protocol has: they stay as they came.
inline constexpr const char* kNativeMembers[] = {"audio", "function_call"};

// A call as a message has it, {"id", "type": "function", "function": {"name", "arguments"}}, with the signature of a
// call where Google's own endpoint of this protocol has it: extra_content.google.thought_signature.
Json tool_call_json(const ToolCall& call);
Json signature_json(const std::string& signature);
std::string read_signature(ObjectReader& call);

// The logprobs object of a choice; `of_refusal`: they belong to a refusal's text.
Json chat_logprobs_json(const std::vector<TokenLogprobs>& tokens, bool of_refusal);
struct ChatLogprobs {
  std::vector<TokenLogprobs> content;
  std::vector<TokenLogprobs> refusal;
};
ChatLogprobs read_chat_logprobs(ObjectReader& choice);
// One of its lists, which the Responses have too.
Json logprob_list_json(const std::vector<TokenLogprobs>& tokens);
std::vector<TokenLogprobs> read_logprob_list(ObjectReader& holder, const char* key);

// Thoughts beside an answer. Their text has the names that DeepSeek, vLLM and OpenRouter gave it; what a text alone
// cannot say (a second thought, a signature, an encrypted one) stands in OpenRouter's reasoning_details.
struct Thought {
  std::optional<int> index;  // which thought of the answer this is, or is a piece of
  Reasoning piece;
};
std::vector<Thought> read_thoughts(ObjectReader& message);
bool is_plain(const Reasoning& thought);  // its text is all there is of it
// Without an index only the text.
void write_thought(const Reasoning& thought, std::optional<int> index, Json& message);

// A message's content: a string, or a list of texts and thoughts (Mistral's).
struct AnswerContent {
  std::string text;
  std::string thought;
};
AnswerContent read_answer_content(ObjectReader& message);

}  // namespace understudy::openai
