#include <fmt/format.h>

#include "base/utf8.h"
#include "gateway/wire/openai_chat_parts.h"
#include "gateway/wire/openai_common.h"

namespace understudy::openai {

namespace {

Json logprob_json(const TokenLogprob& token) {
  Json bytes = Json::array();
  for (const char c : token.token) bytes.push_back(static_cast<int>(static_cast<unsigned char>(c)));
  return {{"token", repair_utf8(token.token)}, {"logprob", finite_logprob(token.logprob)}, {"bytes", std::move(bytes)}};
}

TokenLogprob read_logprob(ObjectReader& fields) {
  TokenLogprob token;
  token.token = fields.require_text("token");
  token.logprob = fields.number("logprob").value_or(0);
  const Json* bytes = fields.list("bytes");
  if (bytes == nullptr) return token;
  token.token.clear();  // the bytes are the truth: the text may stand for half a character
  for (const Json& byte : *bytes) {
    const bool fits = byte.is_number_integer() && byte >= 0 && byte <= 255;
    if (!fits) throw field_error(fields.path_of("bytes"), "numbers from 0 to 255", byte);
    token.token += static_cast<char>(byte.get<int>());
  }
  return token;
}

// Members that only this protocol has, and calls of tools that are no functions.
void write_native(const Native& native, Json& message) {
  if (native.protocol != ProtocolName::kOpenAiChat) {
    throw unsupported_field(std::string(to_string(native.protocol)),
                            "a part of the answer that OpenAI's chat completions cannot express");
  }
  for (const auto& [key, value] : native.value.items()) {
    const bool is_list = value.is_array() && message.contains(key) && message[key].is_array();
    if (is_list) {
      message[key].insert(message[key].end(), value.begin(), value.end());
    } else {
      message[key] = value;
    }
  }
}

void write_thoughts(const std::vector<Reasoning>& thoughts, Json& message) {
  const bool is_text_enough = thoughts.size() == 1 && is_plain(thoughts.front()) && !thoughts.front().text.empty();
  for (size_t i = 0; i < thoughts.size(); ++i) {
    write_thought(thoughts[i], is_text_enough ? std::nullopt : std::optional<int>(static_cast<int>(i)), message);
  }
}

Json message_json(const ChatChoice& choice) {
  Json message = {{"role", "assistant"},
                  {"content", choice.text},
                  {"refusal", choice.refusal.empty() ? Json(nullptr) : Json(choice.refusal)}};
  // As OpenAI has it: beside tool calls or a refusal nothing said is null.
  if (choice.text.empty() && (!choice.tool_calls.empty() || !choice.refusal.empty())) message["content"] = nullptr;
  write_thoughts(choice.reasoning, message);
  for (const ToolCall& call : choice.tool_calls) message["tool_calls"].push_back(tool_call_json(call));
  for (const Native& native : choice.natives) write_native(native, message);
  return message;
}

Json choice_json(const ChatChoice& choice, size_t index) {
  const bool of_refusal = choice.text.empty() && !choice.refusal.empty();
  Json json = {{"index", index},
               {"message", message_json(choice)},
               {"logprobs", choice.logprobs.empty() ? Json(nullptr) : chat_logprobs_json(choice.logprobs, of_refusal)},
               {"finish_reason", finish_word(choice.reason)}};
  if (!choice.stop.empty()) json["stop_reason"] = choice.stop;  // vLLM's
  return json;
}

// Tolerant of what vendors leave out or write as a value. Calls of tools that are no functions stay as they came.
void read_tool_calls(ObjectReader& message, ChatChoice& choice) {
  const Json* list = message.list("tool_calls");
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    ObjectReader call((*list)[i], fmt::format("{}[{}]", message.path_of("tool_calls"), i));
    if (call.take("custom") != nullptr) {
      choice.natives.push_back({ProtocolName::kOpenAiChat, {{"tool_calls", Json::array({(*list)[i]})}}});
      continue;
    }
    ObjectReader function(call.require("function"), call.path_of("function"));
    ToolCall read{call.text("id").value_or(""), function.require_text("name"), "", read_signature(call)};
    const Json* arguments = function.take("arguments");
    if (arguments != nullptr) {
      read.arguments = arguments->is_string() ? arguments->get<std::string>() : dump_json(*arguments);
    }
    choice.tool_calls.push_back(std::move(read));
  }
}

std::vector<Reasoning> whole_thoughts(ObjectReader& message, const AnswerContent& content) {
  std::vector<Reasoning> thoughts;
  std::optional<int> last;
  for (Thought& thought : read_thoughts(message)) {
    const bool goes_on = !thoughts.empty() && thought.index && thought.index == last;
    if (goes_on) {
      thoughts.back().text += thought.piece.text;
      thoughts.back().signature += thought.piece.signature;
    } else {
      thoughts.push_back(std::move(thought.piece));
    }
    last = thought.index;
  }
  if (thoughts.empty() && !content.thought.empty()) thoughts.push_back({.text = content.thought});
  return thoughts;
}

ChatChoice read_choice(const Json& value, const std::string& path) {
  ObjectReader choice(value, path);
  ObjectReader message(choice.require("message"), choice.path_of("message"));
  ChatChoice read;
  const AnswerContent content = read_answer_content(message);
  read.text = content.text;
  read.refusal = message.text("refusal").value_or("");
  read.reasoning = whole_thoughts(message, content);
  read_tool_calls(message, read);
  for (const char* key : kNativeMembers) {
    if (const Json* native = message.take(key)) {
      read.natives.push_back({ProtocolName::kOpenAiChat, {{key, *native}}});
    }
  }
  read.reason = finish_reason_of(choice.text("finish_reason").value_or("stop"));
  const Json* stop = choice.take("stop_reason");
  if (stop != nullptr && stop->is_string()) read.stop = stop->get<std::string>();
  ChatLogprobs logprobs = read_chat_logprobs(choice);
  read.logprobs = std::move(logprobs.content);
  read.logprobs.insert(read.logprobs.end(), logprobs.refusal.begin(), logprobs.refusal.end());
  return read;
}

constexpr std::string_view kEncrypted = "reasoning.encrypted";

Thought read_detail(const Json& value, const std::string& path) {
  ObjectReader fields(value, path);
  Thought thought;
  if (const auto index = fields.integer("index", 0, INT32_MAX)) thought.index = static_cast<int>(*index);
  const std::optional<std::string> text = fields.text("text");
  thought.piece.text = text ? *text : fields.text("summary").value_or("");
  const std::optional<std::string> signature = fields.text("signature");
  thought.piece.signature = signature ? *signature : fields.text("data").value_or("");
  thought.piece.redacted = fields.text("type") == kEncrypted;
  thought.piece.id = fields.text("id").value_or("");
  return thought;
}

// {"type": "text", "text"} or {"type": "thinking", "thinking": [{"type": "text", "text"}]}
void read_content_part(const Json& value, const std::string& path, AnswerContent& content) {
  ObjectReader part(value, path);
  content.text += part.text("text").value_or("");
  const Json* thinking = part.take("thinking");
  if (thinking == nullptr) return;
  if (thinking->is_string()) content.thought += thinking->get<std::string>();
  for (size_t i = 0; thinking->is_array() && i < thinking->size(); ++i) {
    ObjectReader inner((*thinking)[i], fmt::format("{}[{}]", part.path_of("thinking"), i));
    content.thought += inner.text("text").value_or("");
  }
}

}  // namespace

AnswerContent read_answer_content(ObjectReader& message) {
  AnswerContent content;
  const Json* value = message.take("content");
  if (value == nullptr || !value->is_array()) {
    content.text = message.text("content").value_or("");
    return content;
  }
  for (size_t i = 0; i < value->size(); ++i) {
    read_content_part((*value)[i], fmt::format("{}[{}]", message.path_of("content"), i), content);
  }
  return content;
}

std::vector<Thought> read_thoughts(ObjectReader& message) {
  std::vector<Thought> thoughts;
  const std::optional<std::string> text = message.text("reasoning_content");
  const std::optional<std::string> short_name = message.text("reasoning");
  const Json* details = message.list("reasoning_details");
  for (size_t i = 0; details != nullptr && i < details->size(); ++i) {
    thoughts.push_back(read_detail((*details)[i], fmt::format("{}[{}]", message.path_of("reasoning_details"), i)));
  }
  const std::optional<std::string>& found = text ? text : short_name;
  if (thoughts.empty() && found && !found->empty()) thoughts.push_back({{}, {.text = *found}});
  return thoughts;
}

void write_thought(const Reasoning& thought, std::optional<int> index, Json& message) {
  if (!thought.text.empty()) {
    const Json before = message.value("reasoning_content", Json(""));
    message["reasoning_content"] = before.get<std::string>() + thought.text;
  }
  if (!index) return;
  Json detail = {{"type", thought.redacted ? kEncrypted : std::string_view("reasoning.text")}};
  if (!thought.redacted || !thought.text.empty()) detail["text"] = thought.text;
  if (!thought.signature.empty()) detail[thought.redacted ? "data" : "signature"] = thought.signature;
  if (!thought.id.empty()) detail["id"] = thought.id;
  detail["index"] = *index;
  message["reasoning_details"].push_back(std::move(detail));
}

bool is_plain(const Reasoning& thought) {
  return thought == Reasoning{.text = thought.text};
}

Json signature_json(const std::string& signature) {
  return {{"google", {{"thought_signature", signature}}}};
}

std::string read_signature(ObjectReader& call) {
  const Json* extra = call.take("extra_content");
  const Json google = extra != nullptr && extra->is_object() ? extra->value("google", Json()) : Json();
  const Json signature = google.is_object() ? google.value("thought_signature", Json()) : Json();
  return signature.is_string() ? signature.get<std::string>() : std::string();
}

Json tool_call_json(const ToolCall& call) {
  Json json = {
      {"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
  if (!call.signature.empty()) json["extra_content"] = signature_json(call.signature);
  return json;
}

Json logprob_list_json(const std::vector<TokenLogprobs>& tokens) {
  Json list = Json::array();
  for (const TokenLogprobs& token : tokens) {
    Json entry = logprob_json(token.chosen);
    entry["top_logprobs"] = Json::array();
    for (const TokenLogprob& other : token.top) entry["top_logprobs"].push_back(logprob_json(other));
    list.push_back(std::move(entry));
  }
  return list;
}

Json chat_logprobs_json(const std::vector<TokenLogprobs>& tokens, bool of_refusal) {
  Json list = logprob_list_json(tokens);
  if (of_refusal) return {{"content", nullptr}, {"refusal", std::move(list)}};
  return {{"content", std::move(list)}, {"refusal", nullptr}};
}

std::vector<TokenLogprobs> read_logprob_list(ObjectReader& holder, const char* key) {
  std::vector<TokenLogprobs> tokens;
  const Json* list = holder.list(key);
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    ObjectReader fields((*list)[i], fmt::format("{}[{}]", holder.path_of(key), i));
    TokenLogprobs token;
    token.chosen = read_logprob(fields);
    const Json* top = fields.list("top_logprobs");
    for (size_t j = 0; top != nullptr && j < top->size(); ++j) {
      ObjectReader other((*top)[j], fmt::format("{}[{}]", fields.path_of("top_logprobs"), j));
      token.top.push_back(read_logprob(other));
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

ChatLogprobs read_chat_logprobs(ObjectReader& choice) {
  const Json* value = choice.take("logprobs");
  if (value == nullptr) return {};
  ObjectReader logprobs(*value, choice.path_of("logprobs"));
  return {read_logprob_list(logprobs, "content"), read_logprob_list(logprobs, "refusal")};
}

std::string write_chat_answer(const ChatAnswer& answer) {
  Json body = head_json(answer.head, "chat.completion");
  body["choices"] = Json::array();
  for (size_t i = 0; i < answer.choices.size(); ++i) body["choices"].push_back(choice_json(answer.choices[i], i));
  body["usage"] = usage_json(answer.usage);
  return dump_json(body);
}

ChatAnswer read_chat_answer(std::string_view body) {
  const Json value = parse_body(body);
  ObjectReader fields(value, "");
  ChatAnswer answer;
  answer.head = read_head(fields);
  const Json& choices = fields.require("choices");
  const bool is_list = choices.is_array() && choices.size() <= static_cast<size_t>(kMostChoices);
  if (!is_list) throw field_error("choices", fmt::format("a list of up to {}", kMostChoices), choices);
  for (size_t i = 0; i < choices.size(); ++i) {
    answer.choices.push_back(read_choice(choices[i], fmt::format("choices[{}]", i)));
  }
  if (const Json* usage = fields.take("usage")) answer.usage = read_usage(*usage, "usage");
  return answer;
}

}  // namespace understudy::openai
