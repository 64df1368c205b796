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

Json choice_json(const ChatChoice& choice, size_t index) {
  Json message = {{"role", "assistant"},
                  {"content", choice.text},
                  {"refusal", choice.refusal.empty() ? Json(nullptr) : Json(choice.refusal)}};
  // As OpenAI has it: beside tool calls or a refusal nothing said is null.
  if (choice.text.empty() && (!choice.tool_calls.empty() || !choice.refusal.empty())) message["content"] = nullptr;
  std::string thoughts;
  for (const Reasoning& reasoning : choice.reasoning) thoughts += reasoning.text;
  if (!thoughts.empty()) message["reasoning_content"] = thoughts;
  for (const ToolCall& call : choice.tool_calls) message["tool_calls"].push_back(tool_call_json(call));
  Json logprobs = choice.logprobs.empty() ? Json(nullptr) : chat_logprobs_json(choice.logprobs);
  return {{"index", index},
          {"message", std::move(message)},
          {"logprobs", std::move(logprobs)},
          {"finish_reason", finish_word(choice.reason)}};
}

ChatChoice read_choice(const Json& value, const std::string& path) {
  ObjectReader choice(value, path);
  ObjectReader message(choice.require("message"), choice.path_of("message"));
  ChatChoice read;
  read.text = message.text("content").value_or("");
  read.refusal = message.text("refusal").value_or("");
  if (const auto thought = read_thought(message)) read.reasoning.push_back({.text = *thought});
  read.tool_calls = read_tool_calls(message);
  read.reason = finish_reason_of(choice.text("finish_reason").value_or("stop"));
  read.logprobs = read_chat_logprobs(choice);
  return read;
}

}  // namespace

Json chat_logprobs_json(const std::vector<TokenLogprobs>& tokens) {
  Json content = Json::array();
  for (const TokenLogprobs& token : tokens) {
    Json entry = logprob_json(token.chosen);
    entry["top_logprobs"] = Json::array();
    for (const TokenLogprob& other : token.top) entry["top_logprobs"].push_back(logprob_json(other));
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

std::vector<TokenLogprobs> read_chat_logprobs(ObjectReader& choice) {
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
