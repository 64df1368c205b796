#include "chat/conversation.h"

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
                                   {FinishReason::kCancelled, "cancelled"}};

Json content_json(const Message& message) {
  bool only_text = true;
  for (const ContentPart& part : message.content) only_text = only_text && !part.other;
  if (only_text) return message.text();
  Json parts = Json::array();
  for (const ContentPart& part : message.content) {
    parts.push_back(part.other ? *part.other : Json{{"type", "text"}, {"text", part.text}});
  }
  return parts;
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

Message Message::of(Role role, std::string text) {
  Message message;
  message.role = role;
  message.content.push_back({std::move(text), std::nullopt});
  return message;
}

std::string Message::text() const {
  std::string joined;
  for (const ContentPart& part : content) joined += part.text;
  return joined;
}

Json to_template_json(const std::vector<Message>& messages) {
  Json list = Json::array();
  for (const Message& message : messages) {
    Json entry = {{"role", to_string(message.role)}, {"content", content_json(message)}};
    if (!message.name.empty()) entry["name"] = message.name;
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
