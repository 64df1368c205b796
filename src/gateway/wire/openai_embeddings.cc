// OpenAI's embeddings (POST /v1/embeddings): texts or token ids in, vectors out. A request is read and written like any
// other; of an answer only model and usage become a value. The vectors, megabytes of numbers that nobody here has any
// use for, go through as the bytes that they are, so that no answer is written and no stream exists.
#include <fmt/format.h>

#include <algorithm>

#include "base/fast_json.h"
#include "gateway/wire/object_reader.h"
#include "gateway/wire/openai_common.h"
#include "gateway/wire/openai_error.h"
#include "gateway/wire/protocol.h"

namespace understudy {

namespace {

using Element = simdjson::dom::element;
using Object = simdjson::dom::object;
using Array = simdjson::dom::array;

// ---- requests

bool is_token(const Json& value) {
  return value.is_number_integer() && value >= 0;
}

bool is_list_of(const Json& value, bool (*is_one)(const Json& value)) {
  return value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), is_one);
}

// A text, several, one as token ids, or several so.
bool is_input(const Json& value) {
  return value.is_string() || is_list_of(value, [](const Json& text) { return text.is_string(); }) ||
         is_list_of(value, is_token) || is_list_of(value, [](const Json& text) { return is_list_of(text, is_token); });
}

void check_input(ObjectReader& fields) {
  const Json& input = fields.require("input");
  if (!is_input(input))
    throw field_error("input", "a string, a list of strings, of token ids or of lists of them", input);
}

// ---- answers

Error not_an_answer(std::string_view path, std::string_view expected) {
  return Error(ErrorCode::kInvalidInput, fmt::format("{}: expected {}", path, expected))
      .about(std::string(path), "invalid_value");
}

std::optional<int64_t> count_of(Object object, std::string_view key) {
  Element value;
  if (object.at_key(key).get(value) || value.is_null()) return std::nullopt;
  int64_t count = 0;
  if (value.get_int64().get(count) || count < 0)
    throw not_an_answer("usage." + std::string(key), "a whole number from 0");
  return count;
}

// `total_tokens` is the prompt's where a vendor says nothing else: there are no others.
Usage usage_of(Object answer) {
  Usage usage;
  Object told;
  if (answer.at_key("usage").get(told)) return usage;
  const std::optional<int64_t> prompt = count_of(told, "prompt_tokens");
  usage.input = prompt ? *prompt : count_of(told, "total_tokens").value_or(0);
  return usage;
}

void check_vectors(Object answer) {
  Array rows;
  if (answer.at_key("data").get(rows)) throw not_an_answer("data", "a list");
  size_t at = 0;
  for (const Element entry : rows) {
    Object row;
    Element vector;
    const bool has_vector = !entry.get_object().get(row) && !row.at_key("embedding").get(vector) &&
                            (vector.is_array() || vector.is_string());
    if (!has_vector) throw not_an_answer(fmt::format("data[{}].embedding", at), "a list of numbers or their base64");
    ++at;
  }
}

Error no_conversation(const char* what) {
  return unsupported_field(what, "OpenAI's embeddings cannot express it");
}

class OpenAiEmbeddings : public Protocol {
 public:
  using Protocol::write_request;
  ProtocolName name() const override { return ProtocolName::kOpenAiEmbeddings; }
  ChatRequest read_request(std::string_view body) const override;
  std::string write_request(const ChatRequest& request, std::vector<std::string>& dropped) const override;
  ChatAnswer read_answer(std::string_view body) const override;
  std::string write_answer(const ChatAnswer&) const override { throw no_conversation("choices"); }
  std::unique_ptr<EventWriter> event_writer(const ChatRequest&, const AnswerHead&) const override {
    throw no_conversation("stream");
  }
  std::unique_ptr<EventReader> event_reader() const override { throw no_conversation("stream"); }
  std::string_view id_prefix() const override { return "embd-"; }
  std::string write_error(int, const Error& error) const override { return openai::write_error(error); }
  FailureEvent read_error(int status, std::string_view body) const override { return openai::read_error(status, body); }
};

ChatRequest OpenAiEmbeddings::read_request(std::string_view body) const {
  const Json value = openai::parse_body(body);
  ObjectReader fields(value, "");
  ChatRequest request;
  request.model = fields.require_text("model");
  request.user = fields.text("user").value_or("");
  check_input(fields);
  (void)fields.integer("dimensions", 1, INT32_MAX);
  (void)fields.text("encoding_format");
  // Vendors have more than OpenAI (output_dtype, input_type, truncate).
  for (const auto& [key, member] : value.items()) {
    if (key == "model" || key == "user" || member.is_null()) continue;
    request.extras[key] = Native{ProtocolName::kOpenAiEmbeddings, member};
  }
  return request;
}

std::string OpenAiEmbeddings::write_request(const ChatRequest& request, std::vector<std::string>&) const {
  ChatRequest expressible;
  expressible.model = request.model;
  expressible.user = request.user;
  expressible.extras = request.extras;
  if (expressible != request) throw no_conversation("messages");
  Json body = {{"model", request.model}};
  if (!request.user.empty()) body["user"] = request.user;
  for (const auto& [key, native] : request.extras) {
    if (native.protocol != name()) throw no_conversation(key.c_str());
    body[key] = native.value;
  }
  if (!body.contains("input")) throw no_conversation("messages");
  return dump_json(body);
}

ChatAnswer OpenAiEmbeddings::read_answer(std::string_view body) const {
  const FastJson parsed(body);
  if (parsed.error() != simdjson::SUCCESS) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("not valid JSON: {}", simdjson::error_message(parsed.error())));
  }
  Object object;
  if (parsed.root().get_object().get(object)) throw not_an_answer("the answer", "a JSON object");
  check_vectors(object);
  ChatAnswer answer;
  std::string_view model;
  if (!object.at_key("model").get(model)) answer.head.model = std::string(model);
  answer.usage = usage_of(object);
  return answer;
}

}  // namespace

const Protocol& openai_embeddings() {
  static const OpenAiEmbeddings protocol;
  return protocol;
}

}  // namespace understudy
