#include "train_tokenizer/splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cstring>

#include "base/error.h"

namespace understudy::tokenizer {

const char* const kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct Splitter::Pattern {
  pcre2_code* code = nullptr;
  pcre2_match_data* match = nullptr;
  ~Pattern() {
    pcre2_match_data_free(match);
    pcre2_code_free(code);
  }
};

Splitter::Splitter() : pattern_(std::make_unique<Pattern>()) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  pattern_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(kLlama3Pattern), std::strlen(kLlama3Pattern),
                                 PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr);
  CHECK(pattern_->code != nullptr, "the pattern is a valid regular expression");
  pcre2_jit_compile(pattern_->code, PCRE2_JIT_COMPLETE);  // where there is no JIT the interpreter is used
  pattern_->match = pcre2_match_data_create_from_pattern(pattern_->code, nullptr);
}

Splitter::~Splitter() = default;

std::vector<std::string_view> Splitter::split(std::string_view text) const {
  std::vector<std::string_view> pieces;
  for (size_t at = 0; at < text.size();) {
    const int found = pcre2_match(pattern_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at, 0,
                                  pattern_->match, nullptr);
    if (found < 0) throw Error(ErrorCode::kInvalidInput, "the text is not UTF-8", "");
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(pattern_->match);
    CHECK(ends[0] == at && ends[1] > at, "the pattern's alternatives cover every character");
    pieces.push_back(text.substr(ends[0], ends[1] - ends[0]));
    at = ends[1];
  }
  return pieces;
}

}  // namespace understudy::tokenizer
