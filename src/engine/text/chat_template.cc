#include "engine/text/chat_template.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "engine/text/jinja_evaluator.h"
#include "engine/text/jinja_functions.h"
#include "engine/text/jinja_parser.h"

namespace understudy {

namespace {

using jinja::Source;
using jinja::Value;

// Sources number the messages: 0 for tools and variables, then two a message, its content and its other values.
constexpr Source kElsewhere = 0;
Source source_of(int message, bool is_content) {
  return (message + 1) * 2 + (is_content ? 1 : 0);
}
ContentSpan span_of(const jinja::Origin& origin) {
  return {{origin.begin, origin.end}, origin.source / 2 - 1, origin.source % 2 == 1};
}

// A role comes from a closed list and is the template's own word: it has no source.
Value message_value(const Json& message, int index) {
  if (!message.is_object()) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("messages[{}]: expected an object with \"role\" and \"content\"", index));
  }
  jinja::Dict dict;
  for (const auto& [key, value] : message.items()) {
    const Source source = key == "role" ? jinja::kNoSource : source_of(index, key == "content");
    dict.set(Value::text(repair_utf8(key), source_of(index, false)), Value::from_json(value, source));
  }
  Value made = std::move(dict);
  return made.with_source(source_of(index, false));
}

Value messages_value(const Json& messages) {
  if (!messages.is_array()) throw Error(ErrorCode::kInvalidInput, "messages: expected a list");
  jinja::List list;
  for (size_t i = 0; i < messages.size(); ++i) list.items.push_back(message_value(messages[i], static_cast<int>(i)));
  return list;
}

int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Spans of the special tokens' text count too: what is content is never read as special.
std::vector<TextSpan> plain_spans(const RenderedChat& chat) {
  std::vector<TextSpan> spans;
  spans.reserve(chat.contents.size());
  for (const ContentSpan& content : chat.contents) spans.push_back(content.span);
  return spans;
}

}  // namespace

struct ChatTemplate::Program {
  jinja::Body body;
};

ChatTemplate::ChatTemplate(std::string source, std::string bos_token, std::string eos_token)
    : source_(std::move(source)), bos_token_(std::move(bos_token)), eos_token_(std::move(eos_token)) {
  auto program = std::make_shared<Program>();
  program->body = jinja::parse(source_);
  program_ = std::move(program);
}

ChatTemplate ChatTemplate::of(const Tokenizer& tokenizer) {
  const auto source = tokenizer.chat_template();
  if (!source) {
    throw Error(ErrorCode::kInvalidInput, "the tokenizer has no chat template",
                "name one: chat_template: chatml, llama3, ... in a training config");
  }
  const auto word = [&](std::optional<TokenId> id) { return id ? tokenizer.token_of(*id) : std::string(); };
  return ChatTemplate(*source, word(tokenizer.bos()), word(tokenizer.eos()));
}

RenderedChat ChatTemplate::render(const Json& messages, const RenderOptions& options) const {
  jinja::Variables variables;
  variables.emplace_back("tools", Value::from_json(options.tools, kElsewhere));
  variables.emplace_back("documents", jinja::None{});
  if (!bos_token_.empty()) variables.emplace_back("bos_token", Value::text(bos_token_));
  if (!eos_token_.empty()) variables.emplace_back("eos_token", Value::text(eos_token_));
  variables.emplace_back("strftime_now", jinja::strftime_function(options.now.value_or(seconds_now())));
  if (options.variables.is_object()) {
    for (const auto& [name, value] : options.variables.items())
      variables.emplace_back(name, Value::from_json(value, kElsewhere));
  }
  variables.emplace_back("messages", messages_value(messages));
  variables.emplace_back("add_generation_prompt", options.add_generation_prompt);
  const jinja::Text text = jinja::Evaluator(std::move(variables)).run(program_->body);
  RenderedChat chat;
  chat.text = text.bytes();
  for (const jinja::Origin& origin : text.origins()) chat.contents.push_back(span_of(origin));
  return chat;
}

Encoded encode_chat(const Tokenizer& tokenizer, const RenderedChat& chat) {
  const std::vector<TextSpan> plain = plain_spans(chat);
  Encoded encoded =
      tokenizer.encode_with_spans(chat.text, {.add_special = false, .parse_special = true, .plain = plain});
  const auto bos = tokenizer.bos();
  const bool has_bos = bos && !encoded.ids.empty() && encoded.ids.front() == *bos;
  if (tokenizer.adds_bos() && bos && !has_bos) {
    encoded.ids.insert(encoded.ids.begin(), *bos);
    encoded.spans.insert(encoded.spans.begin(), TextSpan{});
  }
  return encoded;
}

}  // namespace understudy
