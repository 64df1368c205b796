#include "chat/conversation.h"

#include <utility>

namespace understudy {

namespace {

struct RoleWord {
  Role role;
  std::string_view word;
};
constexpr RoleWord kRoles[] = {{Role::kSystem, "system"},
                               {Role::kDeveloper, "developer"},
                               {Role::kUser, "user"},
                               {Role::kAssistant, "assistant"},
                               {Role::kTool, "tool"}};

struct ReasonWord {
  FinishReason reason;
  std::string_view word;
};
constexpr ReasonWord kReasons[] = {{FinishReason::kStop, "stop"},
                                   {FinishReason::kLength, "length"},
                                   {FinishReason::kToolCalls, "tool_calls"},
                                   {FinishReason::kContentFilter, "content_filter"},
                                   {FinishReason::kRefusal, "refusal"},
                                   {FinishReason::kPause, "pause_turn"},
                                   {FinishReason::kCancelled, "cancelled"}};

struct ProtocolWord {
  ProtocolName name;
  std::string_view word;
};
constexpr ProtocolWord kProtocols[] = {{ProtocolName::kOpenAiChat, "openai-chat"},
                                       {ProtocolName::kOpenAiCompletions, "openai-completions"},
                                       {ProtocolName::kOpenAiResponses, "openai-responses"},
                                       {ProtocolName::kOpenAiEmbeddings, "openai-embeddings"},
                                       {ProtocolName::kAnthropic, "anthropic"},
                                       {ProtocolName::kGemini, "gemini"}};

std::string_view to_string(Media::Kind kind) {
  switch (kind) {
    case Media::Kind::kImage:
      return "image";
    case Media::Kind::kAudio:
      return "audio";
    case Media::Kind::kDocument:
      return "document";
  }
  return "image";
}

// What a template sees of a part; nothing of a thought, which stands beside the content.
std::optional<Json> part_json(const ContentPart& part) {
  if (part.is_text()) return Json{{"type", "text"}, {"text", part.text}};
  if (const auto* media = std::get_if<Media>(&part.other)) return Json{{"type", to_string(media->kind)}};
  if (const auto* native = std::get_if<Native>(&part.other)) return native->value;
  return std::nullopt;
}

Json content_json(const Message& message) {
  Json parts = Json::array();
  bool only_text = true;
  for (const ContentPart& part : message.content) {
    if (std::holds_alternative<Reasoning>(part.other)) continue;
    only_text = only_text && part.is_text();
    if (std::optional<Json> json = part_json(part)) parts.push_back(std::move(*json));
  }
  return only_text ? Json(message.text()) : parts;
}

std::string thoughts_of(const Message& message) {
  std::string text;
  for (const ContentPart& part : message.content) {
    if (const auto* reasoning = std::get_if<Reasoning>(&part.other)) text += reasoning->text;
  }
  return text;
}

// More than any protocol numbers its choices or calls: an index comes from a stranger.
constexpr int kMostItems = 1024;

template <class Item>
Item& item_at(std::vector<Item>& items, int index) {
  if (index < 0 || index >= kMostItems) {
    throw Error(ErrorCode::kInvalidInput, "the answer: a choice or a tool call has a number out of range");
  }
  const auto at = static_cast<size_t>(index);
  if (items.size() <= at) items.resize(at + 1);
  return items[at];
}

ChatChoice& choice_of(ChatAnswer& answer, int index) {
  return item_at(answer.choices, index);
}

void add_text(ChatChoice& choice, const TextEvent& event) {
  (event.refusal ? choice.refusal : choice.text) += event.text;
  choice.logprobs.insert(choice.logprobs.end(), event.logprobs.begin(), event.logprobs.end());
}

void add_reasoning(ChatChoice& choice, const ReasoningEvent& event) {
  if (event.begins || choice.reasoning.empty()) {
    choice.reasoning.push_back(event.piece);
    return;
  }
  Reasoning& reasoning = choice.reasoning.back();
  reasoning.text += event.piece.text;
  reasoning.signature += event.piece.signature;
  reasoning.redacted = reasoning.redacted || event.piece.redacted;
  if (!event.piece.id.empty()) reasoning.id = event.piece.id;
}

void add_tool_call(ChatChoice& choice, const ToolCallEvent& event) {
  ToolCall& call = item_at(choice.tool_calls, event.index);
  if (!event.id.empty()) call.id = event.id;
  if (!event.name.empty()) call.name = event.name;
  call.arguments += event.arguments;
  call.signature += event.signature;
}

}  // namespace

std::string_view to_string(Role role) {
  for (const RoleWord& entry : kRoles) {
    if (entry.role == role) return entry.word;
  }
  return "user";
}

std::optional<Role> role_from(std::string_view word) {
  for (const RoleWord& entry : kRoles) {
    if (entry.word == word) return entry.role;
  }
  return std::nullopt;
}

std::string_view to_string(FinishReason reason) {
  for (const ReasonWord& entry : kReasons) {
    if (entry.reason == reason) return entry.word;
  }
  return "stop";
}

std::optional<FinishReason> finish_reason_from(std::string_view word) {
  for (const ReasonWord& entry : kReasons) {
    if (entry.word == word) return entry.reason;
  }
  return std::nullopt;
}

std::string_view to_string(ProtocolName name) {
  for (const ProtocolWord& entry : kProtocols) {
    if (entry.name == name) return entry.word;
  }
  return "openai-chat";
}

std::optional<ProtocolName> protocol_name_from(std::string_view word) {
  for (const ProtocolWord& entry : kProtocols) {
    if (entry.word == word) return entry.name;
  }
  return std::nullopt;
}

ContentPart ContentPart::of(std::string text) {
  ContentPart part;
  part.text = std::move(text);
  return part;
}

Message Message::of(Role role, std::string text) {
  Message message;
  message.role = role;
  message.content.push_back(ContentPart::of(std::move(text)));
  return message;
}

std::string Message::text() const {
  std::string joined;
  for (const ContentPart& part : content) joined += part.text;
  return joined;
}

void collect(const ChatEvent& event, ChatAnswer& answer) {
  if (const auto* text = std::get_if<TextEvent>(&event)) add_text(choice_of(answer, text->choice), *text);
  if (const auto* reasoning = std::get_if<ReasoningEvent>(&event)) {
    add_reasoning(choice_of(answer, reasoning->choice), *reasoning);
  }
  if (const auto* call = std::get_if<ToolCallEvent>(&event)) add_tool_call(choice_of(answer, call->choice), *call);
  if (const auto* native = std::get_if<NativeEvent>(&event)) {
    choice_of(answer, native->choice).natives.push_back(native->native);
  }
  if (const auto* finish = std::get_if<FinishEvent>(&event)) {
    ChatChoice& choice = choice_of(answer, finish->choice);
    choice.reason = finish->reason;
    choice.stop = finish->stop;
  }
  if (const auto* usage = std::get_if<UsageEvent>(&event)) answer.usage = usage->usage;
  if (const auto* head = std::get_if<HeadEvent>(&event)) answer.head = head->head;
}

std::vector<ChatEvent> events_of(const ChatAnswer& answer) {
  std::vector<ChatEvent> events;
  events.emplace_back(HeadEvent{answer.head});
  for (size_t i = 0; i < answer.choices.size(); ++i) {
    const ChatChoice& choice = answer.choices[i];
    const int index = static_cast<int>(i);
    for (const Reasoning& reasoning : choice.reasoning) events.emplace_back(ReasoningEvent{index, true, reasoning});
    const bool of_refusal = choice.text.empty() && !choice.refusal.empty();  // whose probabilities they are
    const std::vector<TokenLogprobs> none;
    const auto& of_text = of_refusal ? none : choice.logprobs;
    if (!choice.text.empty() || !of_text.empty()) events.emplace_back(TextEvent{index, choice.text, of_text, false});
    if (!choice.refusal.empty()) {
      events.emplace_back(TextEvent{index, choice.refusal, of_refusal ? choice.logprobs : none, true});
    }
    for (size_t j = 0; j < choice.tool_calls.size(); ++j) {
      const ToolCall& call = choice.tool_calls[j];
      events.emplace_back(
          ToolCallEvent{index, static_cast<int>(j), call.id, call.name, call.arguments, call.signature});
    }
    for (const Native& native : choice.natives) events.emplace_back(NativeEvent{index, native});
    events.emplace_back(FinishEvent{index, choice.reason, choice.stop});
  }
  events.emplace_back(UsageEvent{answer.usage});
  return events;
}

Json to_template_json(const std::vector<Message>& messages) {
  Json list = Json::array();
  for (const Message& message : messages) {
    Json entry = {{"role", to_string(message.role)}, {"content", content_json(message)}};
    if (!message.name.empty()) entry["name"] = message.name;
    // The name that Qwen 3's and DeepSeek's templates have for it.
    if (std::string thoughts = thoughts_of(message); !thoughts.empty()) entry["reasoning_content"] = thoughts;
    if (!message.tool_call_id.empty()) entry["tool_call_id"] = message.tool_call_id;
    for (const ToolCall& call : message.tool_calls) {
      // Templates index into the arguments: they are given as a value where they are one.
      const std::optional<Json> arguments = try_parse_json(call.arguments);
      entry["tool_calls"].push_back(
          {{"id", call.id},
           {"type", "function"},
           {"function", {{"name", call.name}, {"arguments", arguments ? *arguments : Json(call.arguments)}}}});
    }
    list.push_back(std::move(entry));
  }
  return list;
}

Json to_template_json(const std::vector<Tool>& tools) {
  Json list = Json::array();
  for (const Tool& tool : tools) {
    list.push_back(
        {{"type", "function"},
         {"function", {{"name", tool.name}, {"description", tool.description}, {"parameters", tool.parameters}}}});
  }
  return list;
}

}  // namespace understudy
