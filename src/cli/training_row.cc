#include "cli/training_row.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "gateway/wire/protocol.h"

namespace understudy::cli {

namespace {

constexpr int kDepth = 256;  // levels of a request that the gateway has let in

bool is_plain(const Message& message) {
  return std::all_of(message.content.begin(), message.content.end(),
                     [](const ContentPart& part) { return part.is_text() || std::get_if<Reasoning>(&part.other); });
}

bool is_instruction(const Message& message) {
  return message.role == Role::kSystem || message.role == Role::kDeveloper;
}

// The model's answer as the conversation's next message; nothing where it did not come to its own end.
std::optional<Message> answer_message(const ChatAnswer& answer) {
  if (answer.choices.empty()) return std::nullopt;
  const ChatChoice& choice = answer.choices.front();
  const bool is_whole = choice.reason == FinishReason::kStop || choice.reason == FinishReason::kToolCalls;
  if (!is_whole || !choice.refusal.empty() || !choice.natives.empty()) return std::nullopt;
  if (choice.text.empty() && choice.tool_calls.empty()) return std::nullopt;
  Message message;
  message.role = Role::kAssistant;
  if (!choice.text.empty()) message.content = {ContentPart::of(choice.text)};
  message.tool_calls = choice.tool_calls;
  return message;
}

// In OpenAI's chat form, whatever protocol the application spoke. Throws where that has no word for it.
Json chat_row(const ChatRequest& request) {
  const Json body = parse_json(openai_chat().write_request(request), "request", {.depth = kDepth});
  Json row = Json::object();
  row["messages"] = body.at("messages");
  if (body.contains("tools")) row["tools"] = body["tools"];
  return row;
}

bool was_answered(const Exchange& exchange) {
  return exchange.status == 200 && exchange.error.empty() && !exchange.partial;
}

}  // namespace

std::string_view to_string(LeftOut reason) {
  switch (reason) {
    case LeftOut::kNoTraining:
      return "whose provider's terms are no_training";
    case LeftOut::kNotKept:
      return "whose request and answer were not kept";
    case LeftOut::kUnanswered:
      return "without a complete answer";
    case LeftOut::kNoChat:
      return "that are no chat of text";
  }
  return {};
}

TrainingRow training_row(const Exchange& exchange, bool pruned) {
  if (!was_answered(exchange)) return {LeftOut::kUnanswered, {}};
  if (exchange.terms != Terms::kMayTrain) return {LeftOut::kNoTraining, {}};
  if (exchange.protocol == ProtocolName::kOpenAiEmbeddings) return {LeftOut::kNoChat, {}};
  if (!exchange.sampled || exchange.request.empty() || exchange.answer.empty()) return {LeftOut::kNotKept, {}};
  try {
    const Protocol& protocol = protocol_of(exchange.protocol);
    ChatRequest request = protocol.read_request(exchange.request);
    if (request.prompt || !std::all_of(request.messages.begin(), request.messages.end(), is_plain)) {
      return {LeftOut::kNoChat, {}};
    }
    std::optional<Message> answer = answer_message(protocol.read_answer(exchange.answer));
    if (!answer) return {LeftOut::kUnanswered, {}};
    if (pruned) std::erase_if(request.messages, is_instruction);
    request.messages.push_back(std::move(*answer));
    TrainingRow result;
    result.row = chat_row(request);
    result.row["metadata"] = {{"id", exchange.id},
                              {"model", exchange.provider_model},
                              {"provider", exchange.provider},
                              {"at", format_utc(exchange.at_ms)}};
    return result;
  } catch (const Error&) {
    return {LeftOut::kNoChat, {}};  // not of this protocol any more, or with what a chat row cannot say
  }
}

}  // namespace understudy::cli
