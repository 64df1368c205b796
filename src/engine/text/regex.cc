#define PCRE2_CODE_UNIT_WIDTH 8
#include "engine/text/regex.h"

#include <fmt/format.h>
#include <pcre2.h>

#include "base/error.h"

namespace understudy {

namespace {

constexpr uint32_t kMatchLimit = 10'000'000;  // PCRE2's own default
constexpr size_t kPatternLimit = 1 << 16;     // bytes; published patterns have some hundred

// PCRE2 counts U+180E among the white space and knows \w as letters, digits and '_'; Oniguruma follows Unicode's
// properties.
std::string to_pcre2(const std::string& pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c != '\\' || i + 1 == pattern.size()) {
      if (c == '[') in_class = true;
      if (c == ']') in_class = false;
      out += c;
      continue;
    }
    const char escaped = pattern[++i];
    if (escaped == 's') {
      out += "\\p{White_Space}";
    } else if (escaped == 'S') {
      out += "\\P{White_Space}";
    } else if (escaped == 'w') {
      out += in_class ? "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}" : "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}]";
    } else if (escaped == 'W' && !in_class) {
      out += "[^\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}]";
    } else {
      out += c;
      out += escaped;
    }
  }
  return out;
}

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeMatchContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

std::string message_of(int code) {
  PCRE2_UCHAR buffer[256];
  if (pcre2_get_error_message(code, buffer, sizeof buffer) < 0) return fmt::format("error {}", code);
  return reinterpret_cast<const char*>(buffer);
}

size_t after_character(std::string_view text, size_t position) {
  do {
    ++position;
  } while (position < text.size() && (static_cast<unsigned char>(text[position]) & 0xC0) == 0x80);
  return position;
}

}  // namespace

struct Regex::Compiled {
  std::unique_ptr<pcre2_code, FreeCode> code;
  std::unique_ptr<pcre2_match_context, FreeMatchContext> context;
};

Regex::Regex(const std::string& pattern, std::string_view where) : pattern_(pattern), where_(where) {
  if (pattern.size() > kPatternLimit) {
    throw Error(ErrorCode::kTooLarge, fmt::format("{}: a regular expression of {} bytes; at most {} are read", where,
                                                  pattern.size(), kPatternLimit));
  }
  const std::string translated = to_pcre2(pattern);
  int fault = 0;
  PCRE2_SIZE offset = 0;
  auto compiled = std::make_shared<Compiled>();
  compiled->code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                     PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &fault, &offset, nullptr));
  if (compiled->code == nullptr) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: the regular expression \"{}\" cannot be read: {}", where, pattern, message_of(fault)));
  }
  compiled->context.reset(pcre2_match_context_create(nullptr));
  if (compiled->context == nullptr) throw std::bad_alloc();
  pcre2_set_match_limit(compiled->context.get(), kMatchLimit);
  pcre2_jit_compile(compiled->code.get(), PCRE2_JIT_COMPLETE);  // where it fails, the interpreter runs
  compiled_ = std::move(compiled);
}

Regex Regex::literal(std::string_view text, std::string_view where) {
  std::string pattern;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x80 && std::isalnum(static_cast<unsigned char>(c)) == 0) pattern += '\\';
    pattern += c;
  }
  return Regex(pattern, where);
}

void Regex::for_each_match(std::string_view text, const std::function<void(TextSpan)>& found) const {
  const std::unique_ptr<pcre2_match_data, FreeMatchData> data(
      pcre2_match_data_create_from_pattern(compiled_->code.get(), nullptr));
  if (data == nullptr) throw std::bad_alloc();
  const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  for (size_t position = 0; position < text.size();) {
    int result = pcre2_match(compiled_->code.get(), subject, text.size(), position, PCRE2_NO_UTF_CHECK, data.get(),
                             compiled_->context.get());
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) {
      result = pcre2_match(compiled_->code.get(), subject, text.size(), position, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                           data.get(), compiled_->context.get());
    }
    if (result == PCRE2_ERROR_NOMATCH) return;
    if (result < 0) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: the regular expression \"{}\" failed on a text of {} bytes: {}", where_, pattern_,
                              text.size(), message_of(result)));
    }
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
    if (ends[1] <= ends[0]) {
      position = after_character(text, std::max<size_t>(position, ends[0]));
      continue;
    }
    found({ends[0], ends[1]});
    position = ends[1];
  }
}

}  // namespace understudy
