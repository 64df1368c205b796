// Cuts a template into its text and the tokens of its tags, with Jinja's rules for white space: trim_blocks and
// lstrip_blocks are on (as transformers has it), {%- -%} and {%+ +%} are obeyed, one newline at the template's end is
// dropped. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace understudy::jinja {

enum class TokenKind {
  kText,        // between tags, as it is to be printed
  kBlockBegin,  // {%
  kBlockEnd,
  kOutputBegin,  // {{
  kOutputEnd,
  kName,
  kString,  // escapes resolved
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  int line = 1;
};

// Throws kInvalidInput: "chat template:3: ...".
std::vector<Token> lex(std::string_view source);

// The error that says what is wrong where in the template.
[[noreturn]] void fail_at(int line, std::string_view message, std::string_view hint = {});

}  // namespace understudy::jinja
