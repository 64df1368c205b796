#include "gateway/wire/signatures.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/json.h"

namespace understudy {

namespace {

constexpr JsonLimits kLimits{.depth = 256};  // as deep as any reader of a request goes

struct Signed {
  std::optional<ProtocolName> origin;
  std::string signature;
};

// Each piece of a stream has the mark: those after the first stand in the middle of what the client put together.
Signed read_mark(const std::string& text) {
  const size_t end = text.find(':', kSignatureMark.size());
  if (!is_marked(text) || end == std::string::npos) return {};
  const std::string mark = text.substr(0, end + 1);
  Signed read{protocol_name_from(std::string_view(text).substr(kSignatureMark.size(), end - kSignatureMark.size())),
              text};
  for (size_t at = 0; (at = read.signature.find(mark, at)) != std::string::npos;) read.signature.erase(at, mark.size());
  return read;
}

// Whether the target takes it; then its signature is the target's own.
bool becomes_own(Reasoning& thought, ProtocolName target, ProtocolName asked) {
  if (thought.signature.empty()) return true;
  if (!is_marked(thought.signature)) return target == asked;
  Signed read = read_mark(thought.signature);
  thought.signature = std::move(read.signature);
  return read.origin == target;
}

bool has_mark(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() &&
         found->get_ref<const std::string&>().find(kSignatureMark) != std::string::npos;
}

bool is_marked_thought(const Json& value) {
  if (!value.is_object()) return false;
  const bool is_thought_of_gemini = value.value("thought", Json()) == true;
  return has_mark(value, "signature") || has_mark(value, "data") || has_mark(value, "encrypted_content") ||
         (is_thought_of_gemini && (has_mark(value, "thoughtSignature") || has_mark(value, "thought_signature")));
}

bool has_empty_content(const Json& value) {
  if (!value.is_object()) return false;
  const auto is_empty = [&value](const char* key) {
    const auto found = value.find(key);
    return found != value.end() && found->is_array() && found->empty();
  };
  return is_empty("content") || is_empty("parts");
}

void tell_of_thoughts(std::vector<std::string>& dropped) {
  if (std::find(dropped.begin(), dropped.end(), "reasoning") == dropped.end()) dropped.emplace_back("reasoning");
}

void take_out_marked(Json& value);

// True where the entry of a list goes: a thought with a mark, or a message of which nothing is left.
bool goes_with_its_mark(Json& entry) {
  if (is_marked_thought(entry)) return true;
  const bool was_empty = has_empty_content(entry);
  take_out_marked(entry);
  return !was_empty && has_empty_content(entry);
}

void take_out_marked(Json& value) {
  if (value.is_array()) {
    std::erase_if(value.get_ref<Json::array_t&>(), goes_with_its_mark);
  } else if (value.is_object()) {
    for (const char* key : {"thoughtSignature", "thought_signature"}) {
      if (has_mark(value, key)) value.erase(key);
    }
    for (auto& [key, member] : value.items()) take_out_marked(member);
  }
}

}  // namespace

std::string without_nobodys_mark(std::string signature) {
  if (signature.rfind(kNobodysMark, 0) == 0) signature.erase(0, kNobodysMark.size());
  return signature;
}

bool is_marked(std::string_view signature) {
  return signature.substr(0, kSignatureMark.size()) == kSignatureMark;
}

std::string marked_signature(ProtocolName origin, std::string_view signature) {
  return fmt::format("{}{}:{}", kSignatureMark, to_string(origin), signature);
}

void mark_signatures(ProtocolName origin, std::vector<ChatEvent>& events) {
  for (ChatEvent& event : events) {
    auto* thought = std::get_if<ReasoningEvent>(&event);
    if (thought == nullptr || thought->piece.signature.empty()) continue;
    thought->piece.signature = marked_signature(origin, thought->piece.signature);
  }
}

void keep_signatures_of(ProtocolName target, ProtocolName asked, ChatRequest& request,
                        std::vector<std::string>& dropped) {
  bool is_any_gone = false;
  std::erase_if(request.messages, [&](Message& message) {
    const size_t gone = std::erase_if(message.content, [&](ContentPart& part) {
      auto* thought = std::get_if<Reasoning>(&part.other);
      return thought != nullptr && !becomes_own(*thought, target, asked);
    });
    is_any_gone = is_any_gone || gone > 0;
    return gone > 0 && message.content.empty() && message.tool_calls.empty();
  });
  if (is_any_gone) tell_of_thoughts(dropped);
}

std::string without_marked_thoughts(std::string body, std::vector<std::string>& dropped) {
  if (body.find(kSignatureMark) == std::string::npos) return body;
  const Json before = parse_json(body, "the request's body", kLimits);
  Json value = before;
  take_out_marked(value);
  if (value == before) return body;  // somebody only talks of marks
  tell_of_thoughts(dropped);
  return dump_json(value);
}

}  // namespace understudy
