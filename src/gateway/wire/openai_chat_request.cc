#include <fmt/format.h>

#include <algorithm>

#include "gateway/wire/harmless.h"
#include "gateway/wire/openai_chat_parts.h"
#include "gateway/wire/openai_common.h"

namespace understudy::openai {

namespace {

// ---- parts of a message

Media read_image(ObjectReader& part) {
  ObjectReader image(part.require("image_url"), part.path_of("image_url"));
  Media media;
  media.kind = Media::Kind::kImage;
  put_url(image.require_text("url"), media);
  if (media.url.empty() && media.data.empty()) throw field_error(image.path_of("url"), "an address or data", "");
  media.detail = image.text("detail").value_or("");
  image.finish();
  return media;
}

Media read_audio(ObjectReader& part) {
  ObjectReader audio(part.require("input_audio"), part.path_of("input_audio"));
  Media media;
  media.kind = Media::Kind::kAudio;
  media.data = audio.require_text("data");
  if (media.data.empty()) throw field_error(audio.path_of("data"), "base64", "");
  media.media_type = "audio/" + audio.require_text("format");
  audio.finish();
  return media;
}

Media read_file(ObjectReader& part) {
  ObjectReader file(part.require("file"), part.path_of("file"));
  Media media;
  media.kind = Media::Kind::kDocument;
  media.name = file.text("filename").value_or("");
  media.file_id = file.text("file_id").value_or("");
  if (const auto data = file.text("file_data")) put_file_data(*data, media);
  file.finish();
  const bool has_one = media.file_id.empty() != media.data.empty();
  if (!has_one) throw field_error(part.path_of("file"), "either file_id or file_data", *part.take("file"));
  return media;
}

// Anthropic's mark, which gateways and their clients take over into this protocol.
CacheMark read_cache_mark(ObjectReader& fields) {
  const Json* value = fields.take("cache_control");
  if (value == nullptr) return "";
  ObjectReader mark(*value, fields.path_of("cache_control"));
  mark.accept({"type"});
  const std::string lifetime = mark.text("ttl").value_or("5m");
  mark.finish();
  return lifetime;
}

ContentPart read_part(const Json& value, const std::string& path) {
  ObjectReader fields(value, path);
  ContentPart part;
  const std::string type = fields.require_text("type");
  if (type == "text") {
    part.text = fields.require_text("text");
  } else if (type == "refusal") {
    part.text = fields.require_text("refusal");
    part.refusal = true;
  } else if (type == "image_url") {
    part.other = read_image(fields);
  } else if (type == "input_audio") {
    part.other = read_audio(fields);
  } else if (type == "file") {
    part.other = read_file(fields);
  } else {
    part.other = Native{ProtocolName::kOpenAiChat, value};
    return part;
  }
  part.cache = read_cache_mark(fields);
  fields.finish();
  return part;
}

std::vector<ContentPart> read_content(const Json& value, const std::string& path) {
  return read_parts(value, path, read_part);
}

// ---- messages

std::vector<ToolCall> read_tool_calls(ObjectReader& message) {
  std::vector<ToolCall> calls;
  const Json* list = message.list("tool_calls");
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const std::string path = fmt::format("{}[{}]", message.path_of("tool_calls"), i);
    ObjectReader call((*list)[i], path);
    ToolCall read;
    read.id = call.require_text("id");
    // Some vendors leave it out.
    if (call.text("type").value_or("function") != "function") {
      throw unsupported_field(call.path_of("type"), "only calls of type function");
    }
    ObjectReader function(call.require("function"), call.path_of("function"));
    read.name = function.require_text("name");
    read.arguments = function.text("arguments").value_or("");
    read.signature = read_signature(call);
    call.accept({"index"});
    function.accept({"parsed_arguments"});
    function.finish();
    call.finish();
    calls.push_back(std::move(read));
  }
  return calls;
}

std::vector<ContentPart> thoughts_of(ObjectReader& fields) {
  std::vector<ContentPart> parts;
  for (Thought& thought : read_thoughts(fields)) parts.emplace_back().other = std::move(thought.piece);
  return parts;
}

void read_assistant_fields(ObjectReader& fields, Message& message) {
  message.tool_calls = read_tool_calls(fields);
  if (const auto refusal = fields.text("refusal")) {
    ContentPart part = ContentPart::of(*refusal);
    part.refusal = true;
    message.content.push_back(std::move(part));
  }
  std::vector<ContentPart> thoughts = thoughts_of(fields);
  message.content.insert(message.content.begin(), thoughts.begin(), thoughts.end());
  fields.refuse("audio", "an earlier answer's sound is known to one provider only");
  fields.refuse("function_call", "write tool_calls");
  // Stands in answers that clients send back as they came; `parsed` their own helpers added.
  fields.accept({"annotations", "parsed"});
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
  if (message.role == Role::kAssistant) read_assistant_fields(fields, message);
  if (message.role == Role::kTool) message.tool_call_id = fields.require_text("tool_call_id");
  fields.finish();
  return message;
}

// ---- tools and the answer's form

Tool read_tool(const Json& value, const std::string& path) {
  ObjectReader entry(value, path);
  Tool tool;
  if (entry.require_text("type") != "function") {
    tool.native = Native{ProtocolName::kOpenAiChat, value};
    return tool;
  }
  ObjectReader function(entry.require("function"), entry.path_of("function"));
  tool.name = function.require_text("name");
  tool.description = function.text("description").value_or("");
  const Json* parameters = function.take("parameters");
  tool.parameters = parameters != nullptr ? *parameters : Json::object();
  if (!tool.parameters.is_object()) throw field_error(function.path_of("parameters"), "an object", tool.parameters);
  tool.strict = function.boolean("strict");
  tool.cache = read_cache_mark(entry);
  function.finish();
  entry.finish();
  return tool;
}

std::vector<Tool> read_tools(ObjectReader& fields) {
  std::vector<Tool> tools;
  const Json* list = fields.list("tools");
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    tools.push_back(read_tool((*list)[i], fmt::format("{}[{}]", fields.path_of("tools"), i)));
  }
  return tools;
}

void read_tool_choice(ObjectReader& fields, ChatRequest& request) {
  const Json* choice = fields.take("tool_choice");
  if (choice == nullptr || *choice == "auto") return;
  const std::string path = fields.path_of("tool_choice");
  if (*choice == "none") {
    request.tool_choice.mode = ToolChoice::Mode::kNone;
  } else if (*choice == "required") {
    request.tool_choice.mode = ToolChoice::Mode::kRequired;
  } else if (choice->is_object() && choice->value("type", Json()) == "function") {
    ObjectReader named(*choice, path);
    named.accept({"type"});
    ObjectReader function(named.require("function"), named.path_of("function"));
    request.tool_choice = {ToolChoice::Mode::kNamed, function.require_text("name")};
    function.finish();
    named.finish();
  } else if (choice->is_object()) {
    request.extras["tool_choice"] = Native{ProtocolName::kOpenAiChat, *choice};
  } else {
    throw field_error(path, "\"auto\", \"none\", \"required\" or an object", *choice);
  }
}

ResponseFormat read_json_schema(ObjectReader& reader) {
  ResponseFormat format{.kind = ResponseFormat::Kind::kJsonSchema};
  ObjectReader fields(reader.require("json_schema"), reader.path_of("json_schema"));
  format.name = fields.text("name").value_or("");
  format.description = fields.text("description").value_or("");
  format.strict = fields.boolean("strict");
  const Json* schema = fields.take("schema");
  if (schema != nullptr && !schema->is_object()) throw field_error(fields.path_of("schema"), "an object", *schema);
  format.schema = schema != nullptr ? *schema : Json::object();
  fields.finish();
  return format;
}

ResponseFormat read_response_format(ObjectReader& fields) {
  const Json* value = fields.take("response_format");
  if (value == nullptr) return {};
  const std::string path = fields.path_of("response_format");
  ObjectReader reader(*value, path);
  const std::string type = reader.require_text("type");
  ResponseFormat format;
  if (type == "json_object") {
    format.kind = ResponseFormat::Kind::kJsonObject;
  } else if (type == "json_schema") {
    format = read_json_schema(reader);
  } else if (type != "text") {
    throw field_error(path + ".type", "\"text\", \"json_object\" or \"json_schema\"", (*value)["type"]);
  }
  reader.finish();
  return format;
}

// ---- the rest of a request

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
  const std::optional<int64_t> top = fields.integer("top_logprobs", 0, kMostTopLogprobs);
  if (top && *top > 0 && !request.logprobs) {
    throw Error(ErrorCode::kInvalidInput, "top_logprobs: only allowed with \"logprobs\": true")
        .about("top_logprobs", "invalid_value");
  }
  request.top_logprobs = static_cast<int>(top.value_or(0));
}

// What only this protocol knows. A value that says no more than the default is let pass.
void read_extras(ObjectReader& fields, ChatRequest& request) {
  const Json* modalities = fields.list("modalities");
  if (modalities != nullptr && *modalities != Json::array({"text"})) {
    request.extras["modalities"] = Native{ProtocolName::kOpenAiChat, *modalities};
  }
  for (const char* key : {"audio", "functions", "function_call", "verbosity", "web_search_options", "prediction",
                          "moderation", "store", "service_tier", "prompt_cache_key", "prompt_cache_retention"}) {
    if (const Json* value = fields.take(key)) request.extras[key] = Native{ProtocolName::kOpenAiChat, *value};
  }
}

// ---- writing

Error cannot_say(const std::string& path, std::string_view why) {
  return unsupported_field(path, fmt::format("{} (OpenAI's chat completions)", why));
}

Json media_json(const Media& media, const std::string& path) {
  switch (media.kind) {
    case Media::Kind::kImage: {
      if (!media.file_id.empty()) throw cannot_say(path, "an image is sent as data or as a URL, not as an upload's id");
      if (!has_plain_type(media)) throw cannot_say(path, "no data: URL can have this media type");
      Json image = {{"url", url_of(media)}};
      if (!media.detail.empty()) image["detail"] = media.detail;
      return {{"type", "image_url"}, {"image_url", std::move(image)}};
    }
    case Media::Kind::kAudio: {
      constexpr std::string_view kPrefix = "audio/";
      if (media.data.empty() || media.media_type.rfind(kPrefix, 0) != 0) {
        throw cannot_say(path, "sound is sent as base64 with a type of audio/...");
      }
      return {{"type", "input_audio"},
              {"input_audio", {{"data", media.data}, {"format", media.media_type.substr(kPrefix.size())}}}};
    }
    case Media::Kind::kDocument: {
      if (!media.url.empty()) throw cannot_say(path, "a document is sent as data or as an upload's id, not as a URL");
      Json file = Json::object();
      if (!media.name.empty()) file["filename"] = media.name;
      if (!media.file_id.empty()) file["file_id"] = media.file_id;
      if (!has_plain_type(media)) throw cannot_say(path, "no data: URL can have this media type");
      if (!media.data.empty()) file["file_data"] = file_data_of(media);
      return {{"type", "file"}, {"file", std::move(file)}};
    }
  }
  return {};
}

Json part_json(const ContentPart& part, Role role, const std::string& path) {
  if (const auto* media = std::get_if<Media>(&part.other)) {
    if (role != Role::kUser) throw cannot_say(path, "only a user's message has more than text");
    return media_json(*media, path);
  }
  if (const auto* native = std::get_if<Native>(&part.other)) {
    if (native->protocol != ProtocolName::kOpenAiChat) throw cannot_say(path, "this part is another protocol's own");
    return native->value;
  }
  if (part.refusal && role != Role::kAssistant) throw cannot_say(path, "only an assistant refuses");
  if (part.refusal) return {{"type", "refusal"}, {"refusal", part.text}};
  return {{"type", "text"}, {"text", part.text}};
}

Json content_json(const std::vector<ContentPart>& content, Role role, const std::string& path) {
  const bool is_plain = content.size() == 1 && content.front().is_text() && !content.front().refusal;
  if (is_plain) return content.front().text;
  Json parts = Json::array();
  for (size_t i = 0; i < content.size(); ++i)
    parts.push_back(part_json(content[i], role, fmt::format("{}[{}]", path, i)));
  return parts;
}

// Thoughts of earlier turns mean something to who had them only; marks for a cache and a tool's failure have no field.
std::vector<ContentPart> expressible(const Message& message, std::set<std::string>& dropped) {
  std::vector<ContentPart> content;
  for (const ContentPart& part : message.content) {
    if (!part.cache.empty()) dropped.insert("cache_control");
    if (std::holds_alternative<Reasoning>(part.other)) {
      dropped.insert("reasoning");
    } else {
      content.push_back(part);
      content.back().cache.clear();
    }
  }
  if (message.tool_failed) dropped.insert("is_error");
  return content;
}

Json message_json(const Message& message, const std::string& path, std::set<std::string>& dropped) {
  Json entry = {{"role", to_string(message.role)}};
  const std::vector<ContentPart> content = expressible(message, dropped);
  // An assistant that only called tools has null; everybody else writes text, or a list that may be empty.
  const bool is_null = message.role == Role::kAssistant && content.empty();
  entry["content"] = is_null ? Json(nullptr) : content_json(content, message.role, path + ".content");
  if (!message.name.empty()) entry["name"] = message.name;
  for (ToolCall call : message.tool_calls) {
    if (!call.signature.empty()) dropped.insert("thought_signature");
    call.signature.clear();
    entry["tool_calls"].push_back(tool_call_json(call));
  }
  if (message.role == Role::kTool) entry["tool_call_id"] = message.tool_call_id;
  return entry;
}

Json tool_json(const Tool& tool, const std::string& path, std::set<std::string>& dropped) {
  if (tool.native) {
    if (tool.native->protocol == ProtocolName::kOpenAiChat) return tool.native->value;
    throw cannot_say(path, "this tool is another provider's own");
  }
  if (!tool.cache.empty()) dropped.insert("cache_control");
  Json function = {{"name", tool.name}};
  if (!tool.description.empty()) function["description"] = tool.description;
  function["parameters"] = tool.parameters;
  if (tool.strict) function["strict"] = *tool.strict;
  return {{"type", "function"}, {"function", std::move(function)}};
}

void write_tool_choice(const ChatRequest& request, Json& body) {
  const ToolChoice& choice = request.tool_choice;
  if (choice.mode == ToolChoice::Mode::kNone) body["tool_choice"] = "none";
  if (choice.mode == ToolChoice::Mode::kRequired) body["tool_choice"] = "required";
  if (choice.mode == ToolChoice::Mode::kNamed) {
    body["tool_choice"] = {{"type", "function"}, {"function", {{"name", choice.name}}}};
  }
}

void write_response_format(const ResponseFormat& format, Json& body) {
  if (format.kind == ResponseFormat::Kind::kJsonObject) body["response_format"] = {{"type", "json_object"}};
  if (format.kind != ResponseFormat::Kind::kJsonSchema) return;
  Json schema = {{"name", format.name.empty() ? "answer" : format.name}};  // the protocol asks for one
  if (!format.description.empty()) schema["description"] = format.description;
  schema["schema"] = format.schema;
  if (format.strict) schema["strict"] = *format.strict;
  body["response_format"] = {{"type", "json_schema"}, {"json_schema", std::move(schema)}};
}

void check_expressible(const ChatRequest& request) {
  if (request.prompt) throw cannot_say("prompt", "a plain text to go on with is of completions");
  if (request.echo) throw cannot_say("echo", "a plain text to go on with is of completions");
  if (request.messages.empty()) throw cannot_say("messages", "there has to be one");
  if (request.top_logprobs > kMostTopLogprobs) {
    throw cannot_say("top_logprobs", fmt::format("at most {}", kMostTopLogprobs));
  }
}

void write_reasoning(const ReasoningSettings& reasoning, Json& body, std::set<std::string>& dropped) {
  if (!reasoning.effort.empty()) body["reasoning_effort"] = reasoning.effort;
  if (reasoning.budget_tokens) dropped.insert("reasoning.budget_tokens");
  if (reasoning.show) dropped.insert("reasoning.show");
  if (!reasoning.summary.empty()) dropped.insert("reasoning.summary");
}

}  // namespace

ChatRequest read_chat_request(std::string_view body) {
  const Json value = parse_body(body);
  ObjectReader fields(value, "");
  ChatRequest request;
  read_common_fields(fields, request);
  const Json& messages = fields.require("messages");
  if (!messages.is_array() || messages.empty())
    throw field_error("messages", "a list with at least one message", messages);
  for (size_t i = 0; i < messages.size(); ++i) {
    request.messages.push_back(read_message(messages[i], fmt::format("messages[{}]", i)));
  }
  request.max_tokens = read_max_tokens(fields);
  read_logprobs(fields, request);
  request.response_format = read_response_format(fields);
  request.tools = read_tools(fields);
  read_tool_choice(fields, request);
  request.parallel_tool_calls = fields.boolean("parallel_tool_calls");
  request.reasoning.effort = fields.text("reasoning_effort").value_or("");
  read_extras(fields, request);
  fields.finish();
  return request;
}

std::string write_chat_request(const ChatRequest& request, std::vector<std::string>& dropped) {
  check_expressible(request);
  std::set<std::string> harmless;
  Json body = {{"model", request.model}, {"messages", Json::array()}};
  for (size_t i = 0; i < request.messages.size(); ++i) {
    body["messages"].push_back(message_json(request.messages[i], fmt::format("messages[{}]", i), harmless));
  }
  write_common_fields(request, body);
  if (request.max_tokens) body["max_completion_tokens"] = *request.max_tokens;
  if (request.logprobs) body["logprobs"] = true;
  if (request.top_logprobs > 0) body["top_logprobs"] = request.top_logprobs;
  for (size_t i = 0; i < request.tools.size(); ++i) {
    body["tools"].push_back(tool_json(request.tools[i], fmt::format("tools[{}]", i), harmless));
  }
  write_tool_choice(request, body);
  if (request.parallel_tool_calls) body["parallel_tool_calls"] = *request.parallel_tool_calls;
  write_response_format(request.response_format, body);
  write_reasoning(request.reasoning, body, harmless);
  write_extras(request, ProtocolName::kOpenAiChat, body, harmless);
  dropped.insert(dropped.end(), harmless.begin(), harmless.end());
  return dump_json(body);
}

}  // namespace understudy::openai
