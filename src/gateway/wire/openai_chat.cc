// OpenAI's chat completions (POST /v1/chat/completions), both directions. The order of a stream's chunks is OpenAI's:
// for each choice first its role, then its text, then its finish reason; at the end one chunk of usage without choices
// where it was asked for; then [DONE].
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/utf8.h"
#include "gateway/wire/openai_common.h"
#include "gateway/wire/protocol.h"

namespace understudy {

namespace {

using openai::finite_logprob;

constexpr std::string_view kObject = "chat.completion";
constexpr std::string_view kChunkObject = "chat.completion.chunk";

// ---- requests

std::vector<ContentPart> read_content(const Json& value, const std::string& path) {
  std::vector<ContentPart> parts;
  if (value.is_string()) {
    parts.push_back({value.get<std::string>(), std::nullopt});
    return parts;
  }
  if (!value.is_array()) throw field_error(path, "a string or a list of parts", value);
  for (size_t i = 0; i < value.size(); ++i) {
    ObjectReader part(value[i], fmt::format("{}[{}]", path, i));
    if (part.require_text("type") == "text") {
      parts.push_back({part.require_text("text"), std::nullopt});
      part.finish();
    } else {
      parts.push_back({"", value[i]});
    }
  }
  return parts;
}

std::vector<ToolCall> read_tool_calls(ObjectReader& message) {
  std::vector<ToolCall> calls;
  const Json* list = message.list("tool_calls");
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const std::string path = fmt::format("{}[{}]", message.path_of("tool_calls"), i);
    ObjectReader call((*list)[i], path);
    ToolCall read;
    read.id = call.require_text("id");
    if (call.require_text("type") != "function") throw field_error(path + ".type", "\"function\"", (*list)[i]["type"]);
    ObjectReader function(call.require("function"), call.path_of("function"));
    read.name = function.require_text("name");
    read.arguments = function.require_text("arguments");
    function.finish();
    call.finish();
    calls.push_back(std::move(read));
  }
  return calls;
}

Message read_message(const Json& value, const std::string& path) {
  ObjectReader fields(value, path);
  Message message;
  const Json& word = fields.require("role");
  const std::optional<Role> role = word.is_string() ? role_from(word.get<std::string>()) : std::nullopt;
  if (!role) throw field_error(path + ".role", "system, developer, user, assistant or tool", word);
  message.role = *role;
  const bool may_be_empty = message.role == Role::kAssistant;  // beside tool calls its content is null
  if (const Json* content = may_be_empty ? fields.take("content") : &fields.require("content")) {
    message.content = read_content(*content, fields.path_of("content"));
  }
  message.name = fields.text("name").value_or("");
  if (message.role == Role::kAssistant) {
    message.tool_calls = read_tool_calls(fields);
    fields.refuse("refusal", "an earlier answer that was a refusal goes into content");
    fields.refuse("audio", "this server speaks text only");
    fields.refuse("function_call", "write tool_calls");
    fields.accept({"annotations"});  // stands in answers that clients send back as they came
  }
  if (message.role == Role::kTool) message.tool_call_id = fields.require_text("tool_call_id");
  fields.finish();
  return message;
}

std::vector<Tool> read_tools(ObjectReader& fields) {
  std::vector<Tool> tools;
  const Json* list = fields.list("tools");
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    ObjectReader entry((*list)[i], fmt::format("{}[{}]", fields.path_of("tools"), i));
    const std::string type = entry.require_text("type");
    if (type != "function") throw unsupported_field(entry.path_of("type"), "only tools of type function");
    ObjectReader function(entry.require("function"), entry.path_of("function"));
    Tool tool;
    tool.name = function.require_text("name");
    tool.description = function.text("description").value_or("");
    const Json* parameters = function.take("parameters");
    tool.parameters = parameters != nullptr ? *parameters : Json::object();
    if (!tool.parameters.is_object()) throw field_error(function.path_of("parameters"), "an object", tool.parameters);
    if (function.boolean("strict").value_or(false)) {
      throw unsupported_field(function.path_of("strict"), "arguments are not held to the schema");
    }
    function.finish();
    entry.finish();
    tools.push_back(std::move(tool));
  }
  return tools;
}

ToolChoice read_tool_choice(ObjectReader& fields) {
  const Json* choice = fields.take("tool_choice");
  if (choice == nullptr || *choice == "auto") return ToolChoice::kAuto;
  if (*choice == "none") return ToolChoice::kNone;
  throw unsupported_field(fields.path_of("tool_choice"), "a tool cannot be forced; write \"auto\" or \"none\"");
}

void read_response_format(ObjectReader& fields) {
  const Json* format = fields.take("response_format");
  if (format == nullptr) return;
  const std::string path = fields.path_of("response_format");
  ObjectReader reader(*format, path);
  const std::string type = reader.require_text("type");
  if (type == "json_object" || type == "json_schema") {
    throw unsupported_field(path,
                            fmt::format("the answer cannot be held to \"{}\" yet, and is not left to chance", type));
  }
  if (type != "text") throw field_error(path + ".type", "\"text\"", (*format)["type"]);
  reader.finish();
}

std::optional<int64_t> read_max_tokens(ObjectReader& fields) {
  const std::optional<int64_t> old_name = fields.integer("max_tokens", 1, INT32_MAX);
  const std::optional<int64_t> new_name = fields.integer("max_completion_tokens", 1, INT32_MAX);
  if (old_name && new_name && *old_name != *new_name) {
    throw Error(ErrorCode::kInvalidInput, "max_tokens: differs from max_completion_tokens", "send one of them")
        .about("max_tokens", "invalid_value");
  }
  return new_name ? new_name : old_name;
}

void read_logprobs(ObjectReader& fields, ChatRequest& request) {
  request.logprobs = fields.boolean("logprobs").value_or(false);
  const std::optional<int64_t> top = fields.integer("top_logprobs", 0, openai::kMostTopLogprobs);
  if (top && *top > 0 && !request.logprobs) {
    throw Error(ErrorCode::kInvalidInput, "top_logprobs: only allowed with \"logprobs\": true")
        .about("top_logprobs", "invalid_value");
  }
  request.top_logprobs = static_cast<int>(top.value_or(0));
}

// Fields of the protocol whose meaning we lack; a value that says no more than the default is let pass.
void refuse_what_we_lack(ObjectReader& fields, bool has_tools) {
  if (!fields.boolean("parallel_tool_calls").value_or(true) && has_tools) {
    throw unsupported_field(fields.path_of("parallel_tool_calls"), "the number of tool calls cannot be limited");
  }
  const Json* modalities = fields.list("modalities");
  if (modalities != nullptr && *modalities != Json::array({"text"})) {
    throw unsupported_field(fields.path_of("modalities"), "this server speaks text only");
  }
  fields.refuse("audio", "this server speaks text only");
  fields.refuse("functions", "write tools");
  fields.refuse("function_call", "write tool_choice");
  fields.refuse("reasoning_effort", "the model's effort cannot be set");
  fields.refuse("verbosity", "the answer's length is set with max_tokens");
  fields.refuse("web_search_options", "there is no web search");
  fields.accept({"prediction", "moderation"});  // the first only makes answers quicker, the second changes none of them
}

Json content_json(const std::vector<ContentPart>& content) {
  if (content.size() == 1 && !content.front().other) return content.front().text;
  Json parts = Json::array();
  for (const ContentPart& part : content) {
    parts.push_back(part.other ? *part.other : Json{{"type", "text"}, {"text", part.text}});
  }
  return parts;
}

Json message_json(const Message& message) {
  Json entry = {{"role", to_string(message.role)}};
  // An assistant that only called tools has null; everybody else writes text, or a list that may be empty.
  const bool is_null = message.role == Role::kAssistant && message.content.empty();
  entry["content"] = is_null ? Json(nullptr) : content_json(message.content);
  if (!message.name.empty()) entry["name"] = message.name;
  for (const ToolCall& call : message.tool_calls) {
    entry["tool_calls"].push_back(
        {{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  }
  if (message.role == Role::kTool) entry["tool_call_id"] = message.tool_call_id;
  return entry;
}

Json tools_json(const std::vector<Tool>& tools) {
  Json list = Json::array();
  for (const Tool& tool : tools) {
    Json function = {{"name", tool.name}};
    if (!tool.description.empty()) function["description"] = tool.description;
    function["parameters"] = tool.parameters;
    list.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  return list;
}

// ---- logarithms of probabilities

Json logprob_json(const TokenLogprob& token) {
  Json bytes = Json::array();
  for (const char c : token.token) bytes.push_back(static_cast<int>(static_cast<unsigned char>(c)));
  return {{"token", repair_utf8(token.token)}, {"logprob", finite_logprob(token.logprob)}, {"bytes", std::move(bytes)}};
}

Json logprobs_json(const std::vector<TokenLogprobs>& tokens) {
  Json content = Json::array();
  for (const TokenLogprobs& token : tokens) {
    Json entry = logprob_json(token.chosen);
    entry["top_logprobs"] = Json::array();
    for (const TokenLogprob& other : token.top) entry["top_logprobs"].push_back(logprob_json(other));
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
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

std::vector<TokenLogprobs> read_logprobs_object(ObjectReader& choice) {
  std::vector<TokenLogprobs> tokens;
  const Json* value = choice.take("logprobs");
  if (value == nullptr) return tokens;
  ObjectReader logprobs(*value, choice.path_of("logprobs"));
  const Json* content = logprobs.list("content");
  for (size_t i = 0; content != nullptr && i < content->size(); ++i) {
    ObjectReader fields((*content)[i], fmt::format("{}[{}]", logprobs.path_of("content"), i));
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

FinishReason read_finish_reason(ObjectReader& choice) {
  const std::string word = choice.require_text("finish_reason");
  const std::optional<FinishReason> reason = finish_reason_from(word);
  if (!reason) throw field_error(choice.path_of("finish_reason"), "a known reason", word);
  return *reason;
}

// ---- streams

class ChatEventWriter : public EventWriter {
 public:
  ChatEventWriter(const ChatRequest& request, AnswerHead head)
      : head_(std::move(head)), logprobs_(request.logprobs), usage_(request.stream_usage) {}

  std::vector<std::string> write(const ChatEvent& event) override {
    if (const auto* text = std::get_if<TextEvent>(&event)) return write_text(*text);
    if (const auto* finish = std::get_if<FinishEvent>(&event)) return write_finish(*finish);
    if (const auto* usage = std::get_if<UsageEvent>(&event)) return write_usage(usage->usage);
    return {openai::failure_payload(std::get<FailureEvent>(event))};
  }
  std::vector<std::string> finish() override { return {"[DONE]"}; }

 private:
  std::string chunk(Json choices, Json usage) const {
    Json body = openai::head_json(head_, kChunkObject);
    body["choices"] = std::move(choices);
    if (usage_) body["usage"] = std::move(usage);
    return dump_json(body);
  }
  std::string choice_chunk(int choice, Json delta, Json logprobs, Json reason) const {
    return chunk(Json::array({{{"index", choice},
                               {"delta", std::move(delta)},
                               {"logprobs", std::move(logprobs)},
                               {"finish_reason", std::move(reason)}}}),
                 nullptr);
  }
  // The role comes first, and once for each choice.
  void begin(int choice, std::vector<std::string>& chunks) {
    if (!begun_.insert(choice).second) return;
    chunks.push_back(
        choice_chunk(choice, {{"role", "assistant"}, {"content", ""}, {"refusal", nullptr}}, nullptr, nullptr));
  }
  std::vector<std::string> write_text(const TextEvent& event) {
    std::vector<std::string> chunks;
    begin(event.choice, chunks);
    Json logprobs = logprobs_ ? logprobs_json(event.logprobs) : Json(nullptr);
    chunks.push_back(choice_chunk(event.choice, {{"content", event.text}}, std::move(logprobs), nullptr));
    return chunks;
  }
  std::vector<std::string> write_finish(const FinishEvent& event) {
    std::vector<std::string> chunks;
    begin(event.choice, chunks);
    chunks.push_back(choice_chunk(event.choice, Json::object(), nullptr, to_string(event.reason)));
    return chunks;
  }
  std::vector<std::string> write_usage(const Usage& usage) const {
    if (!usage_) return {};
    return {chunk(Json::array(), openai::usage_json(usage))};
  }

  const AnswerHead head_;
  const bool logprobs_;
  const bool usage_;
  std::set<int> begun_;
};

class ChatEventReader : public EventReader {
 public:
  std::vector<ChatEvent> read(std::string_view payload) override {
    std::vector<ChatEvent> events;
    if (payload == "[DONE]") return events;
    const Json body = openai::parse_body(payload);
    ObjectReader fields(body, "");
    if (const Json* error = fields.take("error")) {
      events.emplace_back(openai::read_failure(*error));
      return events;
    }
    const Json& choices = fields.require("choices");
    if (!choices.is_array()) throw field_error("choices", "a list", choices);
    for (size_t i = 0; i < choices.size(); ++i) read_choice(choices[i], fmt::format("choices[{}]", i), events);
    if (const Json* usage = fields.take("usage")) events.emplace_back(UsageEvent{openai::read_usage(*usage, "usage")});
    return events;
  }

 private:
  static void read_choice(const Json& value, const std::string& path, std::vector<ChatEvent>& events) {
    ObjectReader choice(value, path);
    const int index = static_cast<int>(choice.integer("index", 0, openai::kMostChoices - 1).value_or(0));
    ObjectReader delta(choice.require("delta"), choice.path_of("delta"));
    TextEvent text{index, delta.text("content").value_or(""), read_logprobs_object(choice)};
    const bool is_opening = delta.take("role") != nullptr && text.text.empty();
    const bool has_text = delta.take("content") != nullptr && !is_opening;
    if (has_text || !text.logprobs.empty()) events.emplace_back(std::move(text));
    if (choice.take("finish_reason") != nullptr) events.emplace_back(FinishEvent{index, read_finish_reason(choice)});
  }
};

class OpenAiChat : public Protocol {
 public:
  ChatRequest read_request(std::string_view body) const override;
  std::string write_request(const ChatRequest& request) const override;
  ChatAnswer read_answer(std::string_view body) const override;
  std::string write_answer(const ChatAnswer& answer) const override;
  std::unique_ptr<EventWriter> event_writer(const ChatRequest& request, const AnswerHead& head) const override {
    return std::make_unique<ChatEventWriter>(request, head);
  }
  std::unique_ptr<EventReader> event_reader() const override { return std::make_unique<ChatEventReader>(); }
  std::string_view id_prefix() const override { return "chatcmpl-"; }
};

ChatRequest OpenAiChat::read_request(std::string_view body) const {
  const Json value = openai::parse_body(body);
  ObjectReader fields(value, "");
  ChatRequest request;
  openai::read_common_fields(fields, request);
  const Json& messages = fields.require("messages");
  if (!messages.is_array() || messages.empty())
    throw field_error("messages", "a list with at least one message", messages);
  for (size_t i = 0; i < messages.size(); ++i) {
    request.messages.push_back(read_message(messages[i], fmt::format("messages[{}]", i)));
  }
  request.max_tokens = read_max_tokens(fields);
  read_logprobs(fields, request);
  read_response_format(fields);
  request.tools = read_tools(fields);
  request.tool_choice = read_tool_choice(fields);
  refuse_what_we_lack(fields, !request.tools.empty());
  fields.finish();
  return request;
}

std::string OpenAiChat::write_request(const ChatRequest& request) const {
  Json body = {{"model", request.model}, {"messages", Json::array()}};
  for (const Message& message : request.messages) body["messages"].push_back(message_json(message));
  openai::write_common_fields(request, body);
  if (request.max_tokens) body["max_completion_tokens"] = *request.max_tokens;
  if (request.logprobs) body["logprobs"] = true;
  if (request.top_logprobs > 0) body["top_logprobs"] = request.top_logprobs;
  if (!request.tools.empty()) body["tools"] = tools_json(request.tools);
  if (request.tool_choice == ToolChoice::kNone) body["tool_choice"] = "none";
  return dump_json(body);
}

std::string OpenAiChat::write_answer(const ChatAnswer& answer) const {
  Json body = openai::head_json(answer.head, kObject);
  body["choices"] = Json::array();
  for (size_t i = 0; i < answer.choices.size(); ++i) {
    const ChatChoice& choice = answer.choices[i];
    Json logprobs = choice.logprobs.empty() ? Json(nullptr) : logprobs_json(choice.logprobs);
    body["choices"].push_back({{"index", i},
                               {"message", {{"role", "assistant"}, {"content", choice.text}, {"refusal", nullptr}}},
                               {"logprobs", std::move(logprobs)},
                               {"finish_reason", to_string(choice.reason)}});
  }
  body["usage"] = openai::usage_json(answer.usage);
  return dump_json(body);
}

ChatAnswer OpenAiChat::read_answer(std::string_view body) const {
  const Json value = openai::parse_body(body);
  ObjectReader fields(value, "");
  ChatAnswer answer;
  answer.head = openai::read_head(fields);
  const Json& choices = fields.require("choices");
  if (!choices.is_array()) throw field_error("choices", "a list", choices);
  for (size_t i = 0; i < choices.size(); ++i) {
    ObjectReader choice(choices[i], fmt::format("choices[{}]", i));
    ObjectReader message(choice.require("message"), choice.path_of("message"));
    ChatChoice read;
    read.text = message.text("content").value_or("");
    read.reason = read_finish_reason(choice);
    read.logprobs = read_logprobs_object(choice);
    answer.choices.push_back(std::move(read));
  }
  if (const Json* usage = fields.take("usage")) answer.usage = openai::read_usage(*usage, "usage");
  return answer;
}

}  // namespace

const Protocol& openai_chat() {
  static const OpenAiChat protocol;
  return protocol;
}

}  // namespace understudy
