// Cuts text into the pieces inside which byte-pair merges may happen: Llama 3's regular expression.
// Immutable after construction; not for use by two threads at once (it keeps PCRE2's match data).
#pragma once

#include <memory>
#include <string_view>
#include <vector>

namespace understudy::tokenizer {

extern const char* const kLlama3Pattern;

class Splitter {
 public:
  Splitter();
  ~Splitter();
  // The pieces, in order; together they are the text. Throws kInvalidInput where the text is not UTF-8.
  std::vector<std::string_view> split(std::string_view text) const;

 private:
  struct Pattern;
  std::unique_ptr<Pattern> pattern_;
};

}  // namespace understudy::tokenizer
