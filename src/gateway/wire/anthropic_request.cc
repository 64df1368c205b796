// A user's message of the protocol holds the results of tools before what the user says: each result becomes a message
// of a tool, the rest one of the user; on writing they stand in one message again, as the protocol asks for turns.
#include <fmt/format.h>

#include <algorithm>

#include "gateway/wire/anthropic_parts.h"
#include "gateway/wire/harmless.h"
#include "gateway/wire/signatures.h"

namespace understudy::anthropic {

namespace {

constexpr int64_t kMostTokens = INT32_MAX;

// What only this protocol knows and keeps.
constexpr const char* kExtras[] = {"service_tier",          "mcp_servers",   "container",      "context_management",
                                   "cache_control",         "inference_geo", "speed",          "fallbacks",
                                   "fallback_credit_token", "diagnostics",   "user_profile_id"};

Error cannot_say(const std::string& path, std::string_view why) {
  return unsupported_field(path, fmt::format("{} (Anthropic's Messages)", why));
}

// ---- reading: parts

CacheMark read_cache(ObjectReader& fields) {
  const Json* value = fields.take("cache_control");
  if (value == nullptr) return {};
  ObjectReader mark(*value, fields.path_of("cache_control"));
  mark.accept({"type"});
  return mark.text("ttl").value_or("5m");
}

Json cache_json(const CacheMark& mark) {
  Json json = {{"type", "ephemeral"}};
  if (mark != "5m") json["ttl"] = mark;
  return json;
}

// Nothing where the source is of a kind that has no Media: text or a list of blocks.
std::optional<Media> read_source(ObjectReader& block, Media::Kind kind) {
  ObjectReader source(block.require("source"), block.path_of("source"));
  const std::string type = source.require_text("type");
  Media media;
  media.kind = kind;
  if (type == "base64") {
    media.media_type = source.require_text("media_type");
    media.data = source.require_text("data");
  } else if (type == "url") {
    media.url = source.require_text("url");
  } else if (type == "file") {
    media.file_id = source.require_text("file_id");
  } else {
    return std::nullopt;
  }
  source.finish();
  const bool has_content = !media.data.empty() || !media.url.empty() || !media.file_id.empty();
  if (!has_content) throw field_error(block.path_of("source"), "data, a URL or a file's id", block.require("source"));
  return media;
}

// An image or a document; as JSON where it asks for more than a Media says.
void read_media(ObjectReader& block, const Json& value, Media::Kind kind, ContentPart& part) {
  std::optional<Media> media = read_source(block, kind);
  const bool is_document = kind == Media::Kind::kDocument;
  const bool asks_more = is_document && (block.take("citations") != nullptr || block.take("context") != nullptr);
  if (!media || asks_more) {
    part.other = Native{ProtocolName::kAnthropic, value};
    part.cache.clear();  // it stands in the JSON
    return;
  }
  if (is_document) media->name = block.text("title").value_or("");
  part.other = std::move(*media);
  block.finish();
}

ContentPart read_part(const Json& value, const std::string& path) {
  ObjectReader block(value, path);
  const std::string type = block.require_text("type");
  ContentPart part;
  part.cache = read_cache(block);
  const bool is_cited = block.take("citations") != nullptr;
  if (type == "text" && !is_cited) {
    part.text = block.require_text("text");
  } else if (type == "image") {
    read_media(block, value, Media::Kind::kImage, part);
    return part;
  } else if (type == "document") {
    read_media(block, value, Media::Kind::kDocument, part);
    return part;
  } else if (type == "thinking") {
    part.other = Reasoning{.text = block.require_text("thinking"),
                           .signature = without_nobodys_mark(block.text("signature").value_or(""))};
  } else if (type == "redacted_thinking") {
    part.other = Reasoning{.signature = block.require_text("data"), .redacted = true};
  } else {
    part.cache.clear();
    part.other = Native{ProtocolName::kAnthropic, value};
    return part;
  }
  block.finish();
  return part;
}

// The protocol has no empty text beside other blocks, and no thought without a signature.
bool says_nothing(const ContentPart& part) {
  if (part.is_text()) return part.text.empty() && part.cache.empty();
  const auto* reasoning = std::get_if<Reasoning>(&part.other);
  return reasoning != nullptr && reasoning->signature.empty();
}

std::vector<ContentPart> read_content(const Json& value, const std::string& path) {
  if (value.is_string()) return {ContentPart::of(value.get<std::string>())};
  if (!value.is_array()) throw field_error(path, "a string or a list of blocks", value);
  std::vector<ContentPart> parts;
  for (size_t i = 0; i < value.size(); ++i) {
    ContentPart part = read_part(value[i], fmt::format("{}[{}]", path, i));
    if (!says_nothing(part)) parts.push_back(std::move(part));
  }
  return parts;
}

// ---- reading: messages

ToolCall read_tool_use(const Json& value, const std::string& path) {
  ObjectReader block(value, path);
  block.accept({"type", "cache_control", "caller"});
  ToolCall call;
  call.id = block.require_text("id");
  call.name = block.require_text("name");
  const Json& input = block.require("input");
  if (!input.is_object()) throw field_error(path + ".input", "an object", input);
  call.arguments = dump_json(input);
  block.finish();
  return call;
}

Message read_tool_result(const Json& value, const std::string& path) {
  ObjectReader block(value, path);
  block.accept({"type"});
  Message result;
  result.role = Role::kTool;
  result.tool_call_id = block.require_text("tool_use_id");
  result.tool_failed = block.boolean("is_error").value_or(false);
  if (const Json* content = block.take("content")) result.content = read_content(*content, path + ".content");
  const CacheMark mark = read_cache(block);
  const bool takes_mark = !result.content.empty() && !std::holds_alternative<Native>(result.content.back().other);
  if (takes_mark && !mark.empty()) result.content.back().cache = mark;
  block.finish();
  return result;
}

std::string_view type_of(const Json& block) {
  const auto type = block.is_object() ? block.find("type") : block.end();
  return type != block.end() && type->is_string() ? type->get_ref<const std::string&>() : std::string_view();
}

// The blocks of one message; results of tools go to `messages` as messages of their own, before it.
void read_blocks(const Json& blocks, const std::string& path, Message& message, std::vector<Message>& messages) {
  for (size_t i = 0; i < blocks.size(); ++i) {
    const std::string at = fmt::format("{}[{}]", path, i);
    const std::string_view type = type_of(blocks[i]);
    if (type == "tool_use" && message.role == Role::kAssistant) {
      message.tool_calls.push_back(read_tool_use(blocks[i], at));
    } else if (type == "tool_result" && message.role == Role::kUser) {
      messages.push_back(read_tool_result(blocks[i], at));
    } else if (!read_call_signature(blocks[i])) {
      ContentPart part = read_part(blocks[i], at);
      if (!says_nothing(part)) message.content.push_back(std::move(part));
    }
  }
  sign_calls(blocks, message.tool_calls);
}

void read_message(const Json& value, const std::string& path, std::vector<Message>& messages) {
  ObjectReader fields(value, path);
  const std::string word = fields.require_text("role");
  if (word != "user" && word != "assistant") throw field_error(path + ".role", "user or assistant", Json(word));
  Message message;
  message.role = word == "user" ? Role::kUser : Role::kAssistant;
  const Json& content = fields.require("content");
  const size_t before = messages.size();
  if (content.is_array()) {
    read_blocks(content, fields.path_of("content"), message, messages);
  } else {
    message.content = read_content(content, fields.path_of("content"));
  }
  fields.finish();
  const bool only_results = messages.size() > before && message.content.empty();
  if (!only_results) messages.push_back(std::move(message));
}

// ---- reading: the rest

Tool read_tool(const Json& value, const std::string& path) {
  ObjectReader fields(value, path);
  Tool tool;
  bool is_plain = fields.text("type").value_or("custom") == "custom";
  for (const char* key : {"defer_loading", "allowed_callers", "input_examples", "eager_input_streaming"}) {
    is_plain = is_plain && fields.take(key) == nullptr;
  }
  if (!is_plain) {
    tool.native = Native{ProtocolName::kAnthropic, value};
    return tool;
  }
  tool.name = fields.require_text("name");
  tool.description = fields.text("description").value_or("");
  tool.parameters = fields.require("input_schema");
  if (!tool.parameters.is_object()) throw field_error(path + ".input_schema", "an object", tool.parameters);
  tool.strict = fields.boolean("strict");
  tool.cache = read_cache(fields);
  fields.finish();
  return tool;
}

void read_tool_choice(ObjectReader& fields, ChatRequest& request) {
  const Json* value = fields.take("tool_choice");
  if (value == nullptr) return;
  ObjectReader choice(*value, fields.path_of("tool_choice"));
  const std::string type = choice.require_text("type");
  if (type == "none") {
    request.tool_choice.mode = ToolChoice::Mode::kNone;
  } else if (type == "any") {
    request.tool_choice.mode = ToolChoice::Mode::kRequired;
  } else if (type == "tool") {
    request.tool_choice = {ToolChoice::Mode::kNamed, choice.require_text("name")};
  } else if (type != "auto") {
    throw field_error(choice.path_of("type"), "auto, any, tool or none", Json(type));
  }
  const std::optional<bool> single = choice.boolean("disable_parallel_tool_use");
  if (single) request.parallel_tool_calls = !*single;
  choice.finish();
}

void read_format(const Json& value, const std::string& path, ChatRequest& request) {
  ObjectReader format(value, path);
  const std::string type = format.require_text("type");
  if (type != "json_schema") throw field_error(path + ".type", "json_schema", Json(type));
  request.response_format.kind = ResponseFormat::Kind::kJsonSchema;
  request.response_format.schema = format.require("schema");
  if (!request.response_format.schema.is_object()) {
    throw field_error(path + ".schema", "an object", request.response_format.schema);
  }
  format.finish();
}

// output_format is the older name of output_config.format.
void read_output(ObjectReader& fields, ChatRequest& request) {
  if (const Json* format = fields.take("output_format")) read_format(*format, fields.path_of("output_format"), request);
  const Json* value = fields.take("output_config");
  if (value == nullptr) return;
  ObjectReader config(*value, fields.path_of("output_config"));
  if (const Json* format = config.take("format")) read_format(*format, config.path_of("format"), request);
  request.reasoning.effort = config.text("effort").value_or("");
  config.finish();
}

void read_thinking(ObjectReader& fields, ReasoningSettings& reasoning) {
  const Json* value = fields.take("thinking");
  if (value == nullptr) return;
  ObjectReader thinking(*value, fields.path_of("thinking"));
  const std::string type = thinking.require_text("type");
  if (type == "enabled") {
    thinking.require("budget_tokens");
    reasoning.budget_tokens = thinking.integer("budget_tokens", 1, kMostTokens);
  } else if (type == "disabled") {
    reasoning.budget_tokens = 0;
  } else if (type == "adaptive") {
    reasoning.budget_tokens = -1;
  } else {
    throw field_error(thinking.path_of("type"), "enabled, disabled or adaptive", Json(type));
  }
  const std::optional<std::string> display = thinking.text("display");
  if (display && type != "disabled") reasoning.show = *display != "omitted";
  thinking.finish();
}

void read_metadata(ObjectReader& fields, ChatRequest& request) {
  const Json* value = fields.take("metadata");
  if (value == nullptr) return;
  ObjectReader metadata(*value, fields.path_of("metadata"));
  request.user = metadata.text("user_id").value_or("");
  metadata.finish();
}

void read_stops(ObjectReader& fields, ChatRequest& request) {
  const Json* list = fields.list("stop_sequences");
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const Json& stop = (*list)[i];
    const bool fits = stop.is_string() && !stop.get_ref<const std::string&>().empty();
    if (!fits) throw field_error(fmt::format("stop_sequences[{}]", i), "a string that is not empty", stop);
    request.stop.push_back(stop.get<std::string>());
  }
}

void read_system(ObjectReader& fields, ChatRequest& request) {
  const Json* system = fields.take("system");
  if (system == nullptr) return;
  Message message;
  message.role = Role::kSystem;
  message.content = read_content(*system, fields.path_of("system"));
  if (!message.content.empty()) request.messages.push_back(std::move(message));
}

void read_max_tokens(ObjectReader& fields, Bound bound, ChatRequest& request) {
  if (bound == Bound::kMaxTokens) fields.require("max_tokens");
  request.max_tokens = fields.integer("max_tokens", 0, kMostTokens);
}

// ---- writing: parts

Json media_json(const Media& media, const std::string& path, std::set<std::string>& dropped) {
  if (media.kind == Media::Kind::kAudio) throw cannot_say(path, "there is no sound");
  const bool is_image = media.kind == Media::Kind::kImage;
  Json source;
  if (!media.data.empty()) {
    source = {{"type", "base64"}, {"media_type", media.media_type}, {"data", media.data}};
  } else if (!media.url.empty()) {
    source = {{"type", "url"}, {"url", media.url}};
  } else {
    source = {{"type", "file"}, {"file_id", media.file_id}};
  }
  if (!media.detail.empty()) dropped.insert("detail");
  Json block = {{"type", is_image ? "image" : "document"}, {"source", std::move(source)}};
  if (!is_image && !media.name.empty()) block["title"] = media.name;
  return block;
}

// Nothing for what a hop may leave out: empty text, and thoughts that another provider had.
std::optional<Json> part_json(const ContentPart& part, const std::string& path, std::set<std::string>& dropped) {
  if (const auto* native = std::get_if<Native>(&part.other)) return own(*native, path);
  Json block;
  if (const auto* media = std::get_if<Media>(&part.other)) {
    block = media_json(*media, path, dropped);
  } else if (const auto* reasoning = std::get_if<Reasoning>(&part.other)) {
    const bool is_signed_here = !reasoning->signature.empty() && reasoning->id.empty();
    if (!is_signed_here) {
      dropped.insert("reasoning");
      return std::nullopt;
    }
    if (reasoning->redacted) return Json{{"type", "redacted_thinking"}, {"data", reasoning->signature}};
    return Json{{"type", "thinking"}, {"thinking", reasoning->text}, {"signature", reasoning->signature}};
  } else if (says_nothing(part)) {
    return std::nullopt;
  } else {
    block = {{"type", "text"}, {"text", part.text}};
  }
  if (!part.cache.empty()) block["cache_control"] = cache_json(part.cache);
  return block;
}

Json blocks_json(const std::vector<ContentPart>& content, const std::string& path, std::set<std::string>& dropped) {
  Json blocks = Json::array();
  for (size_t i = 0; i < content.size(); ++i) {
    if (auto block = part_json(content[i], fmt::format("{}[{}]", path, i), dropped))
      blocks.push_back(std::move(*block));
  }
  return blocks;
}

bool is_plain_text(const std::vector<ContentPart>& content) {
  return content.size() == 1 && content.front().is_text() && content.front().cache.empty();
}

Json content_json(const std::vector<ContentPart>& content, const std::string& path, std::set<std::string>& dropped) {
  return is_plain_text(content) ? Json(content.front().text) : blocks_json(content, path, dropped);
}

// ---- writing: messages

Json tool_result_json(const Message& message, const std::string& path, std::set<std::string>& dropped) {
  Json block = {{"type", "tool_result"}, {"tool_use_id", message.tool_call_id}};
  if (!message.content.empty()) block["content"] = content_json(message.content, path + ".content", dropped);
  if (message.tool_failed) block["is_error"] = true;
  return block;
}

Json tool_use_json(const ToolCall& call, const std::string& path, std::set<std::string>& dropped) {
  if (!call.signature.empty()) dropped.insert("thought_signature");
  return {{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", input_of(call, path)}};
}

class MessagesWriter {
 public:
  MessagesWriter(Json& body, std::set<std::string>& dropped) : body_(body), dropped_(dropped) {
    body_["messages"] = Json::array();
  }

  void put(const Message& message, const std::string& path) {
    if (!message.name.empty()) dropped_.insert("name");
    switch (message.role) {
      case Role::kSystem:
      case Role::kDeveloper:
        return put_system(message, path);
      case Role::kTool:
        return put_result(message, path);
      case Role::kAssistant:
        return put_assistant(message, path);
      case Role::kUser:
        return put_user(message, path);
    }
  }

 private:
  Json& messages() { return body_["messages"]; }

  void put_system(const Message& message, const std::string& path) {
    if (!messages().empty()) throw cannot_say(path + ".role", "a system prompt stands before all other messages");
    if (message.role == Role::kDeveloper) dropped_.insert("developer");
    if (!body_.contains("system")) {
      body_["system"] = content_json(message.content, path + ".content", dropped_);
      return;
    }
    if (body_["system"].is_string()) {
      body_["system"] = Json::array({{{"type", "text"}, {"text", body_["system"]}}});
    }
    for (Json& block : blocks_json(message.content, path + ".content", dropped_)) {
      body_["system"].push_back(std::move(block));
    }
  }
  void put_result(const Message& message, const std::string& path) {
    if (!takes_results_) {
      messages().push_back({{"role", "user"}, {"content", Json::array()}});
      takes_results_ = true;
    }
    messages().back()["content"].push_back(tool_result_json(message, path, dropped_));
  }
  void put_user(const Message& message, const std::string& path) {
    Json blocks = blocks_json(message.content, path + ".content", dropped_);
    if (takes_results_ && !blocks.empty()) {
      for (Json& block : blocks) messages().back()["content"].push_back(std::move(block));
    } else {
      messages().push_back({{"role", "user"}, {"content", content_json(message.content, path + ".content", dropped_)}});
    }
    takes_results_ = false;
  }
  void put_assistant(const Message& message, const std::string& path) {
    takes_results_ = false;
    if (message.tool_calls.empty()) {
      messages().push_back(
          {{"role", "assistant"}, {"content", content_json(message.content, path + ".content", dropped_)}});
      return;
    }
    Json blocks = blocks_json(message.content, path + ".content", dropped_);
    for (size_t i = 0; i < message.tool_calls.size(); ++i) {
      blocks.push_back(tool_use_json(message.tool_calls[i], fmt::format("{}.tool_calls[{}]", path, i), dropped_));
    }
    messages().push_back({{"role", "assistant"}, {"content", std::move(blocks)}});
  }

  Json& body_;
  std::set<std::string>& dropped_;
  bool takes_results_ = false;  // the last message is a user's with results of tools
};

// ---- writing: the rest

Json tool_json(const Tool& tool, const std::string& path) {
  if (tool.native) return own(*tool.native, path);
  Json json = {{"name", tool.name}};
  if (!tool.description.empty()) json["description"] = tool.description;
  json["input_schema"] = tool.parameters;
  // The protocol asks for a schema of an object, OpenAI's takes none at all.
  if (tool.parameters.empty()) json["input_schema"] = {{"type", "object"}, {"properties", Json::object()}};
  if (tool.strict) json["strict"] = *tool.strict;
  if (!tool.cache.empty()) json["cache_control"] = cache_json(tool.cache);
  return json;
}

void write_tool_choice(const ChatRequest& request, Json& body, std::set<std::string>& dropped) {
  const ToolChoice& choice = request.tool_choice;
  const bool is_default = choice.mode == ToolChoice::Mode::kAuto && !request.parallel_tool_calls;
  if (is_default) return;
  if (choice.mode == ToolChoice::Mode::kNone) {
    body["tool_choice"] = {{"type", "none"}};
    if (request.parallel_tool_calls) dropped.insert("parallel_tool_calls");
    return;
  }
  const bool has_no_effect = request.tools.empty() && choice.mode == ToolChoice::Mode::kAuto;
  if (has_no_effect) {
    dropped.insert("parallel_tool_calls");
    return;
  }
  Json json = {{"type", choice.mode == ToolChoice::Mode::kAuto       ? "auto"
                        : choice.mode == ToolChoice::Mode::kRequired ? "any"
                                                                     : "tool"}};
  if (choice.mode == ToolChoice::Mode::kNamed) json["name"] = choice.name;
  if (request.parallel_tool_calls) json["disable_parallel_tool_use"] = !*request.parallel_tool_calls;
  body["tool_choice"] = std::move(json);
}

void write_output(const ChatRequest& request, Json& body, std::set<std::string>& dropped) {
  const ResponseFormat& format = request.response_format;
  if (format.kind == ResponseFormat::Kind::kJsonObject) {
    throw cannot_say("response_format", "there is no JSON without a schema: send a json_schema");
  }
  if (format.kind == ResponseFormat::Kind::kJsonSchema) {
    body["output_config"]["format"] = {{"type", "json_schema"}, {"schema", format.schema}};
    if (!format.name.empty()) dropped.insert("response_format.name");
    if (!format.description.empty()) dropped.insert("response_format.description");
    if (format.strict) dropped.insert("response_format.strict");  // it always is
  }
}

void write_reasoning(const ReasoningSettings& reasoning, Json& body, std::set<std::string>& dropped) {
  if (!reasoning.summary.empty()) dropped.insert("reasoning.summary");
  const bool is_off = reasoning.effort == "none" || reasoning.budget_tokens == 0;
  if (is_off) {
    body["thinking"] = {{"type", "disabled"}};
  } else if (reasoning.budget_tokens) {
    const bool is_adaptive = *reasoning.budget_tokens < 0;
    body["thinking"] = {{"type", is_adaptive ? "adaptive" : "enabled"}};
    if (!is_adaptive) body["thinking"]["budget_tokens"] = *reasoning.budget_tokens;
    if (reasoning.show) body["thinking"]["display"] = *reasoning.show ? "summarized" : "omitted";
  }
  const bool shows_nothing = reasoning.show && (is_off || !reasoning.budget_tokens);
  if (shows_nothing) dropped.insert("reasoning.show");
  const bool has_effort = !reasoning.effort.empty() && reasoning.effort != "none";
  // The least that the protocol has is "low".
  if (has_effort) body["output_config"]["effort"] = reasoning.effort == "minimal" ? "low" : reasoning.effort;
}

void write_sampling(const SamplingSettings& sampling, Json& body) {
  if (sampling.temperature && *sampling.temperature > 1) {
    throw cannot_say("temperature", fmt::format("it goes to 1, got {:g}", *sampling.temperature));
  }
  if (sampling.temperature) body["temperature"] = *sampling.temperature;
  if (sampling.top_p) body["top_p"] = *sampling.top_p;
  if (sampling.top_k) body["top_k"] = *sampling.top_k;
}

void refuse_inexpressible(const ChatRequest& request) {
  const SamplingSettings& sampling = request.sampling;
  const auto refuse = [](bool is_there, const char* field) {
    if (is_there) throw cannot_say(field, "it cannot be expressed");
  };
  refuse(request.prompt.has_value(), "prompt");
  refuse(request.echo, "echo");
  refuse(request.n != 1, "n");
  refuse(request.logprobs, "logprobs");
  refuse(request.top_logprobs > 0, "top_logprobs");
  refuse(!sampling.logit_bias.empty(), "logit_bias");
  refuse(sampling.presence_penalty.value_or(0) != 0, "presence_penalty");  // 0 is what it does anyway
  refuse(sampling.frequency_penalty.value_or(0) != 0, "frequency_penalty");
  refuse(sampling.min_p.value_or(0) != 0, "min_p");
  refuse(sampling.seed.has_value(), "seed");
}

int64_t max_tokens_of(const ChatRequest& request) {
  const int64_t thought = std::max<int64_t>(0, request.reasoning.budget_tokens.value_or(0));
  return request.max_tokens.value_or(thought + kDefaultMaxTokens);
}

}  // namespace

const Json& own(const Native& native, const std::string& path) {
  if (native.protocol == ProtocolName::kAnthropic) return native.value;
  throw cannot_say(path, fmt::format("it is {}'s own", to_string(native.protocol)));
}

Json input_of(const ToolCall& call, const std::string& path) {
  if (call.arguments.empty()) return Json::object();
  std::optional<Json> input = try_parse_json(call.arguments, {.depth = kDepth});
  if (input && input->is_object()) return std::move(*input);
  throw field_error(path + ".function.arguments", "a JSON object", Json(call.arguments));
}

ChatRequest read_request(std::string_view body, Bound bound) {
  const Json value = parse_json(body, "the request's body", {.depth = kDepth});
  ObjectReader fields(value, "");
  ChatRequest request;
  request.model = fields.require_text("model");
  read_max_tokens(fields, bound, request);
  read_system(fields, request);
  const Json& messages = fields.require("messages");
  if (!messages.is_array() || messages.empty()) {
    throw field_error("messages", "a list with at least one message", messages);
  }
  for (size_t i = 0; i < messages.size(); ++i) {
    read_message(messages[i], fmt::format("messages[{}]", i), request.messages);
  }
  const Json* tools = fields.list("tools");
  for (size_t i = 0; tools != nullptr && i < tools->size(); ++i) {
    request.tools.push_back(read_tool((*tools)[i], fmt::format("tools[{}]", i)));
  }
  read_tool_choice(fields, request);
  read_output(fields, request);
  read_thinking(fields, request.reasoning);
  read_metadata(fields, request);
  read_stops(fields, request);
  request.sampling.temperature = fields.number("temperature", {0, 1});
  request.sampling.top_p = fields.number("top_p", {0, 1});
  if (const auto top_k = fields.integer("top_k", 0, INT32_MAX)) request.sampling.top_k = static_cast<int>(*top_k);
  request.stream = fields.boolean("stream").value_or(false);
  request.stream_usage = request.stream;  // the protocol's streams always tell it
  for (const char* key : kExtras) {
    if (const Json* extra = fields.take(key)) request.extras[key] = Native{ProtocolName::kAnthropic, *extra};
  }
  fields.finish();
  return request;
}

std::string write_request(const ChatRequest& request, Bound bound, std::vector<std::string>& dropped) {
  refuse_inexpressible(request);
  std::set<std::string> harmless;
  Json body = {{"model", request.model}};
  if (bound == Bound::kMaxTokens) body["max_tokens"] = max_tokens_of(request);
  MessagesWriter messages(body, harmless);
  for (size_t i = 0; i < request.messages.size(); ++i) {
    messages.put(request.messages[i], fmt::format("messages[{}]", i));
  }
  for (size_t i = 0; i < request.tools.size(); ++i) {
    body["tools"].push_back(tool_json(request.tools[i], fmt::format("tools[{}]", i)));
  }
  write_tool_choice(request, body, harmless);
  write_output(request, body, harmless);
  write_reasoning(request.reasoning, body, harmless);
  write_sampling(request.sampling, body);
  if (!request.user.empty()) body["metadata"] = {{"user_id", request.user}};
  if (!request.metadata.empty()) harmless.insert("metadata");
  if (!request.stop.empty()) body["stop_sequences"] = request.stop;
  if (request.stream) body["stream"] = true;
  write_extras(request, ProtocolName::kAnthropic, body, harmless);
  dropped.insert(dropped.end(), harmless.begin(), harmless.end());
  return dump_json(body);
}

}  // namespace understudy::anthropic
