// A citation stands beside the text that it is of: here as a part of its own, in the form that streams have for it,
// {"type": "citations_delta", "citation": {...}}, and the text without it.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "gateway/wire/anthropic_parts.h"
#include "gateway/wire/signatures.h"

namespace understudy::anthropic {

namespace {

constexpr std::string_view kCitation = "citations_delta";
// Behind the mark, and before the length of the call's id, the id and the signature.
constexpr std::string_view kOfCall = "call:";
constexpr int64_t kMostTokens = 1'000'000'000'000;  // of a count: sums of them stay far from the end of the type

bool is_citation(const Native& native) {
  return native.protocol == ProtocolName::kAnthropic && native.value.is_object() &&
         native.value.value("type", Json()) == kCitation && native.value.contains("citation");
}

void read_text(ObjectReader& block, ChatChoice& choice) {
  choice.text += block.require_text("text");
  const Json* citations = block.list("citations");
  for (size_t i = 0; citations != nullptr && i < citations->size(); ++i) {
    choice.natives.push_back({ProtocolName::kAnthropic, {{"type", kCitation}, {"citation", (*citations)[i]}}});
  }
}

void read_tool_use(ObjectReader& block, ChatChoice& choice) {
  const Json& input = block.require("input");
  if (!input.is_object()) throw field_error(block.path_of("input"), "an object", input);
  choice.tool_calls.push_back({block.require_text("id"), block.require_text("name"), dump_json(input), ""});
}

void read_block(const Json& value, const std::string& path, ChatChoice& choice) {
  ObjectReader block(value, path);
  const std::string type = block.require_text("type");
  if (type == "text") {
    read_text(block, choice);
  } else if (type == "tool_use") {
    read_tool_use(block, choice);
  } else if (type == "thinking") {
    choice.reasoning.push_back({.text = block.require_text("thinking"),
                                .signature = without_nobodys_mark(block.text("signature").value_or(""))});
  } else if (read_call_signature(value)) {
    return;  // sign_calls() gives it to its call
  } else if (type == "redacted_thinking") {
    choice.reasoning.push_back({.signature = block.require_text("data"), .redacted = true});
  } else {
    choice.natives.push_back({ProtocolName::kAnthropic, value});
  }
}

Json thought_json(const Reasoning& reasoning) {
  if (reasoning.redacted) return {{"type", "redacted_thinking"}, {"data", reasoning.signature}};
  // Anthropic refuses a thought without one, when the client sends it back.
  const std::string signature = reasoning.signature.empty() ? std::string(kNobodysMark) : reasoning.signature;
  return {{"type", "thinking"}, {"thinking", reasoning.text}, {"signature", signature}};
}

void write_text(const ChatChoice& choice, Json& content) {
  Json citations = Json::array();
  for (const Native& native : choice.natives) {
    if (is_citation(native)) citations.push_back(native.value["citation"]);
  }
  if (!choice.text.empty() || !citations.empty()) {
    content.push_back({{"type", "text"}, {"text", choice.text}});
    if (!citations.empty()) content.back()["citations"] = std::move(citations);
  }
  if (!choice.refusal.empty()) content.push_back({{"type", "text"}, {"text", choice.refusal}});
}

Json content_json(const ChatChoice& choice) {
  Json content = Json::array();
  for (const Reasoning& reasoning : choice.reasoning) content.push_back(thought_json(reasoning));
  write_text(choice, content);
  for (size_t i = 0; i < choice.tool_calls.size(); ++i) {
    const ToolCall& call = choice.tool_calls[i];
    Json input = input_of(call, fmt::format("tool_calls[{}]", i));
    if (!call.signature.empty()) content.push_back(call_signature_json({call.id, call.signature}));
    content.push_back({{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", std::move(input)}});
  }
  for (const Native& native : choice.natives) {
    if (!is_citation(native)) content.push_back(own(native, "content"));
  }
  return content;
}

int64_t count(ObjectReader& fields, const char* key, int64_t otherwise) {
  return fields.integer(key, 0, kMostTokens).value_or(otherwise);
}

}  // namespace

Json call_signature_json(const CallSignature& signature) {
  const std::string data = fmt::format("{}{}{}:{}{}", marked_signature(ProtocolName::kGemini, ""), kOfCall,
                                       signature.id.size(), signature.id, signature.signature);
  return {{"type", "redacted_thinking"}, {"data", data}};
}

std::optional<CallSignature> read_call_signature(const Json& block) {
  if (!block.is_object()) return std::nullopt;
  const Json data = block.value("data", Json());
  const std::string mark = marked_signature(ProtocolName::kGemini, kOfCall);
  if (!data.is_string()) return std::nullopt;
  std::string_view rest = data.get_ref<const std::string&>();
  if (rest.substr(0, mark.size()) != mark) return std::nullopt;
  rest.remove_prefix(mark.size());
  size_t length = 0;
  const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), length);
  const size_t digits = static_cast<size_t>(end - rest.data());
  const bool is_whole = code == std::errc() && digits < rest.size() && *end == ':' && length < rest.size() - digits;
  if (!is_whole) return std::nullopt;
  rest.remove_prefix(digits + 1);
  return CallSignature{std::string(rest.substr(0, length)), std::string(rest.substr(length))};
}

void sign_calls(const Json& blocks, std::vector<ToolCall>& calls) {
  std::map<std::string, std::string> signatures;  // by their calls' ids
  for (const Json& block : blocks) {
    if (std::optional<CallSignature> found = read_call_signature(block)) {
      signatures.insert_or_assign(std::move(found->id), std::move(found->signature));
    }
  }
  if (signatures.empty()) return;
  for (ToolCall& call : calls) {
    if (const auto found = signatures.find(call.id); found != signatures.end()) call.signature = found->second;
  }
}

Json usage_json(const Usage& usage) {
  return {{"input_tokens", usage.input},
          {"cache_creation_input_tokens", usage.cache_write + usage.cache_write_1h},
          {"cache_read_input_tokens", usage.cached_input},
          {"cache_creation",
           {{"ephemeral_5m_input_tokens", usage.cache_write}, {"ephemeral_1h_input_tokens", usage.cache_write_1h}}},
          {"output_tokens", usage.completion_tokens()}};
}

void read_usage(const Json& value, const std::string& path, Usage& usage) {
  ObjectReader fields(value, path);
  usage.input = count(fields, "input_tokens", usage.input);
  usage.cached_input = count(fields, "cache_read_input_tokens", usage.cached_input);
  usage.output = count(fields, "output_tokens", usage.output);
  if (const Json* split = fields.take("cache_creation")) {
    ObjectReader lifetimes(*split, fields.path_of("cache_creation"));
    usage.cache_write_1h = count(lifetimes, "ephemeral_1h_input_tokens", usage.cache_write_1h);
    usage.cache_write = count(lifetimes, "ephemeral_5m_input_tokens", usage.cache_write);
  }
  // The total is the truth; what the split does not say lives minutes.
  if (const auto total = fields.integer("cache_creation_input_tokens", 0, kMostTokens)) {
    usage.cache_write_1h = std::min(usage.cache_write_1h, *total);
    usage.cache_write = *total - usage.cache_write_1h;
  }
}

std::string_view stop_reason(FinishReason reason, const std::string& stop) {
  switch (reason) {
    case FinishReason::kStop:
      return stop.empty() ? "end_turn" : "stop_sequence";
    case FinishReason::kLength:
      return "max_tokens";
    case FinishReason::kToolCalls:
      return "tool_use";
    case FinishReason::kContentFilter:
    case FinishReason::kRefusal:
      return "refusal";
    case FinishReason::kPause:
      return "pause_turn";
    case FinishReason::kCancelled:
      return "max_tokens";  // not whole, and the protocol has no other word for that
  }
  return "end_turn";
}

FinishReason finish_reason_of(std::string_view word) {
  if (word == "max_tokens" || word == "model_context_window_exceeded") return FinishReason::kLength;
  if (word == "tool_use") return FinishReason::kToolCalls;
  if (word == "refusal") return FinishReason::kRefusal;
  if (word == "pause_turn" || word == "compaction") return FinishReason::kPause;
  return FinishReason::kStop;
}

ChatAnswer read_answer(std::string_view body) {
  const Json value = parse_json(body, "the answer's body", {.depth = kDepth});
  ObjectReader fields(value, "");
  ChatAnswer answer;
  answer.head.id = fields.text("id").value_or("");
  answer.head.model = fields.text("model").value_or("");
  const Json& content = fields.require("content");
  if (!content.is_array()) throw field_error("content", "a list of blocks", content);
  ChatChoice& choice = answer.choices.emplace_back();
  for (size_t i = 0; i < content.size(); ++i) read_block(content[i], fmt::format("content[{}]", i), choice);
  sign_calls(content, choice.tool_calls);
  choice.reason = finish_reason_of(fields.text("stop_reason").value_or("end_turn"));
  choice.stop = fields.text("stop_sequence").value_or("");
  if (const Json* usage = fields.take("usage")) read_usage(*usage, "usage", answer.usage);
  return answer;
}

std::string write_answer(const ChatAnswer& answer) {
  if (answer.choices.size() > 1) throw unsupported_field("n", "an answer of Anthropic's Messages has one choice");
  const ChatChoice choice = answer.choices.empty() ? ChatChoice() : answer.choices.front();
  const bool is_refused = !choice.refusal.empty() && choice.reason == FinishReason::kStop;
  const FinishReason reason = is_refused ? FinishReason::kRefusal : choice.reason;
  return dump_json({{"id", answer.head.id},
                    {"type", "message"},
                    {"role", "assistant"},
                    {"model", answer.head.model},
                    {"content", content_json(choice)},
                    {"stop_reason", stop_reason(reason, choice.stop)},
                    {"stop_sequence", choice.stop.empty() ? Json(nullptr) : Json(choice.stop)},
                    {"usage", usage_json(answer.usage)}});
}

}  // namespace understudy::anthropic
