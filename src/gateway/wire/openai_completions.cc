// OpenAI's older completions (POST /v1/completions), both directions: a prompt of plain text in, its continuation out.
// A token that is no whole text ("half a character") is written as OpenAI does: "bytes:\xe2\x82".
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/utf8.h"
#include "gateway/wire/harmless.h"
#include "gateway/wire/openai_common.h"
#include "gateway/wire/openai_error.h"
#include "gateway/wire/protocol.h"

namespace understudy {

namespace {

constexpr std::string_view kObject = "text_completion";
constexpr std::string_view kBytesMark = "bytes:";

// ---- tokens as the keys and strings of the logprobs object

std::string token_text(const std::string& token) {
  if (is_valid_utf8(token)) return token;
  std::string text(kBytesMark);
  for (const char c : token) text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return text;
}

std::string token_of(const std::string& text) {
  if (text.rfind(kBytesMark, 0) != 0) return text;
  std::string token;
  for (size_t at = kBytesMark.size(); at < text.size(); at += 4) {
    unsigned value = 0;
    const char* digits = text.data() + at + 2;
    const bool whole = at + 4 <= text.size() && text[at] == '\\' && text[at + 1] == 'x';
    if (!whole || std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2) return text;
    token += static_cast<char>(value);
  }
  return token;
}

// ---- requests

// Several prompts, and prompts of token ids, are known to this protocol only.
void read_prompt(ObjectReader& fields, ChatRequest& request) {
  const Json& prompt = fields.require("prompt");
  const bool is_one_of_list = prompt.is_array() && prompt.size() == 1 && prompt.front().is_string();
  if (prompt.is_string() || is_one_of_list) {
    request.prompt = (prompt.is_string() ? prompt : prompt.front()).get<std::string>();
  } else if (prompt.is_array() && !prompt.empty()) {
    request.extras["prompt"] = Native{ProtocolName::kOpenAiCompletions, prompt};
  } else {
    throw field_error("prompt", "a string, or a list of strings or token ids", prompt);
  }
}

// What only this protocol knows; best_of that says no more than n does is let pass.
void read_extras(ObjectReader& fields, ChatRequest& request) {
  const std::optional<int64_t> best_of = fields.integer("best_of", 1, openai::kMostChoices);
  const auto keep = [&request](const char* key, Json value) {
    request.extras[key] = Native{ProtocolName::kOpenAiCompletions, std::move(value)};
  };
  if (best_of && *best_of != request.n) keep("best_of", *best_of);
  for (const char* key :
       {"suffix", "response_format", "store", "service_tier", "prompt_cache_key", "prompt_cache_retention"}) {
    if (const Json* value = fields.take(key)) keep(key, *value);
  }
}

void read_logprobs(ObjectReader& fields, ChatRequest& request) {
  const std::optional<int64_t> logprobs = fields.integer("logprobs", 0, openai::kMostTopLogprobs);
  request.logprobs = logprobs.has_value();
  request.top_logprobs = static_cast<int>(logprobs.value_or(0));
}

// ---- logarithms of probabilities

// Characters whose first byte is here: a token may end in the middle of one.
size_t characters_begun(std::string_view bytes) {
  return static_cast<size_t>(
      std::count_if(bytes.begin(), bytes.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Four lists side by side, an entry a token. `offset` is where the first token's text stands in the choice's text, in
// characters; it moves past them.
Json logprobs_json(const std::vector<TokenLogprobs>& tokens, size_t& offset) {
  Json texts = Json::array();
  Json logprobs = Json::array();
  Json tops = Json::array();
  Json offsets = Json::array();
  for (const TokenLogprobs& token : tokens) {
    texts.push_back(token_text(token.chosen.token));
    logprobs.push_back(openai::finite_logprob(token.chosen.logprob));
    Json top = Json::object();
    for (const TokenLogprob& other : token.top) {
      const std::string text = token_text(other.token);
      if (!top.contains(text)) top[text] = openai::finite_logprob(other.logprob);  // the first is the more probable one
    }
    tops.push_back(std::move(top));
    offsets.push_back(offset);
    offset += characters_begun(token.chosen.token);
  }
  return {{"tokens", std::move(texts)},
          {"token_logprobs", std::move(logprobs)},
          {"top_logprobs", std::move(tops)},
          {"text_offset", std::move(offsets)}};
}

std::vector<TokenLogprobs> read_logprobs_object(ObjectReader& choice) {
  std::vector<TokenLogprobs> tokens;
  const Json* value = choice.take("logprobs");
  if (value == nullptr) return tokens;
  ObjectReader fields(*value, choice.path_of("logprobs"));
  const Json* texts = fields.list("tokens");
  const Json* logprobs = fields.list("token_logprobs");
  const Json* tops = fields.list("top_logprobs");
  for (size_t i = 0; texts != nullptr && i < texts->size(); ++i) {
    const Json& text = (*texts)[i];
    if (!text.is_string()) throw field_error(fields.path_of("tokens"), "strings", text);
    TokenLogprobs token;
    token.chosen.token = token_of(text.get<std::string>());
    const bool has_number = logprobs != nullptr && i < logprobs->size() && (*logprobs)[i].is_number();
    if (has_number) token.chosen.logprob = (*logprobs)[i].get<double>();
    const bool has_top = tops != nullptr && i < tops->size() && (*tops)[i].is_object();
    const Json top = has_top ? (*tops)[i] : Json::object();
    for (const auto& [key, number] : top.items()) {
      if (!number.is_number()) throw field_error(fields.path_of("top_logprobs"), "numbers", number);
      token.top.push_back({token_of(key), number.get<double>()});
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

Json choice_json(int index, const std::string& text, Json logprobs, Json reason) {
  return {{"text", text}, {"index", index}, {"logprobs", std::move(logprobs)}, {"finish_reason", std::move(reason)}};
}

std::optional<FinishReason> read_finish_reason(ObjectReader& choice) {
  const std::optional<std::string> word = choice.text("finish_reason");
  if (!word || word->empty()) return std::nullopt;
  return openai::finish_reason_of(*word);
}

Error more_than_text() {
  return unsupported_field("choices", "an answer of more than text cannot be expressed by OpenAI's completions");
}

// ---- streams

class CompletionEventWriter : public EventWriter {
 public:
  CompletionEventWriter(const ChatRequest& request, AnswerHead head)
      : head_(std::move(head)), logprobs_(request.logprobs), wants_usage_(request.stream_usage) {}

  std::vector<WireEvent> write(const ChatEvent& event) override {
    if (std::holds_alternative<HeadEvent>(event)) return {};       // the writer has its own
    if (std::holds_alternative<ReasoningEvent>(event)) return {};  // has no field here
    if (const auto* text = std::get_if<TextEvent>(&event)) {
      Json logprobs = logprobs_ ? logprobs_json(text->logprobs, offsets_[text->choice]) : Json(nullptr);
      return {chunk(Json::array({choice_json(text->choice, text->text, std::move(logprobs), nullptr)}), nullptr)};
    }
    if (const auto* finish = std::get_if<FinishEvent>(&event)) {
      return {
          chunk(Json::array({choice_json(finish->choice, "", nullptr, openai::finish_word(finish->reason))}), nullptr)};
    }
    if (const auto* usage = std::get_if<UsageEvent>(&event)) {
      if (wants_usage_) usage_ = usage->usage;
      return {};
    }
    if (const auto* failure = std::get_if<FailureEvent>(&event)) return {{"", openai::failure_payload(*failure)}};
    throw more_than_text();
  }
  std::vector<WireEvent> finish() override {
    std::vector<WireEvent> chunks;
    if (usage_) chunks.push_back(chunk(Json::array(), openai::usage_json(*usage_)));
    chunks.push_back({"", "[DONE]"});
    return chunks;
  }

 private:
  WireEvent chunk(Json choices, Json usage) const {
    Json body = openai::head_json(head_, kObject);
    body["choices"] = std::move(choices);
    if (wants_usage_) body["usage"] = std::move(usage);
    return {"", dump_json(body)};
  }

  const AnswerHead head_;
  const bool logprobs_;
  const bool wants_usage_;
  std::optional<Usage> usage_;     // the last one that was told
  std::map<int, size_t> offsets_;  // by choice
};

class CompletionEventReader : public EventReader {
 public:
  std::vector<ChatEvent> read(const WireEvent& event) override {
    std::vector<ChatEvent> events;
    if (event.data == "[DONE]") {
      is_done_ = true;
      return events;
    }
    const Json body = openai::parse_body(event.data);
    if (const Json* error = openai::error_in(body)) {
      events.emplace_back(openai::read_failure(*error));
      return events;
    }
    openai::check_chunk(body);
    ObjectReader fields(body, "");
    has_head_ = has_head_ || openai::read_chunk_head(fields, events);
    const Json* choices = fields.list("choices");
    for (size_t i = 0; choices != nullptr && i < choices->size(); ++i) {
      read_choice((*choices)[i], fmt::format("choices[{}]", i), events);
    }
    openai::read_chunk_usage(body, events);
    return events;
  }
  bool is_complete() const override {
    const auto is_open = [](const auto& entry) { return entry.second; };
    return is_done_ || (!open_.empty() && std::none_of(open_.begin(), open_.end(), is_open));
  }

 private:
  void read_choice(const Json& value, const std::string& path, std::vector<ChatEvent>& events) {
    ObjectReader choice(value, path);
    const int index = static_cast<int>(choice.integer("index", 0, openai::kMostChoices - 1).value_or(0));
    open_.try_emplace(index, true);
    TextEvent text{index, choice.text("text").value_or(""), read_logprobs_object(choice)};
    if (!text.text.empty() || !text.logprobs.empty()) events.emplace_back(std::move(text));
    const std::optional<FinishReason> reason = read_finish_reason(choice);
    if (!reason) return;
    open_[index] = false;
    events.emplace_back(FinishEvent{index, *reason, ""});
  }

  bool has_head_ = false;
  bool is_done_ = false;
  std::map<int, bool> open_;  // choices that began; false once they said why they ended
};

class OpenAiCompletions : public Protocol {
 public:
  using Protocol::write_request;
  ProtocolName name() const override { return ProtocolName::kOpenAiCompletions; }
  ChatRequest read_request(std::string_view body) const override;
  std::string write_request(const ChatRequest& request, std::vector<std::string>& dropped) const override;
  ChatAnswer read_answer(std::string_view body) const override;
  std::string write_answer(const ChatAnswer& answer) const override;
  std::unique_ptr<EventWriter> event_writer(const ChatRequest& request, const AnswerHead& head) const override {
    return std::make_unique<CompletionEventWriter>(request, head);
  }
  std::unique_ptr<EventReader> event_reader() const override { return std::make_unique<CompletionEventReader>(); }
  std::string_view id_prefix() const override { return "cmpl-"; }
  std::string write_error(int, const Error& error) const override { return openai::write_error(error); }
  FailureEvent read_error(int status, std::string_view body) const override { return openai::read_error(status, body); }
};

ChatRequest OpenAiCompletions::read_request(std::string_view body) const {
  const Json value = openai::parse_body(body);
  ObjectReader fields(value, "");
  ChatRequest request;
  openai::read_common_fields(fields, request);
  read_prompt(fields, request);
  // Without it this protocol gives 16 tokens, whatever the model could say (OpenAI's reference).
  request.max_tokens = fields.integer("max_tokens", 1, INT32_MAX).value_or(16);
  request.echo = fields.boolean("echo").value_or(false);
  read_logprobs(fields, request);
  read_extras(fields, request);
  fields.finish();
  return request;
}

// A conversation has no place here: only the plain text to go on with.
void check_expressible(const ChatRequest& request) {
  const auto refuse_if = [](bool is_there, const char* field) {
    if (is_there) throw unsupported_field(field, "OpenAI's completions cannot express it");
  };
  const auto prompt = request.extras.find("prompt");
  const bool has_other_prompt =
      prompt != request.extras.end() && prompt->second.protocol == ProtocolName::kOpenAiCompletions;
  refuse_if(!request.messages.empty() || (!request.prompt && !has_other_prompt), "messages");
  refuse_if(!request.tools.empty(), "tools");
  refuse_if(request.tool_choice != ToolChoice{}, "tool_choice");
  refuse_if(request.response_format.kind != ResponseFormat::Kind::kText, "response_format");
  refuse_if(request.parallel_tool_calls.has_value(), "parallel_tool_calls");
}

std::string OpenAiCompletions::write_request(const ChatRequest& request, std::vector<std::string>& dropped) const {
  check_expressible(request);
  std::set<std::string> harmless;
  if (request.reasoning != ReasoningSettings{}) harmless.insert("reasoning");
  Json body = {{"model", request.model}};
  if (request.prompt) body["prompt"] = *request.prompt;
  openai::write_common_fields(request, body);
  if (request.max_tokens) body["max_tokens"] = *request.max_tokens;
  if (request.echo) body["echo"] = true;
  if (request.logprobs) body["logprobs"] = request.top_logprobs;
  write_extras(request, ProtocolName::kOpenAiCompletions, body, harmless);
  dropped.insert(dropped.end(), harmless.begin(), harmless.end());
  return dump_json(body);
}

std::string OpenAiCompletions::write_answer(const ChatAnswer& answer) const {
  Json body = openai::head_json(answer.head, kObject);
  body["choices"] = Json::array();
  for (size_t i = 0; i < answer.choices.size(); ++i) {
    const ChatChoice& choice = answer.choices[i];
    if (!choice.tool_calls.empty() || !choice.natives.empty()) throw more_than_text();
    size_t offset = 0;
    Json logprobs = choice.logprobs.empty() ? Json(nullptr) : logprobs_json(choice.logprobs, offset);
    body["choices"].push_back(choice_json(static_cast<int>(i), choice.text + choice.refusal, std::move(logprobs),
                                          openai::finish_word(choice.reason)));
  }
  body["usage"] = openai::usage_json(answer.usage);
  return dump_json(body);
}

ChatAnswer OpenAiCompletions::read_answer(std::string_view body) const {
  const Json value = openai::parse_body(body);
  ObjectReader fields(value, "");
  ChatAnswer answer;
  answer.head = openai::read_head(fields);
  const Json& choices = fields.require("choices");
  if (!choices.is_array()) throw field_error("choices", "a list", choices);
  for (size_t i = 0; i < choices.size(); ++i) {
    ObjectReader choice(choices[i], fmt::format("choices[{}]", i));
    ChatChoice read;
    read.text = choice.require_text("text");
    read.reason = read_finish_reason(choice).value_or(FinishReason::kStop);
    read.logprobs = read_logprobs_object(choice);
    answer.choices.push_back(std::move(read));
  }
  if (const Json* usage = fields.take("usage")) answer.usage = openai::read_usage(*usage, "usage");
  return answer;
}

}  // namespace

const Protocol& openai_completions() {
  static const OpenAiCompletions protocol;
  return protocol;
}

}  // namespace understudy
