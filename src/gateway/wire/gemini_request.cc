// The protocol's calls may have no id and its results are matched by name: where ids are missing they are made here
// ("call_0", "call_1", ... in the order of the calls), so that other protocols can match what belongs together.
#include <fmt/format.h>

#include <algorithm>

#include "gateway/wire/gemini_parts.h"
#include "gateway/wire/harmless.h"

namespace understudy::gemini_wire {

namespace {

constexpr int kMostLogprobs = 20;
constexpr std::string_view kConfig = "generationConfig.";  // begins the names of extras that stand in it

// What only this protocol knows and keeps, of the request and of its generationConfig.
constexpr const char* kExtras[] = {"safetySettings", "cachedContent", "labels", "store", "serviceTier"};
constexpr const char* kConfigExtras[] = {"responseModalities",         "speechConfig", "mediaResolution",
                                         "enableEnhancedCivicAnswers", "imageConfig",  "audioTimestamp"};

Error cannot_say(const std::string& path, std::string_view why) {
  return unsupported_field(path, fmt::format("{} (Gemini)", why));
}

std::string text_of(ObjectReader& fields, std::string_view camel) {
  const Json* value = take_either(fields, camel);
  if (value != nullptr && !value->is_string()) throw field_error(fields.path_of(camel), "a string", *value);
  return value != nullptr ? value->get<std::string>() : "";
}

const Json* list_of(ObjectReader& fields, std::string_view camel) {
  const Json* value = take_either(fields, camel);
  if (value != nullptr && !value->is_array()) throw field_error(fields.path_of(camel), "a list", *value);
  return value;
}

std::optional<int64_t> integer_of(ObjectReader& fields, std::string_view camel, int64_t from, int64_t to) {
  const Json* value = take_either(fields, camel);
  if (value == nullptr) return std::nullopt;
  const bool fits = value->is_number_integer() && *value >= from && *value <= to;
  if (!fits) throw field_error(fields.path_of(camel), fmt::format("a whole number from {} to {}", from, to), *value);
  return value->get<int64_t>();
}

std::optional<double> number_of(ObjectReader& fields, std::string_view camel, double from, double to) {
  const Json* value = take_either(fields, camel);
  if (value == nullptr) return std::nullopt;
  const bool fits = value->is_number() && value->get<double>() >= from && value->get<double>() <= to;
  if (!fits) throw field_error(fields.path_of(camel), fmt::format("a number from {:g} to {:g}", from, to), *value);
  return value->get<double>();
}

std::optional<bool> boolean_of(ObjectReader& fields, std::string_view camel) {
  const Json* value = take_either(fields, camel);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) throw field_error(fields.path_of(camel), "true or false", *value);
  return value->get<bool>();
}

// ---- schemas

std::string lower(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
  return word;
}

// Google's Schema, which is OpenAPI's, as JSON Schema: types are lower-case words, `nullable` is a type beside the
// other.
Json schema_of(const Json& value) {
  if (value.is_array()) {
    Json list = Json::array();
    for (const Json& entry : value) list.push_back(schema_of(entry));
    return list;
  }
  if (!value.is_object()) return value;
  Json schema = Json::object();
  const bool is_nullable = value.value("nullable", Json(false)) == true;
  for (const auto& [key, entry] : value.items()) {
    const bool is_type = key == "type" && entry.is_string();
    if (key == "nullable" || key == "propertyOrdering" || key == "property_ordering") continue;
    if (is_type) {
      Json type = lower(entry.get<std::string>());
      schema[key] = is_nullable ? Json::array({type, "null"}) : type;
    } else if (key == "properties" && entry.is_object()) {
      schema[key] = Json::object();
      for (const auto& [name, property] : entry.items()) schema[key][name] = schema_of(property);
    } else if (key == "items" || key == "anyOf" || key == "any_of") {
      schema[key == "any_of" ? "anyOf" : key] = schema_of(entry);
    } else {
      schema[key] = entry;
    }
  }
  return schema;
}

// The schema by the name for JSON Schema or the one for Google's own.
std::optional<Json> read_schema(ObjectReader& fields, std::string_view json_name, std::string_view own_name) {
  const Json* json = take_either(fields, json_name);
  const Json* google = take_either(fields, own_name);
  const Json* given = json != nullptr ? json : google;
  if (given == nullptr) return std::nullopt;
  if (!given->is_object()) throw field_error(fields.path_of(own_name), "an object", *given);
  return json != nullptr ? *json : schema_of(*google);
}

// ---- reading: parts

std::optional<Media::Kind> kind_of(std::string_view media_type) {
  if (media_type.rfind("image/", 0) == 0) return Media::Kind::kImage;
  if (media_type.rfind("audio/", 0) == 0) return Media::Kind::kAudio;
  if (media_type.rfind("video/", 0) == 0) return std::nullopt;  // only this protocol has films
  return Media::Kind::kDocument;
}

std::optional<Media> read_media(const Json& value, const std::string& path, bool is_inline) {
  ObjectReader fields(value, path);
  Media media;
  media.media_type = text_of(fields, "mimeType");
  media.name = text_of(fields, "displayName");
  (is_inline ? media.data : media.url) = is_inline ? fields.require_text("data") : text_of(fields, "fileUri");
  const std::string& content = is_inline ? media.data : media.url;
  if (content.empty()) throw field_error(path, is_inline ? "data" : "fileUri", value);
  fields.finish();
  const std::optional<Media::Kind> kind = kind_of(media.media_type);
  if (!kind) return std::nullopt;
  media.kind = *kind;
  return media;
}

// A part that is no call, no result and no thought.
std::vector<ContentPart> read_plain_part(const Json& value, const std::string& path) {
  ObjectReader part(value, path);
  const std::string signature = text_of(part, "thoughtSignature");
  const bool is_thought = part.boolean("thought").value_or(false);
  const std::optional<std::string> text = part.text("text");
  const Json* data = take_either(part, "inlineData");
  const Json* file = take_either(part, "fileData");
  std::vector<ContentPart> parts;
  ContentPart read;
  if (text && is_thought) {
    read.other = Reasoning{.text = *text, .signature = signature};
    part.finish();
    return {read};
  }
  const bool is_media = (data != nullptr) != (file != nullptr) && !text && value.size() == 1;
  if (is_media) {
    const std::string at = part.path_of(data != nullptr ? "inlineData" : "fileData");
    if (auto media = read_media(data != nullptr ? *data : *file, at, data != nullptr)) {
      read.other = std::move(*media);
      return {read};
    }
  }
  if (!text) {
    read.other = Native{ProtocolName::kGemini, value};
    return {read};
  }
  part.finish();
  if (!text->empty() || signature.empty()) parts.push_back(ContentPart::of(*text));
  if (!signature.empty()) {
    read.other = Reasoning{.signature = signature};
    parts.push_back(std::move(read));
  }
  return parts;
}

// ---- reading: contents

class ContentsReader {
 public:
  explicit ContentsReader(std::vector<Message>& messages) : messages_(messages) {}

  void read(const Json& value, const std::string& path) {
    ObjectReader content(value, path);
    const std::string role = content.text("role").value_or("user");
    const bool is_model = role == "model";
    const bool is_user = role == "user" || role == "function";
    if (!is_model && !is_user) throw field_error(path + ".role", "user or model", Json(role));
    Message message;
    message.role = is_model ? Role::kAssistant : Role::kUser;
    const size_t before = messages_.size();
    const Json* parts = content.list("parts");
    for (size_t i = 0; parts != nullptr && i < parts->size(); ++i) {
      read_part((*parts)[i], fmt::format("{}[{}]", content.path_of("parts"), i), message);
    }
    content.finish();
    const bool only_results = messages_.size() > before && message.content.empty();
    if (!only_results) messages_.push_back(std::move(message));
  }

 private:
  struct Unanswered {
    std::string id;
    std::string name;
  };

  void read_part(const Json& value, const std::string& path, Message& message) {
    ObjectReader part(value, path);
    const bool is_call = message.role == Role::kAssistant && take_either(part, "functionCall") != nullptr;
    const Json* result = take_either(part, "functionResponse");
    if (is_call) {
      message.tool_calls.push_back(read_call(value, path, fmt::format("call_{}", calls_++)));
      unanswered_.push_back({message.tool_calls.back().id, message.tool_calls.back().name});
    } else if (result != nullptr && message.role == Role::kUser) {
      messages_.push_back(read_result(*result, part.path_of("functionResponse")));
    } else {
      for (ContentPart& read : read_plain_part(value, path)) message.content.push_back(std::move(read));
    }
  }
  // The protocol's convention: what a function gave stands under "output", why it failed under "error"; any other
  // object is the result itself.
  Message read_result(const Json& value, const std::string& path) {
    ObjectReader fields(value, path);
    Message result;
    result.role = Role::kTool;
    const std::string name = fields.require_text("name");
    result.tool_call_id = fields.text("id").value_or("");
    answer_call(name, result);
    const Json& response = fields.require("response");
    if (!response.is_object()) throw field_error(path + ".response", "an object", response);
    const bool is_single = response.size() == 1 && response.begin()->is_string();
    const bool is_output = is_single && response.contains("output");
    result.tool_failed = is_single && response.contains("error");
    const bool is_text = is_output || result.tool_failed;
    std::string text = is_text ? response.begin()->get<std::string>() : dump_json(response);
    const Json* parts = fields.list("parts");
    const bool has_media = parts != nullptr && !parts->empty();
    if (!text.empty() || !has_media) result.content.push_back(ContentPart::of(std::move(text)));
    for (size_t i = 0; has_media && i < parts->size(); ++i) {
      for (ContentPart& read : read_plain_part((*parts)[i], fmt::format("{}.parts[{}]", path, i))) {
        result.content.push_back(std::move(read));
      }
    }
    return result;
  }
  // The id of the first call of that name that has no answer, where the result has none; the name only where no call
  // tells it.
  void answer_call(const std::string& name, Message& result) {
    const auto answers = [&](const Unanswered& call) {
      return call.name == name && (result.tool_call_id.empty() || call.id == result.tool_call_id);
    };
    const auto call = std::find_if(unanswered_.begin(), unanswered_.end(), answers);
    if (call == unanswered_.end()) {
      result.name = name;
      return;
    }
    result.tool_call_id = call->id;
    unanswered_.erase(call);
  }

  std::vector<Message>& messages_;
  std::vector<Unanswered> unanswered_;
  int calls_ = 0;
};

// ---- reading: the rest

Tool read_function(const Json& value, const std::string& path) {
  ObjectReader fields(value, path);
  Tool tool;
  tool.name = fields.require_text("name");
  tool.description = fields.text("description").value_or("");
  tool.parameters = read_schema(fields, "parametersJsonSchema", "parameters").value_or(Json::object());
  for (const char* key : {"response", "responseJsonSchema", "behavior"}) (void)take_either(fields, key);
  fields.finish();
  return tool;
}

void read_tools(ObjectReader& fields, std::vector<Tool>& tools) {
  const Json* list = list_of(fields, "tools");
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    ObjectReader entry((*list)[i], fmt::format("tools[{}]", i));
    const Json* functions = list_of(entry, "functionDeclarations");
    for (size_t j = 0; functions != nullptr && j < functions->size(); ++j) {
      tools.push_back(read_function((*functions)[j], fmt::format("tools[{}].functionDeclarations[{}]", i, j)));
    }
    for (const auto& [key, value] : (*list)[i].items()) {
      const bool is_functions = key == "functionDeclarations" || key == "function_declarations";
      if (is_functions) continue;
      tools.emplace_back().native = Native{ProtocolName::kGemini, {{key, value}}};
    }
  }
}

void read_tool_config(ObjectReader& fields, ChatRequest& request) {
  const Json* value = take_either(fields, "toolConfig");
  if (value == nullptr) return;
  ObjectReader config(*value, "toolConfig");
  const Json* calling = take_either(config, "functionCallingConfig");
  const auto keep = [&] { request.extras["toolConfig"] = Native{ProtocolName::kGemini, *value}; };
  if (calling == nullptr || value->size() > 1) return keep();
  ObjectReader choice(*calling, "toolConfig.functionCallingConfig");
  const std::string mode = text_of(choice, "mode");
  const Json* names = list_of(choice, "allowedFunctionNames");
  const size_t n_names = names != nullptr ? names->size() : 0;
  const bool is_named = mode == "ANY" && n_names == 1 && names->front().is_string();
  if (is_named) {
    request.tool_choice = {ToolChoice::Mode::kNamed, names->front().get<std::string>()};
  } else if (n_names > 0) {
    keep();
  } else if (mode == "ANY") {
    request.tool_choice.mode = ToolChoice::Mode::kRequired;
  } else if (mode == "NONE") {
    request.tool_choice.mode = ToolChoice::Mode::kNone;
  } else if (mode != "AUTO" && !mode.empty()) {
    keep();
  }
}

void read_thinking(ObjectReader& fields, ReasoningSettings& reasoning) {
  const Json* value = take_either(fields, "thinkingConfig");
  if (value == nullptr) return;
  ObjectReader thinking(*value, fields.path_of("thinkingConfig"));
  reasoning.budget_tokens = integer_of(thinking, "thinkingBudget", -1, INT32_MAX);
  reasoning.show = boolean_of(thinking, "includeThoughts");
  reasoning.effort = lower(text_of(thinking, "thinkingLevel"));
  thinking.finish();
}

void read_format(ObjectReader& config, ChatRequest& request) {
  const std::string type = text_of(config, "responseMimeType");
  const std::optional<Json> schema = read_schema(config, "responseJsonSchema", "responseSchema");
  ResponseFormat& format = request.response_format;
  if (type == "application/json") {
    format.kind = schema ? ResponseFormat::Kind::kJsonSchema : ResponseFormat::Kind::kJsonObject;
    if (schema) format.schema = *schema;
  } else if (schema || (!type.empty() && type != "text/plain")) {
    throw field_error(config.path_of("responseMimeType"), "text/plain, or application/json, also beside a schema",
                      Json(type));
  }
}

void read_sampling(ObjectReader& config, SamplingSettings& sampling) {
  sampling.temperature = number_of(config, "temperature", 0, 2);
  sampling.top_p = number_of(config, "topP", 0, 1);
  if (const auto top_k = integer_of(config, "topK", 0, INT32_MAX)) sampling.top_k = static_cast<int>(*top_k);
  sampling.presence_penalty = number_of(config, "presencePenalty", -2, 2);
  sampling.frequency_penalty = number_of(config, "frequencyPenalty", -2, 2);
  if (const auto seed = integer_of(config, "seed", INT32_MIN, INT32_MAX)) sampling.seed = static_cast<uint64_t>(*seed);
}

void read_config(ObjectReader& fields, ChatRequest& request) {
  const Json* value = take_either(fields, "generationConfig");
  if (value == nullptr) return;
  ObjectReader config(*value, "generationConfig");
  read_sampling(config, request.sampling);
  request.max_tokens = integer_of(config, "maxOutputTokens", 1, INT32_MAX);
  request.n = static_cast<int>(integer_of(config, "candidateCount", 1, kMostCandidates).value_or(1));
  const Json* stops = list_of(config, "stopSequences");
  for (size_t i = 0; stops != nullptr && i < stops->size(); ++i) {
    const Json& stop = (*stops)[i];
    const bool fits = stop.is_string() && !stop.get_ref<const std::string&>().empty();
    if (!fits) throw field_error(config.path_of("stopSequences"), "strings that are not empty", stop);
    request.stop.push_back(stop.get<std::string>());
  }
  request.logprobs = boolean_of(config, "responseLogprobs").value_or(false);
  request.top_logprobs = static_cast<int>(integer_of(config, "logprobs", 0, kMostLogprobs).value_or(0));
  read_format(config, request);
  read_thinking(config, request.reasoning);
  for (const char* key : kConfigExtras) {
    const Json* extra = take_either(config, key);
    if (extra != nullptr) request.extras[fmt::format("{}{}", kConfig, key)] = Native{ProtocolName::kGemini, *extra};
  }
  config.finish();
}

void read_system(ObjectReader& fields, ChatRequest& request) {
  const Json* value = take_either(fields, "systemInstruction");
  if (value == nullptr) return;
  Message message;
  message.role = Role::kSystem;
  ObjectReader content(*value, "systemInstruction");
  content.accept({"role"});
  const Json* parts = content.list("parts");
  for (size_t i = 0; parts != nullptr && i < parts->size(); ++i) {
    for (ContentPart& part : read_plain_part((*parts)[i], fmt::format("systemInstruction.parts[{}]", i))) {
      message.content.push_back(std::move(part));
    }
  }
  content.finish();
  if (!message.content.empty()) request.messages.push_back(std::move(message));
}

// ---- writing: parts

Json media_json(const Media& media, const std::string& path, std::set<std::string>& dropped) {
  if (!media.file_id.empty()) throw cannot_say(path, "an upload's id means something to one provider only");
  if (!media.detail.empty()) dropped.insert("detail");
  Json json = Json::object();
  if (!media.media_type.empty()) json["mimeType"] = media.media_type;
  if (!media.name.empty()) json["displayName"] = media.name;
  const bool is_inline = !media.data.empty();
  json[is_inline ? "data" : "fileUri"] = is_inline ? media.data : media.url;
  return {{is_inline ? "inlineData" : "fileData", std::move(json)}};
}

// Nothing for what a hop may leave out: thoughts that another provider had.
std::optional<Json> thought_json(const Reasoning& reasoning, std::set<std::string>& dropped) {
  const bool is_foreign = reasoning.redacted || !reasoning.id.empty();
  if (is_foreign) {
    dropped.insert("reasoning");
    return std::nullopt;
  }
  Json part = {{"text", reasoning.text}};
  const bool is_of_text = reasoning.text.empty() && !reasoning.signature.empty();
  if (!is_of_text) part["thought"] = true;
  if (!reasoning.signature.empty()) part["thoughtSignature"] = reasoning.signature;
  return part;
}

std::optional<Json> part_json(const ContentPart& part, const std::string& path, std::set<std::string>& dropped) {
  if (!part.cache.empty()) dropped.insert("cache_control");
  if (const auto* native = std::get_if<Native>(&part.other)) return own(*native, path);
  if (const auto* media = std::get_if<Media>(&part.other)) return media_json(*media, path, dropped);
  if (const auto* reasoning = std::get_if<Reasoning>(&part.other)) return thought_json(*reasoning, dropped);
  return Json{{"text", part.text}};
}

Json parts_json(const Message& message, const std::string& path, std::set<std::string>& dropped) {
  Json parts = Json::array();
  for (size_t i = 0; i < message.content.size(); ++i) {
    const ContentPart& part = message.content[i];
    const bool says_nothing = part.is_text() && part.text.empty() && !message.tool_calls.empty();
    if (says_nothing) continue;
    std::optional<Json> json = part_json(part, fmt::format("{}.content[{}]", path, i), dropped);
    if (json) parts.push_back(std::move(*json));
  }
  for (size_t i = 0; i < message.tool_calls.size(); ++i) {
    parts.push_back(call_json(message.tool_calls[i], fmt::format("{}.tool_calls[{}]", path, i)));
  }
  return parts;
}

// ---- writing: contents

class ContentsWriter {
 public:
  ContentsWriter(Json& body, std::set<std::string>& dropped) : body_(body), dropped_(dropped) {
    body_["contents"] = Json::array();
  }

  void put(const Message& message, const std::string& path) {
    const bool is_result = message.role == Role::kTool;
    if (!message.name.empty() && !is_result) dropped_.insert("name");
    if (is_result) return put_result(message, path);
    takes_results_ = false;
    const bool is_system = message.role == Role::kSystem || message.role == Role::kDeveloper;
    if (is_system) return put_system(message, path);
    for (const ToolCall& call : message.tool_calls) names_[call.id] = call.name;
    contents().push_back({{"role", message.role == Role::kAssistant ? "model" : "user"},
                          {"parts", parts_json(message, path, dropped_)}});
  }

 private:
  Json& contents() { return body_["contents"]; }

  void put_system(const Message& message, const std::string& path) {
    if (!contents().empty()) throw cannot_say(path + ".role", "a system prompt stands before all other messages");
    if (message.role == Role::kDeveloper) dropped_.insert("developer");
    Json parts = parts_json(message, path, dropped_);
    if (!body_.contains("systemInstruction")) body_["systemInstruction"] = {{"parts", Json::array()}};
    for (Json& part : parts) body_["systemInstruction"]["parts"].push_back(std::move(part));
  }
  // All results of one turn stand in one content.
  void put_result(const Message& message, const std::string& path) {
    if (!takes_results_) contents().push_back({{"role", "user"}, {"parts", Json::array()}});
    takes_results_ = true;
    contents().back()["parts"].push_back({{"functionResponse", result_json(message, path)}});
  }
  std::string name_of(const Message& message, const std::string& path) const {
    const auto call = names_.find(message.tool_call_id);
    if (call != names_.end()) return call->second;
    if (!message.name.empty()) return message.name;
    throw cannot_say(path + ".tool_call_id", "a result has its function's name, and no call before it has this id");
  }
  Json result_json(const Message& message, const std::string& path) {
    Json result = {{"name", name_of(message, path)}};
    if (!message.tool_call_id.empty()) result["id"] = message.tool_call_id;
    std::string text;
    Json parts = Json::array();
    for (size_t i = 0; i < message.content.size(); ++i) {
      const ContentPart& part = message.content[i];
      if (part.is_text()) {
        text += part.text;
        if (!part.cache.empty()) dropped_.insert("cache_control");
        continue;
      }
      auto json = part_json(part, fmt::format("{}.content[{}]", path, i), dropped_);
      if (json) parts.push_back(std::move(*json));
    }
    result["response"] = {{message.tool_failed ? "error" : "output", text}};
    if (!parts.empty()) result["parts"] = std::move(parts);
    return result;
  }

  Json& body_;
  std::set<std::string>& dropped_;
  std::map<std::string, std::string> names_;  // of the calls so far, by id
  bool takes_results_ = false;                // the last content is one of results
};

// ---- writing: the rest

void write_tools(const ChatRequest& request, Json& body, std::set<std::string>& dropped) {
  Json functions = Json::array();
  Json tools = Json::array();
  for (size_t i = 0; i < request.tools.size(); ++i) {
    const Tool& tool = request.tools[i];
    if (tool.native) {
      tools.push_back(own(*tool.native, fmt::format("tools[{}]", i)));
      continue;
    }
    if (tool.strict) dropped.insert("strict");
    if (!tool.cache.empty()) dropped.insert("cache_control");
    Json function = {{"name", tool.name}};
    if (!tool.description.empty()) function["description"] = tool.description;
    if (!tool.parameters.empty()) function["parametersJsonSchema"] = tool.parameters;
    functions.push_back(std::move(function));
  }
  if (!functions.empty()) tools.insert(tools.begin(), Json{{"functionDeclarations", std::move(functions)}});
  if (!tools.empty()) body["tools"] = std::move(tools);
}

void write_tool_choice(const ChatRequest& request, Json& body) {
  if (request.parallel_tool_calls == false && !request.tools.empty()) {
    throw cannot_say("parallel_tool_calls", "calls beside each other cannot be switched off");
  }
  const ToolChoice& choice = request.tool_choice;
  if (choice.mode == ToolChoice::Mode::kAuto) return;
  Json config = {{"mode", choice.mode == ToolChoice::Mode::kNone ? "NONE" : "ANY"}};
  if (choice.mode == ToolChoice::Mode::kNamed) config["allowedFunctionNames"] = Json::array({choice.name});
  body["toolConfig"] = {{"functionCallingConfig", std::move(config)}};
}

void write_format(const ResponseFormat& format, Json& config, std::set<std::string>& dropped) {
  if (format.kind == ResponseFormat::Kind::kText) return;
  config["responseMimeType"] = "application/json";
  if (format.kind != ResponseFormat::Kind::kJsonSchema) return;
  config["responseJsonSchema"] = format.schema;
  if (!format.name.empty()) dropped.insert("response_format.name");
  if (!format.description.empty()) dropped.insert("response_format.description");
  if (format.strict) dropped.insert("response_format.strict");
}

void write_thinking(const ReasoningSettings& reasoning, Json& config, std::set<std::string>& dropped) {
  if (!reasoning.summary.empty()) dropped.insert("reasoning.summary");
  Json thinking = Json::object();
  const bool is_off = reasoning.effort == "none";
  if (is_off) {
    thinking["thinkingBudget"] = 0;
  } else if (reasoning.budget_tokens) {
    thinking["thinkingBudget"] = *reasoning.budget_tokens;
    if (!reasoning.effort.empty()) dropped.insert("reasoning.effort");  // the protocol takes one of them
  } else if (!reasoning.effort.empty()) {
    thinking["thinkingLevel"] = reasoning.effort;
  }
  if (reasoning.show) thinking["includeThoughts"] = *reasoning.show;
  if (!thinking.empty()) config["thinkingConfig"] = std::move(thinking);
}

void write_sampling(const SamplingSettings& sampling, Json& config) {
  const auto put = [&config](const char* key, const auto& value) {
    if (value) config[key] = *value;
  };
  put("temperature", sampling.temperature);
  put("topP", sampling.top_p);
  put("topK", sampling.top_k);
  put("presencePenalty", sampling.presence_penalty);
  put("frequencyPenalty", sampling.frequency_penalty);
  if (!sampling.seed) return;
  const auto seed = static_cast<int64_t>(*sampling.seed);
  if (seed < INT32_MIN || seed > INT32_MAX) throw cannot_say("seed", "it has 32 bits");
  config["seed"] = seed;
}

Json config_json(const ChatRequest& request, std::set<std::string>& dropped) {
  Json config = Json::object();
  write_sampling(request.sampling, config);
  if (request.max_tokens) config["maxOutputTokens"] = *request.max_tokens;
  if (request.n != 1) config["candidateCount"] = request.n;
  if (!request.stop.empty()) config["stopSequences"] = request.stop;
  if (request.logprobs) config["responseLogprobs"] = true;
  if (request.top_logprobs > 0) config["logprobs"] = request.top_logprobs;
  write_format(request.response_format, config, dropped);
  write_thinking(request.reasoning, config, dropped);
  return config;
}

void refuse_inexpressible(const ChatRequest& request) {
  const auto refuse = [](bool is_there, const char* field) {
    if (is_there) throw cannot_say(field, "it cannot be expressed");
  };
  refuse(request.prompt.has_value(), "prompt");
  refuse(request.echo, "echo");
  refuse(!request.sampling.logit_bias.empty(), "logit_bias");
  refuse(request.sampling.min_p.value_or(0) != 0, "min_p");
}

// Those of generationConfig have its name before theirs.
void move_config_extras(Json& body, Json& config) {
  for (const char* key : kConfigExtras) {
    const std::string name = fmt::format("{}{}", kConfig, key);
    const auto found = body.find(name);
    if (found == body.end()) continue;
    config[key] = *found;
    body.erase(name);
  }
}

}  // namespace

ChatRequest read_request(std::string_view body) {
  const Json value = parse_json(body, "the request's body", {.depth = kDepth});
  ObjectReader fields(value, "");
  ChatRequest request;
  fields.accept({"model"});  // the path has it
  read_system(fields, request);
  const Json& contents = fields.require("contents");
  if (!contents.is_array() || contents.empty()) throw field_error("contents", "a list that is not empty", contents);
  ContentsReader reader(request.messages);
  for (size_t i = 0; i < contents.size(); ++i) reader.read(contents[i], fmt::format("contents[{}]", i));
  read_tools(fields, request.tools);
  read_tool_config(fields, request);
  read_config(fields, request);
  for (const char* key : kExtras) {
    if (const Json* extra = take_either(fields, key)) request.extras[key] = Native{ProtocolName::kGemini, *extra};
  }
  fields.finish();
  return request;
}

std::string write_request(const ChatRequest& request, std::vector<std::string>& dropped) {
  refuse_inexpressible(request);
  std::set<std::string> harmless;
  Json body = Json::object();
  ContentsWriter contents(body, harmless);
  for (size_t i = 0; i < request.messages.size(); ++i) {
    contents.put(request.messages[i], fmt::format("messages[{}]", i));
  }
  write_tools(request, body, harmless);
  write_tool_choice(request, body);
  Json config = config_json(request, harmless);
  write_extras(request, ProtocolName::kGemini, body, harmless);
  move_config_extras(body, config);
  if (!config.empty()) body["generationConfig"] = std::move(config);
  if (!request.user.empty()) harmless.insert("user");
  if (!request.metadata.empty()) harmless.insert("metadata");
  dropped.insert(dropped.end(), harmless.begin(), harmless.end());
  return dump_json(body);
}

}  // namespace understudy::gemini_wire
