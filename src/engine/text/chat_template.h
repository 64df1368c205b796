// Chat templates: the Jinja that the templates of Llama 2/3 (3.1 with tools), Mistral, Qwen, ChatML and alpaca-style
// models need, equal to python3-jinja2 with trim_blocks and lstrip_blocks, or refused naming the construct. The very
// same rendering serves training, evaluation and serving. Immutable, shareable between threads.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "engine/text/tokenizer.h"

namespace understudy {

// A stretch of the rendered text that came out of a message's own values (content, tool calls), not out of the
// template.
struct ContentSpan {
  TextSpan span;
  int message = 0;         // index into messages; -1: tools and further variables
  bool is_content = true;  // false: another value of the message (a tool call's name, say)
};

struct RenderedChat {
  std::string text;
  std::vector<ContentSpan> contents;  // sorted, without overlaps
};

struct RenderOptions {
  bool add_generation_prompt = false;
  Json tools = nullptr;        // list, or null
  Json variables = nullptr;    // further variables (enable_thinking, date_string, ...), or null
  std::optional<int64_t> now;  // seconds since 1970 for strftime_now; nothing: the clock
};

class ChatTemplate {
 public:
  // Throws kInvalidInput naming the construct that is not supported, with the template's line.
  ChatTemplate(std::string source, std::string bos_token, std::string eos_token);
  // The tokenizer's own template; throws kInvalidInput where it has none.
  static ChatTemplate of(const Tokenizer& tokenizer);
  // One of the built-in ones by Axolotl's name: chatml, llama3, alpaca, mistral_v1, mistral_v2v3, mistral_v3_tekken,
  // qwen_25, qwen3; nothing for an unknown name.
  static std::optional<std::string> built_in(std::string_view name);
  static std::vector<std::string> built_in_names();

  // messages: a list of {"role", "content", ...}. Throws kInvalidInput for what the template itself refuses
  // (raise_exception).
  RenderedChat render(const Json& messages, const RenderOptions& options = {}) const;

  const std::string& source() const { return source_; }

 private:
  struct Program;
  std::string source_;
  std::string bos_token_;
  std::string eos_token_;
  std::shared_ptr<const Program> program_;
};

// The ids of a rendered chat, tokenised in one piece: special tokens of the template are read as such, inside contents
// they are plain text; no BOS is added to one that the template already wrote, exactly one stands there where the
// tokenizer adds one.
Encoded encode_chat(const Tokenizer& tokenizer, const RenderedChat& chat);

}  // namespace understudy
