// A conversation here is a list of items: messages, thoughts, calls and their results stand side by side. A message of
// the value is what an assistant says in one turn: its thoughts, its text, its calls. Reading gathers them.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gateway/wire/harmless.h"
#include "gateway/wire/openai_common.h"
#include "gateway/wire/openai_responses_parts.h"

namespace understudy::openai {

namespace {

constexpr ProtocolName kHere = ProtocolName::kOpenAiResponses;
constexpr std::string_view kLogprobs = "message.output_text.logprobs";  // of `include`

// ---- parts of a message

Media read_image(ObjectReader& part) {
  Media media;
  media.kind = Media::Kind::kImage;
  media.file_id = part.text("file_id").value_or("");
  if (const auto url = part.text("image_url")) put_url(*url, media);
  media.detail = part.text("detail").value_or("");
  const bool has_one = media.file_id.empty() != (media.url.empty() && media.data.empty());
  if (!has_one) throw field_error(part.path_of("image_url"), "either image_url or file_id", Json(media.url));
  return media;
}

Media read_file(ObjectReader& part) {
  Media media;
  media.kind = Media::Kind::kDocument;
  media.name = part.text("filename").value_or("");
  media.file_id = part.text("file_id").value_or("");
  const std::string url = part.text("file_url").value_or("");
  if (const auto data = part.text("file_data")) put_file_data(*data, media);
  media.url = url;
  media.detail = part.text("detail").value_or("");
  const int n = static_cast<int>(!media.file_id.empty()) + static_cast<int>(!media.data.empty()) +
                static_cast<int>(!media.url.empty());
  if (n != 1) throw field_error(part.path_of("file_data"), "one of file_data, file_url and file_id", Json(n));
  return media;
}

ContentPart read_part(const Json& value, const std::string& path) {
  ObjectReader fields(value, path);
  ContentPart part;
  const std::string type = fields.require_text("type");
  if (type == "input_text" || type == "output_text") {
    part.text = fields.require_text("text");
    fields.accept({"annotations", "logprobs"});  // stand in answers that clients send back as they came
  } else if (type == "refusal") {
    part.text = fields.require_text("refusal");
    part.refusal = true;
  } else if (type == "input_image") {
    part.other = read_image(fields);
  } else if (type == "input_file") {
    part.other = read_file(fields);
  } else {
    part.other = Native{kHere, value};
    return part;
  }
  fields.finish();
  return part;
}

std::vector<ContentPart> read_content(const Json& value, const std::string& path) {
  return read_parts(value, path, read_part);
}

// ---- items

class ItemReader {
 public:
  explicit ItemReader(std::vector<Message>& messages) : messages_(messages) {}

  void read(const Json& value, const std::string& path) {
    ObjectReader item(value, path);
    const bool is_message = value.contains("role");
    const std::string type = is_message ? item.text("type").value_or("message") : item.require_text("type");
    if (type == "message") {
      read_message(item);
    } else if (type == "function_call") {
      read_call(item);
    } else if (type == "function_call_output") {
      read_result(item);
    } else if (type == "reasoning") {
      turn().content.emplace_back().other = read_thought_item(item);
      item.accept({"type", "status"});
    } else {
      turn().content.emplace_back().other = Native{kHere, value};
      return;
    }
    item.finish();
  }

 private:
  // The assistant's turn that an item belongs to: the last one, unless its text is said and nothing was called.
  Message& turn() {
    const bool goes_on = in_turn_ && (!has_text_ || !messages_.back().tool_calls.empty());
    return goes_on ? messages_.back() : new_turn();
  }
  Message& new_turn() {
    in_turn_ = true;
    has_text_ = false;
    messages_.emplace_back().role = Role::kAssistant;
    return messages_.back();
  }
  void read_message(ObjectReader& item) {
    const std::string path = item.path_of("role");
    const std::optional<Role> role = role_from(item.require_text("role"));
    if (!role || *role == Role::kTool) {
      throw field_error(path, "user, assistant, system or developer", item.require("role"));
    }
    std::vector<ContentPart> content = read_content(item.require("content"), item.path_of("content"));
    item.accept({"id", "status", "phase"});  // stand in answers that clients send back as they came
    if (*role != Role::kAssistant) {
      in_turn_ = false;
      Message& message = messages_.emplace_back();
      message.role = *role;
      message.content = std::move(content);
      return;
    }
    Message& message = turn();
    has_text_ = true;
    for (ContentPart& part : content) {
      // Beside messages a native part of a turn is an item of its own.
      if (!part.is_text()) throw field_error(item.path_of("content"), "parts of type output_text or refusal", "others");
      message.content.push_back(std::move(part));
    }
  }
  void read_call(ObjectReader& item) {
    Message& message = in_turn_ ? messages_.back() : new_turn();
    message.tool_calls.push_back(read_call_item(item));
    item.accept({"id", "status"});
  }
  void read_result(ObjectReader& item) {
    in_turn_ = false;
    Message& message = messages_.emplace_back();
    message.role = Role::kTool;
    message.tool_call_id = item.require_text("call_id");
    message.content = read_content(item.require("output"), item.path_of("output"));
    item.accept({"id", "status"});
  }

  std::vector<Message>& messages_;
  bool in_turn_ = false;   // the last message is an assistant's, and more of it may come
  bool has_text_ = false;  // a message item of it was read
};

bool goes_on_elsewhere(const ChatRequest& request) {
  const auto has = [&request](const char* key) { return request.extras.contains(key); };
  return has("previous_response_id") || has("conversation") || has("prompt");
}

void read_input(ObjectReader& fields, ChatRequest& request) {
  if (const auto instructions = fields.text("instructions")) {
    request.messages.push_back(Message::of(Role::kSystem, *instructions));
  }
  const Json* input = goes_on_elsewhere(request) ? fields.take("input") : &fields.require("input");
  if (input == nullptr) return;
  if (input->is_string()) {
    request.messages.push_back(Message::of(Role::kUser, input->get<std::string>()));
    return;
  }
  const bool is_list = input->is_array() && (!input->empty() || goes_on_elsewhere(request));
  if (!is_list) throw field_error("input", "a string or a list with at least one item", *input);
  ItemReader reader(request.messages);
  for (size_t i = 0; i < input->size(); ++i) reader.read((*input)[i], fmt::format("input[{}]", i));
}

// ---- tools and the answer's form

// Functions are strict here where nothing is said, elsewhere they are not: "strict": false is what nothing means there.
Tool read_tool(const Json& value, const std::string& path) {
  ObjectReader fields(value, path);
  Tool tool;
  if (fields.require_text("type") != "function") {
    tool.native = Native{kHere, value};
    return tool;
  }
  tool.name = fields.require_text("name");
  tool.description = fields.text("description").value_or("");
  const Json* parameters = fields.take("parameters");
  tool.parameters = parameters != nullptr ? *parameters : Json::object();
  if (!tool.parameters.is_object()) throw field_error(fields.path_of("parameters"), "an object", tool.parameters);
  if (fields.boolean("strict").value_or(false)) tool.strict = true;
  fields.finish();
  return tool;
}

std::vector<Tool> read_tools(ObjectReader& fields) {
  std::vector<Tool> tools;
  const Json* list = fields.list("tools");
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    tools.push_back(read_tool((*list)[i], fmt::format("tools[{}]", i)));
  }
  return tools;
}

void read_tool_choice(ObjectReader& fields, ChatRequest& request) {
  const Json* choice = fields.take("tool_choice");
  if (choice == nullptr || *choice == "auto") return;
  if (*choice == "none") {
    request.tool_choice.mode = ToolChoice::Mode::kNone;
  } else if (*choice == "required") {
    request.tool_choice.mode = ToolChoice::Mode::kRequired;
  } else if (choice->is_object() && choice->value("type", Json()) == "function") {
    ObjectReader named(*choice, "tool_choice");
    named.accept({"type"});
    request.tool_choice = {ToolChoice::Mode::kNamed, named.require_text("name")};
    named.finish();
  } else if (choice->is_object()) {
    request.extras["tool_choice"] = Native{kHere, *choice};
  } else {
    throw field_error("tool_choice", "\"auto\", \"none\", \"required\" or an object", *choice);
  }
}

ResponseFormat read_format(ObjectReader& fields) {
  ResponseFormat format;
  const std::string type = fields.require_text("type");
  if (type == "json_object") {
    format.kind = ResponseFormat::Kind::kJsonObject;
  } else if (type == "json_schema") {
    format.kind = ResponseFormat::Kind::kJsonSchema;
    format.name = fields.text("name").value_or("");
    format.description = fields.text("description").value_or("");
    format.strict = fields.boolean("strict");
    format.schema = fields.require("schema");
    if (!format.schema.is_object()) throw field_error(fields.path_of("schema"), "an object", format.schema);
  } else if (type != "text") {
    throw field_error(fields.path_of("type"), "\"text\", \"json_object\" or \"json_schema\"", Json(type));
  }
  fields.finish();
  return format;
}

void read_text_settings(ObjectReader& fields, ChatRequest& request) {
  const Json* value = fields.take("text");
  if (value == nullptr) return;
  ObjectReader text(*value, "text");
  if (const Json* format = text.take("format")) {
    ObjectReader reader(*format, "text.format");
    request.response_format = read_format(reader);
  }
  if (const auto verbosity = text.text("verbosity")) request.extras["verbosity"] = Native{kHere, *verbosity};
  text.finish();
}

// ---- the rest of a request

void read_reasoning(ObjectReader& fields, ReasoningSettings& reasoning) {
  const Json* value = fields.take("reasoning");
  if (value == nullptr) return;
  ObjectReader reader(*value, "reasoning");
  reasoning.effort = reader.text("effort").value_or("");
  const std::string old_name = reader.text("generate_summary").value_or("");
  reasoning.summary = reader.text("summary").value_or(old_name);
  reader.finish();
}

void read_include(ObjectReader& fields, ChatRequest& request) {
  const std::optional<int64_t> top = fields.integer("top_logprobs", 0, kMostTopLogprobs);
  request.top_logprobs = static_cast<int>(top.value_or(0));
  request.logprobs = request.top_logprobs > 0;
  const Json* list = fields.list("include");
  if (list == nullptr) return;
  Json others = Json::array();
  for (const Json& entry : *list) {
    if (!entry.is_string()) throw field_error("include", "a list of strings", *list);
    if (entry == kLogprobs) {
      request.logprobs = true;
    } else {
      others.push_back(entry);
    }
  }
  if (!others.empty()) request.extras["include"] = Native{kHere, std::move(others)};
}

// What only this protocol knows. A value that says no more than the default is let pass.
void read_extras(ObjectReader& fields, ChatRequest& request) {
  if (fields.boolean("background").value_or(false)) request.extras["background"] = Native{kHere, true};
  const std::string truncation = fields.text("truncation").value_or("disabled");
  if (truncation != "disabled") request.extras["truncation"] = Native{kHere, truncation};
  for (const char* key : {"previous_response_id", "conversation", "prompt", "context_management", "max_tool_calls",
                          "moderation", "store", "service_tier", "prompt_cache_key", "prompt_cache_retention"}) {
    if (const Json* value = fields.take(key)) request.extras[key] = Native{kHere, *value};
  }
}

// ---- writing

Error cannot_say(const std::string& path, std::string_view why) {
  return unsupported_field(path, fmt::format("{} (OpenAI's Responses)", why));
}

Json media_json(const Media& media, const std::string& path) {
  if (media.kind == Media::Kind::kAudio) throw cannot_say(path, "there is no sound");
  if (!has_plain_type(media)) throw cannot_say(path, "no data: URL can have this media type");
  const bool is_image = media.kind == Media::Kind::kImage;
  Json part = {{"type", is_image ? "input_image" : "input_file"}};
  if (!media.name.empty() && !is_image) part["filename"] = media.name;
  if (!media.file_id.empty()) {
    part["file_id"] = media.file_id;
  } else if (is_image) {
    part["image_url"] = url_of(media);
  } else if (!media.url.empty()) {
    part["file_url"] = media.url;
  } else {
    part["file_data"] = file_data_of(media);
  }
  if (!media.detail.empty()) part["detail"] = media.detail;
  return part;
}

Json part_json(const ContentPart& part, Role role, const std::string& path) {
  if (const auto* media = std::get_if<Media>(&part.other)) {
    const bool may_show = role == Role::kUser || role == Role::kTool;
    if (!may_show) throw cannot_say(path, "only a user's message and a tool's result have more than text");
    return media_json(*media, path);
  }
  if (const auto* native = std::get_if<Native>(&part.other)) {
    if (native->protocol != kHere) throw cannot_say(path, "this part is another protocol's own");
    return native->value;
  }
  if (part.refusal && role != Role::kAssistant) throw cannot_say(path, "only an assistant refuses");
  if (part.refusal) return refusal_part_json(part.text);
  return {{"type", role == Role::kAssistant ? "output_text" : "input_text"}, {"text", part.text}};
}

bool is_plain_text(const std::vector<ContentPart>& content) {
  return content.size() == 1 && content.front().is_text() && !content.front().refusal;
}

// The items of a conversation, and what had to be left out.
class ItemWriter {
 public:
  ItemWriter(Json& input, std::set<std::string>& dropped) : input_(input), dropped_(dropped) {}

  void write(const Message& message, const std::string& path) {
    if (!message.name.empty()) dropped_.insert("name");
    if (message.tool_failed) dropped_.insert("is_error");
    for (const ContentPart& part : message.content) {
      if (!part.cache.empty()) dropped_.insert("cache_control");
    }
    if (message.role == Role::kAssistant) {
      write_turn(message, path);
      return;
    }
    Json content = content_json(told(message.content), message.role, path + ".content");
    if (message.role == Role::kTool) {
      input_.push_back(
          {{"type", "function_call_output"}, {"call_id", message.tool_call_id}, {"output", std::move(content)}});
    } else {
      write_message(message.role, std::move(content));
    }
  }

 private:
  void write_message(Role role, Json content) {
    input_.push_back({{"type", "message"}, {"role", to_string(role)}, {"content", std::move(content)}});
  }
  static Json content_json(const std::vector<ContentPart>& content, Role role, const std::string& path) {
    if (is_plain_text(content)) return content.front().text;
    Json parts = Json::array();
    for (size_t i = 0; i < content.size(); ++i) {
      parts.push_back(part_json(content[i], role, fmt::format("{}[{}]", path, i)));
    }
    return parts;
  }
  // Thoughts stand in an assistant's turn only.
  std::vector<ContentPart> told(const std::vector<ContentPart>& content) {
    std::vector<ContentPart> parts;
    for (const ContentPart& part : content) {
      if (std::holds_alternative<Reasoning>(part.other)) {
        dropped_.insert("reasoning");
      } else {
        parts.push_back(part);
      }
    }
    return parts;
  }
  void write_turn(const Message& message, const std::string& path) {
    std::vector<ContentPart> said;  // that makes the next message
    const auto say = [&] {
      if (!said.empty()) write_message(Role::kAssistant, content_json(said, Role::kAssistant, path + ".content"));
      said.clear();
    };
    for (size_t i = 0; i < message.content.size(); ++i) {
      const ContentPart& part = message.content[i];
      const bool is_item = std::holds_alternative<Reasoning>(part.other) || std::holds_alternative<Native>(part.other);
      if (!is_item) {
        said.push_back(part);
        continue;
      }
      say();
      write_item(part, fmt::format("{}.content[{}]", path, i));
    }
    say();
    for (const ToolCall& call : message.tool_calls) input_.push_back(call_item_json(unsigned_call(call)));
    if (message.content.empty() && message.tool_calls.empty()) write_message(Role::kAssistant, Json::array());
  }
  void write_item(const ContentPart& part, const std::string& path) {
    const auto* thought = std::get_if<Reasoning>(&part.other);
    if (thought == nullptr) {
      input_.push_back(part_json(part, Role::kAssistant, path));
    } else if (thought->id.empty() || thought->redacted) {
      dropped_.insert("reasoning");
    } else {
      input_.push_back(thought_item_json(*thought, thought->id));
    }
  }
  ToolCall unsigned_call(ToolCall call) {
    if (!call.signature.empty()) dropped_.insert("thought_signature");
    call.signature.clear();
    return call;
  }

  Json& input_;
  std::set<std::string>& dropped_;
};

// The first system message stands apart where something follows it.
void write_input(const std::vector<Message>& messages, Json& body, std::set<std::string>& dropped) {
  if (messages.empty()) return;
  const Message& first = messages.front();
  const bool is_apart = messages.size() > 1 && first == Message::of(Role::kSystem, first.text());
  if (is_apart) body["instructions"] = first.text();
  body["input"] = Json::array();
  ItemWriter writer(body["input"], dropped);
  for (size_t i = is_apart ? 1 : 0; i < messages.size(); ++i) {
    writer.write(messages[i], fmt::format("messages[{}]", i));
  }
}

Json tool_json(const Tool& tool, const std::string& path, std::set<std::string>& dropped) {
  if (tool.native) {
    if (tool.native->protocol == kHere) return tool.native->value;
    throw cannot_say(path, "this tool is another provider's own");
  }
  if (!tool.cache.empty()) dropped.insert("cache_control");
  Json json = {{"type", "function"}, {"name", tool.name}};
  if (!tool.description.empty()) json["description"] = tool.description;
  json["parameters"] = tool.parameters;
  json["strict"] = tool.strict.value_or(false);
  return json;
}

void write_tools(const ChatRequest& request, Json& body, std::set<std::string>& dropped) {
  for (size_t i = 0; i < request.tools.size(); ++i) {
    body["tools"].push_back(tool_json(request.tools[i], fmt::format("tools[{}]", i), dropped));
  }
  const ToolChoice& choice = request.tool_choice;
  if (choice.mode == ToolChoice::Mode::kNone) body["tool_choice"] = "none";
  if (choice.mode == ToolChoice::Mode::kRequired) body["tool_choice"] = "required";
  if (choice.mode == ToolChoice::Mode::kNamed) body["tool_choice"] = {{"type", "function"}, {"name", choice.name}};
  if (request.parallel_tool_calls) body["parallel_tool_calls"] = *request.parallel_tool_calls;
}

void write_format(const ResponseFormat& format, Json& body) {
  if (format.kind == ResponseFormat::Kind::kJsonObject) body["text"]["format"] = {{"type", "json_object"}};
  if (format.kind != ResponseFormat::Kind::kJsonSchema) return;
  Json json = {{"type", "json_schema"}, {"name", format.name.empty() ? "answer" : format.name}};  // it asks for one
  if (!format.description.empty()) json["description"] = format.description;
  json["schema"] = format.schema;
  if (format.strict) json["strict"] = *format.strict;
  body["text"]["format"] = std::move(json);
}

void write_reasoning(const ReasoningSettings& reasoning, Json& body, std::set<std::string>& dropped) {
  if (reasoning.budget_tokens) dropped.insert("reasoning.budget_tokens");
  if (!reasoning.effort.empty()) body["reasoning"]["effort"] = reasoning.effort;
  const bool is_shown = !reasoning.summary.empty() || reasoning.show.value_or(false);
  if (is_shown) body["reasoning"]["summary"] = reasoning.summary.empty() ? "auto" : reasoning.summary;
}

void write_logprobs(const ChatRequest& request, Json& body) {
  if (request.logprobs) body["include"].push_back(kLogprobs);
  if (request.top_logprobs > 0) body["top_logprobs"] = request.top_logprobs;
}

void check_sampling(const SamplingSettings& sampling) {
  const auto refuse = [](const char* key, bool is_set) {
    if (is_set) throw cannot_say(key, "there is no such setting");
  };
  refuse("top_k", sampling.top_k.value_or(0) != 0);
  refuse("min_p", sampling.min_p.value_or(0) != 0);
  refuse("presence_penalty", sampling.presence_penalty.value_or(0) != 0);
  refuse("frequency_penalty", sampling.frequency_penalty.value_or(0) != 0);
  refuse("seed", sampling.seed.has_value());
  refuse("logit_bias", !sampling.logit_bias.empty());
}

void check_expressible(const ChatRequest& request) {
  if (request.prompt) throw cannot_say("prompt", "a plain text to go on with is of completions");
  if (request.echo) throw cannot_say("echo", "a plain text to go on with is of completions");
  if (request.messages.empty() && !goes_on_elsewhere(request)) throw cannot_say("messages", "there has to be one");
  if (request.n != 1) throw cannot_say("n", "an answer has one choice");
  if (!request.stop.empty()) throw cannot_say("stop", "there are no stop strings");
  if (request.top_logprobs > kMostTopLogprobs) {
    throw cannot_say("top_logprobs", fmt::format("at most {}", kMostTopLogprobs));
  }
  check_sampling(request.sampling);
}

// Two of this protocol's own stand deeper, or beside what others have too.
void write_own_extras(const ChatRequest& request, Json& body, std::set<std::string>& dropped) {
  Json extras = Json::object();
  write_extras(request, kHere, extras, dropped);
  for (auto& [key, value] : extras.items()) {
    if (key == "verbosity") {
      body["text"]["verbosity"] = std::move(value);
    } else if (key == "include") {
      for (Json& entry : value) body["include"].push_back(std::move(entry));
    } else {
      body[key] = std::move(value);
    }
  }
}

}  // namespace

ChatRequest read_responses_request(std::string_view body) {
  const Json value = parse_body(body);
  ObjectReader fields(value, "");
  ChatRequest request;
  read_shared_fields(fields, request);
  request.stream_usage = request.stream;  // every stream says it
  read_extras(fields, request);
  read_input(fields, request);
  request.max_tokens = fields.integer("max_output_tokens", 1, INT32_MAX);
  read_include(fields, request);
  read_text_settings(fields, request);
  request.tools = read_tools(fields);
  read_tool_choice(fields, request);
  request.parallel_tool_calls = fields.boolean("parallel_tool_calls");
  read_reasoning(fields, request.reasoning);
  fields.finish();
  return request;
}

std::string write_responses_request(const ChatRequest& request, std::vector<std::string>& dropped) {
  check_expressible(request);
  std::set<std::string> harmless;
  Json body = {{"model", request.model}};
  write_input(request.messages, body, harmless);
  write_shared_fields(request, body);
  if (request.max_tokens) body["max_output_tokens"] = *request.max_tokens;
  write_tools(request, body, harmless);
  write_format(request.response_format, body);
  write_reasoning(request.reasoning, body, harmless);
  write_logprobs(request, body);
  write_own_extras(request, body, harmless);
  dropped.insert(dropped.end(), harmless.begin(), harmless.end());
  return dump_json(body);
}

}  // namespace understudy::openai
