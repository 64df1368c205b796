#include "engine/text/jinja_lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/utf8.h"
#include "engine/text/jinja_text.h"

namespace understudy::jinja {

namespace {

constexpr size_t kSourceLimit = size_t{4} << 20;  // bytes; published templates have up to 30 kB

// Operators, longest first.
constexpr std::array<std::string_view, 24> kOperators = {"//", "**", "==", "!=", ">=", "<=", "+", "-",
                                                         "*",  "/",  "%",  "~",  "[",  "]",  "(", ")",
                                                         "{",  "}",  ">",  "<",  "=",  ".",  ":", ","};

std::string with_plain_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
      continue;
    }
    out += '\n';
    if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (static_cast<unsigned char>(c) & 0x80) != 0;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_part(char c) {
  return is_name_start(c) || is_digit(c);
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A string literal's inside, with Python's escapes resolved.
class Unescaper {
 public:
  Unescaper(std::string_view inside, int line) : in_(inside), line_(line) {}
  std::string run() {
    while (at_ < in_.size()) {
      const char c = in_[at_++];
      if (c == '\\' && at_ < in_.size()) {
        escape(in_[at_++]);
      } else {
        out_ += c;
      }
    }
    return std::move(out_);
  }

 private:
  void escape(char c) {
    switch (c) {
      case '\n':
        return;
      case 'n':
        out_ += '\n';
        return;
      case 't':
        out_ += '\t';
        return;
      case 'r':
        out_ += '\r';
        return;
      case 'a':
        out_ += '\a';
        return;
      case 'b':
        out_ += '\b';
        return;
      case 'f':
        out_ += '\f';
        return;
      case 'v':
        out_ += '\v';
        return;
      case '\\':
      case '\'':
      case '"':
        out_ += c;
        return;
      case 'x':
        return code_point(2);
      case 'u':
        return code_point(4);
      case 'U':
        return code_point(8);
      case 'N':
        fail_at(line_, "the escape \\N{...} is not supported");
      default:
        break;
    }
    if (c >= '0' && c <= '7') return octal(c);
    out_ += '\\';
    out_ += c;
  }
  void code_point(size_t digits) {
    uint32_t value = 0;
    for (size_t i = 0; i < digits; ++i) {
      const int digit = at_ < in_.size() ? hex_value(in_[at_++]) : -1;
      if (digit < 0) fail_at(line_, fmt::format("an escape needs {} hexadecimal digits", digits));
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) fail_at(line_, "an escape is no character");
    append_utf8(out_, value);
  }
  void octal(char first) {
    uint32_t value = static_cast<uint32_t>(first - '0');
    for (int i = 0; i < 2 && at_ < in_.size() && in_[at_] >= '0' && in_[at_] <= '7'; ++i) {
      value = value * 8 + static_cast<uint32_t>(in_[at_++] - '0');
    }
    append_utf8(out_, value);
  }

  std::string_view in_;
  int line_;
  size_t at_ = 0;
  std::string out_;
};

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(with_plain_newlines(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) text_and_tag();
    tokens_.push_back({TokenKind::kEnd, "", line_});
    return std::move(tokens_);
  }

 private:
  bool looking_at(std::string_view word) const { return source_.compare(at_, word.size(), word) == 0; }

  size_t next_tag() const {
    for (size_t i = source_.find('{', at_); i != std::string::npos && i + 1 < source_.size();
         i = source_.find('{', i + 1)) {
      if (source_[i + 1] == '{' || source_[i + 1] == '%' || source_[i + 1] == '#') return i;
    }
    return std::string::npos;
  }

  void advance(size_t to) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    at_ = to;
  }

  // The text up to the next tag, less what the tag's sign and lstrip_blocks take away; then the tag.
  void text_and_tag() {
    const size_t tag = next_tag();
    const size_t end = tag == std::string::npos ? source_.size() : tag;
    std::string_view text = std::string_view(source_).substr(at_, end - at_);
    if (tag != std::string::npos) text = without_stripped_end(text, tag);
    if (!text.empty()) tokens_.push_back({TokenKind::kText, std::string(text), line_});
    advance(end);
    if (tag == std::string::npos) return;
    const char kind = source_[tag + 1];
    if (kind == '#') return comment();
    if (kind == '{') return tag_of(TokenKind::kOutputBegin, TokenKind::kOutputEnd, "}}");
    if (!raw()) tag_of(TokenKind::kBlockBegin, TokenKind::kBlockEnd, "%}");
  }

  std::string_view without_stripped_end(std::string_view text, size_t tag) const {
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : ' ';
    if (sign == '-') return text.substr(0, stripped(text, is_space, false, true).end);
    if (sign == '+' || source_[tag + 1] == '{') return text;
    const size_t newline = text.rfind('\n');
    const size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
    if (line_begin == 0 && !line_starting_) return text;
    const bool blank = stripped(text.substr(line_begin), is_space, true, false).begin == text.size() - line_begin;
    return blank ? text.substr(0, line_begin) : text;
  }

  // Past a tag's end, which begins at `end` with an optional sign. -: drops all white space that follows; else, for
  // blocks and comments, one newline, unless +.
  void pass_end(size_t end, bool is_output) {
    const char sign = source_[end];
    size_t to = end + (sign == '-' || sign == '+' ? 3 : 2);
    if (sign == '-') {
      to += stripped(std::string_view(source_).substr(to), is_space, true, false).begin;
    } else if (!is_output && sign != '+' && to < source_.size() && source_[to] == '\n') {
      ++to;
    }
    line_starting_ = source_[to - 1] == '\n';
    advance(to);
  }

  void comment() {
    const bool signed_begin = at_ + 2 < source_.size() && (source_[at_ + 2] == '-' || source_[at_ + 2] == '+');
    const size_t inside = at_ + (signed_begin ? 3 : 2);
    const size_t close = source_.find("#}", inside);
    if (close == std::string::npos) fail_at(line_, "a comment {# is not closed");
    const bool signed_end = close > inside && (source_[close - 1] == '-' || source_[close - 1] == '+');
    pass_end(signed_end ? close - 1 : close, false);
  }

  size_t skip_space(size_t from) const {
    while (from < source_.size() && (source_[from] == ' ' || (source_[from] >= '\t' && source_[from] <= '\r'))) ++from;
    return from;
  }

  // Where the inside of a block tag at `tag` that consists of one word ends (at its sign or "%}"); npos for any other
  // tag.
  size_t end_of_word_tag(size_t tag, std::string_view word) const {
    size_t i = tag + 2;
    if (i < source_.size() && (source_[i] == '-' || source_[i] == '+')) ++i;
    i = skip_space(i);
    if (source_.compare(i, word.size(), word) != 0) return std::string::npos;
    i = skip_space(i + word.size());
    const bool has_sign = i < source_.size() && (source_[i] == '-' || source_[i] == '+');
    return source_.compare(has_sign ? i + 1 : i, 2, "%}") == 0 ? i : std::string::npos;
  }

  bool raw() {
    const size_t begin_end = end_of_word_tag(at_, "raw");
    if (begin_end == std::string::npos) return false;
    const int begun = line_;
    pass_end(begin_end, true);  // as after an output, no newline is dropped
    for (size_t tag = source_.find("{%", at_); tag != std::string::npos; tag = source_.find("{%", tag + 2)) {
      const size_t end = end_of_word_tag(tag, "endraw");
      if (end == std::string::npos) continue;
      const std::string_view text = without_stripped_end(std::string_view(source_).substr(at_, tag - at_), tag);
      if (!text.empty()) tokens_.push_back({TokenKind::kText, std::string(text), line_});
      pass_end(end, false);
      return true;
    }
    fail_at(begun, "{% raw %} is not closed");
  }

  void tag_of(TokenKind begin, TokenKind end_kind, std::string_view end) {
    const int begun = line_;
    tokens_.push_back({begin, "", line_});
    at_ += 2;
    if (looking_at("-") || looking_at("+")) ++at_;
    size_t open_brackets = 0;
    while (true) {
      advance(skip_space(at_));
      if (at_ >= source_.size()) fail_at(begun, fmt::format("a tag is not closed by {}", end));
      if (open_brackets == 0 && at_end(end)) break;
      expression_token(open_brackets);
    }
    tokens_.push_back({end_kind, "", line_});
    pass_end(at_, end == "}}");
  }

  bool at_end(std::string_view end) const {
    if (looking_at(end)) return true;
    const bool has_sign = source_[at_] == '-' || (source_[at_] == '+' && end == "%}");
    return has_sign && source_.compare(at_ + 1, end.size(), end) == 0;
  }

  void expression_token(size_t& open_brackets) {
    const char c = source_[at_];
    if (is_digit(c)) return number();
    if (is_name_start(c)) return name();
    if (c == '\'' || c == '"') return string(c);
    for (const std::string_view op : kOperators) {
      if (looking_at(op)) return operator_token(op, open_brackets);
    }
    if (c == '|') return operator_token("|", open_brackets);
    fail_at(line_, fmt::format("the character '{}' has no meaning here", c));
  }

  void operator_token(std::string_view op, size_t& open_brackets) {
    if (op == "(" || op == "[" || op == "{") ++open_brackets;
    if (op == ")" || op == "]" || op == "}") {
      if (open_brackets == 0) fail_at(line_, fmt::format("'{}' closes nothing", op));
      --open_brackets;
    }
    tokens_.push_back({TokenKind::kOperator, std::string(op), line_});
    at_ += op.size();
  }

  void name() {
    const size_t begin = at_;
    while (at_ < source_.size() && is_name_part(source_[at_])) ++at_;
    tokens_.push_back({TokenKind::kName, source_.substr(begin, at_ - begin), line_});
  }

  void digits(std::string& out) {
    while (at_ < source_.size() && (is_digit(source_[at_]) ||
                                    (source_[at_] == '_' && at_ + 1 < source_.size() && is_digit(source_[at_ + 1])))) {
      if (source_[at_] != '_') out += source_[at_];
      ++at_;
    }
  }

  void number() {
    std::string text;
    TokenKind kind = TokenKind::kInteger;
    digits(text);
    const auto digit_at = [&](size_t i) { return i < source_.size() && is_digit(source_[i]); };
    if (at_ < source_.size() && source_[at_] == '.' && digit_at(at_ + 1)) {
      kind = TokenKind::kFloat;
      text += source_[at_++];
      digits(text);
    }
    if (at_ < source_.size() && (source_[at_] == 'e' || source_[at_] == 'E')) {
      const size_t sign = at_ + 1 < source_.size() && (source_[at_ + 1] == '+' || source_[at_ + 1] == '-') ? 1 : 0;
      if (digit_at(at_ + 1 + sign)) {
        kind = TokenKind::kFloat;
        text += source_.substr(at_, 1 + sign);
        at_ += 1 + sign;
        digits(text);
      }
    }
    if (at_ < source_.size() && is_name_part(source_[at_]))
      fail_at(line_, "a number runs into a name (0x, 0o and 0b are not supported)");
    if (text.size() > 30 && kind == TokenKind::kInteger) fail_at(line_, "a whole number has more than 30 digits");
    tokens_.push_back({kind, std::move(text), line_});
  }

  void string(char quote) {
    const size_t begin = ++at_;
    const int begun = line_;
    size_t end = begin;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) fail_at(begun, "a string is not closed");
    tokens_.push_back(
        {TokenKind::kString, Unescaper(std::string_view(source_).substr(begin, end - begin), begun).run(), begun});
    advance(end + 1);
  }

  std::string source_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

void fail_at(int line, std::string_view message, std::string_view hint) {
  throw Error(ErrorCode::kInvalidInput, fmt::format("chat template:{}: {}", line, message), std::string(hint));
}

std::vector<Token> lex(std::string_view source) {
  if (source.size() > kSourceLimit) {
    throw Error(ErrorCode::kTooLarge,
                fmt::format("chat template: {} bytes; at most {} are read", source.size(), kSourceLimit));
  }
  if (!is_valid_utf8(source)) throw Error(ErrorCode::kInvalidInput, "chat template: not valid UTF-8");
  return Lexer(source).run();
}

}  // namespace understudy::jinja
