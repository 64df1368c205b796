#include "gateway/wire/request_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/fast_json.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/json_syntax.h"

namespace understudy {

namespace {

using Element = simdjson::dom::element;
using Object = simdjson::dom::object;
using Array = simdjson::dom::array;

// simdjson's numbers end at 64 bits, JSON's do not. A request may have larger ones: they are none of those that are
// looked for here, and reading them less exactly does no harm.
std::string with_smaller_numbers(std::string_view text) {
  return dump_json(parse_json(text, "the request's body"));
}

class Parsed {
 public:
  explicit Parsed(std::string_view text) : parsed_(text) {
    if (parsed_->error() == simdjson::NUMBER_ERROR) parsed_.emplace(with_smaller_numbers(text));
    if (parsed_->error() == simdjson::SUCCESS) return;
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("the request's body: not valid JSON: {}", simdjson::error_message(parsed_->error())));
  }
  Element root() const { return parsed_->root(); }

 private:
  std::optional<FastJson> parsed_;
};

Error wrong_field(std::string_view path, std::string_view expected) {
  return Error(ErrorCode::kInvalidInput, fmt::format("{}: expected {}", path, expected))
      .about(std::string(path), "invalid_value");
}

// simdjson keeps repeated members, and other readers take the first or the last: two readers of the same bytes could
// come to different requests.
void check_members(Element element, int depth, int deepest) {
  if (depth > deepest) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("the request's body: nested more than {} levels deep", deepest));
  }
  if (element.is_object()) {
    const Object object = element.get_object();
    std::vector<std::string_view> keys;
    keys.reserve(object.size());
    for (const auto& [key, value] : object) {
      keys.push_back(key);
      if (value.is_object() || value.is_array()) check_members(value, depth + 1, deepest);
    }
    std::sort(keys.begin(), keys.end());
    const auto twin = std::adjacent_find(keys.begin(), keys.end());
    if (twin == keys.end()) return;
    throw Error(ErrorCode::kInvalidInput, fmt::format("the request's body: \"{}\" stands there twice", *twin))
        .about(std::string(*twin), "invalid_value");
  }
  if (element.is_array()) {
    for (const Element child : element.get_array()) {
      if (child.is_object() || child.is_array()) check_members(child, depth + 1, deepest);
    }
  }
}

Object object_of(const Parsed& parsed, int depth) {
  if (!parsed.root().is_object()) throw Error(ErrorCode::kInvalidInput, "the request's body: expected a JSON object");
  check_members(parsed.root(), 1, depth);
  return parsed.root().get_object();
}

// The member, or nothing where it is absent or null.
std::optional<Element> member(Object object, std::string_view key) {
  Element value;
  if (object.at_key(key).get(value) || value.is_null()) return std::nullopt;
  return value;
}

std::optional<Object> object_member(Object object, std::string_view key) {
  const std::optional<Element> value = member(object, key);
  Object inner;
  if (!value || value->get_object().get(inner)) return std::nullopt;
  return inner;
}

std::string text_member(Object object, std::string_view key) {
  const std::optional<Element> value = member(object, key);
  if (!value) return {};
  std::string_view text;
  if (value->get_string().get(text)) throw wrong_field(key, "a string");
  return std::string(text);
}

bool flag_member(Object object, std::string_view key) {
  const std::optional<Element> value = member(object, key);
  if (!value) return false;
  bool flag = false;
  if (value->get_bool().get(flag)) throw wrong_field(key, "true or false");
  return flag;
}

std::optional<int64_t> count_member(Object object, std::string_view key) {
  const std::optional<Element> value = member(object, key);
  if (!value) return std::nullopt;
  int64_t count = 0;
  if (value->get_int64().get(count) || count < 0) throw wrong_field(key, "a whole number from 0");
  return count;
}

// ---- what a conversation says

struct Reading {
  RequestHead head;
  std::string shape;  // what else recognises a kind of work: names of tools, the answer's form
};

std::string_view word_of(Object object, std::string_view key, std::string_view otherwise) {
  const std::optional<Element> value = member(object, key);
  return value && value->is_string() ? std::string_view(value->get_string()) : otherwise;
}

bool is_media_type(std::string_view type) {
  constexpr std::string_view kTypes[] = {"image_url", "input_audio", "file",       "video_url", "image",
                                         "document",  "input_image", "input_file", "audio"};
  return std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

// Whether this part is an image, a sound or a document, or holds one: a tool's result has parts of its own.
bool has_media(Object part) {
  if (is_media_type(word_of(part, "type", ""))) return true;
  for (const std::string_view key : {"inlineData", "inline_data", "fileData", "file_data"}) {
    if (member(part, key)) return true;
  }
  for (const std::string_view key : {"content", "output"}) {
    Array inner;
    const auto value = member(part, key);
    if (!value || value->get_array().get(inner)) continue;
    for (const Element entry : inner) {
      Object child;
      if (!entry.get_object().get(child) && has_media(child)) return true;
    }
  }
  return false;
}

// Appends the text of a content: a string, or a list of parts that have `text`.
void add_content(Element content, std::string& text, RequestHead& head) {
  std::string_view plain;
  if (!content.get_string().get(plain)) {
    text += plain;
    return;
  }
  Array parts;
  if (content.get_array().get(parts)) return;
  for (const Element entry : parts) {
    Object part;
    if (entry.get_object().get(part)) continue;
    head.has_media = head.has_media || has_media(part);
    std::string_view said;
    const auto value = member(part, "text");
    if (value && !value->get_string().get(said)) text += said;
  }
}

void add_line(std::string& text, std::string_view line) {
  if (!text.empty() && !line.empty()) text += '\n';
  text += line;
}

// `messages` of OpenAI's chat and Anthropic, `input` of the Responses, `contents` of Gemini (whose role may be left
// out).
void read_messages(Element list, std::string_view content_key, Reading& reading, std::string_view default_role = "") {
  std::string_view plain;
  if (!list.get_string().get(plain)) {
    reading.head.last_user = std::string(plain);
    return;
  }
  Array messages;
  if (list.get_array().get(messages)) return;
  for (const Element entry : messages) {
    Object message;
    if (entry.get_object().get(message)) continue;
    const std::string_view role = word_of(message, "role", default_role);
    std::string text;
    if (const auto content = member(message, content_key)) add_content(*content, text, reading.head);
    reading.head.has_media = reading.head.has_media || has_media(message);
    if (role == "system" || role == "developer") add_line(reading.head.system, text);
    if (role == "user" && !text.empty()) reading.head.last_user = std::move(text);
  }
}

void add_names(Object tool, Reading& reading) {
  for (const std::string_view key : {"name", "type"}) {
    std::string_view text;
    const auto value = member(tool, key);
    if (value && !value->get_string().get(text)) add_line(reading.shape, text);
  }
  if (const auto function = object_member(tool, "function")) add_names(*function, reading);
  for (const std::string_view key : {"functionDeclarations", "function_declarations"}) {
    const auto declarations = member(tool, key);
    Array list;
    if (!declarations || declarations->get_array().get(list)) continue;
    for (const Element entry : list) {
      Object declaration;
      if (!entry.get_object().get(declaration)) add_names(declaration, reading);
    }
  }
}

void read_tools(Object body, Reading& reading) {
  const auto tools = member(body, "tools");
  Array list;
  if (!tools || tools->get_array().get(list)) return;
  for (const Element entry : list) {
    Object tool;
    if (entry.get_object().get(tool)) continue;
    reading.head.has_tools = true;
    add_names(tool, reading);
  }
}

void add_json(Object body, std::string_view key, Reading& reading) {
  if (const auto value = member(body, key)) add_line(reading.shape, simdjson::minify(*value));
}

void read_metadata(Object body, RequestHead& head) {
  const auto metadata = object_member(body, "metadata");
  if (!metadata) return;
  for (const auto& [key, value] : *metadata) {
    std::string_view text;
    if (!value.get_string().get(text)) head.metadata.emplace(key, text);
  }
}

int choices_of(std::optional<int64_t> n) {
  return static_cast<int>(std::min<int64_t>(n.value_or(1), INT32_MAX));
}

// ---- the protocols

void read_openai_common(Object body, Reading& reading) {
  RequestHead& head = reading.head;
  head.model = text_member(body, "model");
  head.stream = flag_member(body, "stream");
  if (const auto options = object_member(body, "stream_options")) {
    head.stream_usage = flag_member(*options, "include_usage");
  }
  head.user = text_member(body, "safety_identifier");
  if (head.user.empty()) head.user = text_member(body, "user");
  head.n = choices_of(count_member(body, "n"));
  read_metadata(body, head);
}

void read_openai_chat(Object body, Reading& reading) {
  read_openai_common(body, reading);
  const auto limit = count_member(body, "max_completion_tokens");
  reading.head.max_tokens = limit ? limit : count_member(body, "max_tokens");
  if (const auto messages = member(body, "messages")) read_messages(*messages, "content", reading);
  add_json(body, "response_format", reading);
}

void read_completions(Object body, Reading& reading) {
  read_openai_common(body, reading);
  reading.head.max_tokens = count_member(body, "max_tokens");
  const auto prompt = member(body, "prompt");
  std::string_view text;
  if (prompt && !prompt->get_string().get(text)) reading.head.last_user = std::string(text);
}

void read_responses(Object body, Reading& reading) {
  read_openai_common(body, reading);
  reading.head.max_tokens = count_member(body, "max_output_tokens");
  reading.head.system = text_member(body, "instructions");
  if (const auto input = member(body, "input")) read_messages(*input, "content", reading);
  add_json(body, "text", reading);
}

void read_anthropic(Object body, Reading& reading) {
  RequestHead& head = reading.head;
  head.model = text_member(body, "model");
  head.stream = flag_member(body, "stream");
  head.max_tokens = count_member(body, "max_tokens");
  if (const auto metadata = object_member(body, "metadata")) head.user = text_member(*metadata, "user_id");
  if (const auto system = member(body, "system")) add_content(*system, head.system, head);
  if (const auto messages = member(body, "messages")) read_messages(*messages, "content", reading);
  add_json(body, "output_format", reading);
  add_json(body, "output_config", reading);
}

void read_gemini(Object body, Reading& reading) {
  RequestHead& head = reading.head;
  for (const std::string_view key : {"systemInstruction", "system_instruction"}) {
    const auto system = object_member(body, key);
    if (const auto parts = system ? member(*system, "parts") : std::nullopt) add_content(*parts, head.system, head);
  }
  if (const auto contents = member(body, "contents")) read_messages(*contents, "parts", reading, "user");
  for (const std::string_view key : {"generationConfig", "generation_config"}) {
    const auto config = object_member(body, key);
    if (!config) continue;
    for (const std::string_view name : {"maxOutputTokens", "max_output_tokens"}) {
      if (const auto most = count_member(*config, name)) head.max_tokens = most;
    }
    for (const std::string_view name : {"candidateCount", "candidate_count"}) {
      if (const auto n = count_member(*config, name)) head.n = choices_of(n);
    }
    for (const std::string_view name :
         {"responseSchema", "response_schema", "responseJsonSchema", "response_json_schema"}) {
      add_json(*config, name, reading);
    }
  }
}

void read_embeddings(Object body, Reading& reading) {
  reading.head.model = text_member(body, "model");
  reading.head.user = text_member(body, "user");
  reading.head.max_tokens = 0;   // an answer of vectors has no tokens
  reading.shape = "embeddings";  // no kind of work of a conversation without a static prompt
}

std::string fingerprint_of(const Reading& reading) {
  return sha256_hex(reading.head.system + '\0' + reading.shape);
}

// ---- edits

// Where something stands in the text: byte positions. A request's text has been parsed before; in an event of a
// provider's that is no JSON, nothing is found, or something to no harm.
struct Span {
  size_t begin = 0;
  size_t end = 0;
};

size_t skip_space(std::string_view text, size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) ++at;
  return at;
}

size_t skip_value(std::string_view text, size_t at) {
  if (at >= text.size()) return text.size();
  if (text[at] == '"') return end_of_json_string(text, at);
  if (text[at] != '{' && text[at] != '[') {
    while (at < text.size() && std::string_view(",]} \n\r\t").find(text[at]) == std::string_view::npos) ++at;
    return at;
  }
  int depth = 0;
  while (at < text.size()) {
    if (text[at] == '"') {
      at = end_of_json_string(text, at);
      continue;
    }
    if (text[at] == '{' || text[at] == '[') ++depth;
    if ((text[at] == '}' || text[at] == ']') && --depth == 0) return at + 1;
    ++at;
  }
  return at;
}

struct Member {
  Span key;  // with its quotes
  Span value;
};

// The members of the object that begins at or after `at`, in order.
std::vector<Member> members_at(std::string_view text, size_t at) {
  std::vector<Member> members;
  at = skip_space(text, at) + 1;
  for (;;) {
    at = skip_space(text, at);
    if (at >= text.size() || text[at] != '"') return members;
    Member found;
    found.key = {at, end_of_json_string(text, at)};
    at = skip_space(text, std::min(skip_space(text, found.key.end) + 1, text.size()));  // past the colon
    found.value = {at, skip_value(text, at)};
    if (found.key.end - found.key.begin < 2 || found.value.end == found.value.begin) return members;
    members.push_back(found);
    at = skip_space(text, found.value.end);
    if (at < text.size() && text[at] == ',') ++at;
  }
}

// A key may be written with escapes; it is compared as it is read.
bool is_key(std::string_view text, const Span& key, std::string_view name) {
  const std::string_view written = text.substr(key.begin + 1, key.end - key.begin - 2);
  if (written.find('\\') == std::string_view::npos) return written == name;
  simdjson::dom::parser parser;
  std::string_view read;
  const simdjson::padded_string padded(text.substr(key.begin, key.end - key.begin));
  Element element;
  if (parser.parse(padded).get(element) || element.get_string().get(read)) return false;
  return read == name;
}

std::optional<Member> find_member(std::string_view text, const std::vector<Member>& members, std::string_view name) {
  for (const Member& entry : members) {
    if (is_key(text, entry.key, name)) return entry;
  }
  return std::nullopt;
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      result += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      result += c;
    }
  }
  return result + "\"";
}

// One change of the text: what stands in `at` becomes `text`.
struct Edit {
  Span at;
  std::string text;
};

std::string apply(std::string_view text, std::vector<Edit> edits) {
  std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) { return a.at.begin < b.at.begin; });
  std::string result;
  size_t at = 0;
  for (const Edit& edit : edits) {
    result += text.substr(at, edit.at.begin - at);
    result += edit.text;
    at = edit.at.end;
  }
  result += text.substr(at);
  return result;
}

std::string_view text_of(std::string_view text, const Span& span) {
  return text.substr(span.begin, span.end - span.begin);
}

bool is_empty_list(std::string_view text) {
  return text.size() >= 2 && text.front() == '[' && skip_space(text, 1) == text.size() - 1;
}

// Asks a stream for its usage where the client did not.
std::optional<Edit> usage_edit(std::string_view body, const std::vector<Member>& members) {
  constexpr std::string_view kAsk = "\"include_usage\":true";
  const std::optional<Member> options = find_member(body, members, "stream_options");
  if (!options) {
    const size_t at = members.back().value.end;
    return Edit{{at, at}, fmt::format(",\"stream_options\":{{{}}}", kAsk)};
  }
  const std::string_view value = text_of(body, options->value);
  if (value == "null") return Edit{options->value, fmt::format("{{{}}}", kAsk)};
  if (value.front() != '{') return std::nullopt;  // a mistake that the provider may name
  const std::vector<Member> inner = members_at(body, options->value.begin);
  if (const auto flag = find_member(body, inner, "include_usage")) return Edit{flag->value, "true"};
  const size_t at = options->value.end - 1;
  return Edit{{at, at}, inner.empty() ? std::string(kAsk) : "," + std::string(kAsk)};
}

}  // namespace

RequestHead read_request_head(ProtocolName protocol, std::string_view body, int depth) {
  const Parsed parsed(body);
  const Object object = object_of(parsed, depth);
  Reading reading;
  switch (protocol) {
    case ProtocolName::kOpenAiChat:
      read_openai_chat(object, reading);
      break;
    case ProtocolName::kOpenAiCompletions:
      read_completions(object, reading);
      break;
    case ProtocolName::kOpenAiResponses:
      read_responses(object, reading);
      break;
    case ProtocolName::kAnthropic:
      read_anthropic(object, reading);
      break;
    case ProtocolName::kGemini:
      read_gemini(object, reading);
      break;
    case ProtocolName::kOpenAiEmbeddings:
      read_embeddings(object, reading);
      break;
  }
  read_tools(object, reading);
  reading.head.fingerprint = fingerprint_of(reading);
  return std::move(reading.head);
}

std::string edit_request(ProtocolName protocol, std::string_view body, std::string_view model, bool ask_for_usage) {
  if (protocol == ProtocolName::kGemini) return std::string(body);
  const std::vector<Member> members = members_at(body, 0);
  std::vector<Edit> edits;
  if (const auto name = find_member(body, members, "model")) edits.push_back({name->value, quoted(model)});
  const bool has_options = protocol == ProtocolName::kOpenAiChat || protocol == ProtocolName::kOpenAiCompletions;
  const std::optional<Member> stream = find_member(body, members, "stream");
  if (ask_for_usage && has_options && stream && text_of(body, stream->value) == "true") {
    if (std::optional<Edit> edit = usage_edit(body, members)) edits.push_back(std::move(*edit));
  }
  return apply(body, std::move(edits));
}

std::optional<std::string> without_usage(std::string_view data) {
  // A key with escapes in it is no provider's: what has no such word has no such member.
  if (data.find("usage") == std::string_view::npos) return std::string(data);
  const std::vector<Member> members = members_at(data, 0);
  const std::optional<Member> usage = find_member(data, members, "usage");
  if (!usage) return std::string(data);
  const std::optional<Member> choices = find_member(data, members, "choices");
  const bool has_no_choices = choices && is_empty_list(text_of(data, choices->value));
  if (data[usage->value.begin] == '{' && has_no_choices) return std::nullopt;
  if (text_of(data, usage->value) != "null") return std::string(data);
  // The comma before it goes too, or, of a first member, the one behind.
  Span span{usage->key.begin, usage->value.end};
  const size_t before = data.find_last_not_of(" \n\r\t", span.begin - 1);
  if (data[before] == ',') {
    span.begin = before;
  } else if (const size_t after = skip_space(data, span.end); after < data.size() && data[after] == ',') {
    span.end = after + 1;
  }
  return apply(data, {{span, ""}});
}

}  // namespace understudy
