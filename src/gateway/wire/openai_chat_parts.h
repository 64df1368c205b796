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

// Of a message or a delta: {"id", "type": "function", "function": {"name", "arguments"}}.
std::vector<ToolCall> read_tool_calls(ObjectReader& message);
Json tool_call_json(const ToolCall& call);

// The logprobs object of a choice.
Json chat_logprobs_json(const std::vector<TokenLogprobs>& tokens);
std::vector<TokenLogprobs> read_chat_logprobs(ObjectReader& choice);

// The thought beside an answer, by the names that DeepSeek, vLLM and OpenRouter have for it.
std::optional<std::string> read_thought(ObjectReader& message);

}  // namespace understudy::openai
