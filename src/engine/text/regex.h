// Regular expressions as tokenizer.json means them: Oniguruma's, over Unicode. They run on PCRE2 with UTF and UCP,
// compiled by its JIT where the machine has one. The only file that sees pcre2.h is regex.cc. Immutable, shareable
// between threads.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/text/tokenizer.h"

namespace understudy {

class Regex {
 public:
  // `where` begins the error's message for a pattern that does not compile (kInvalidInput).
  Regex(const std::string& pattern, std::string_view where);
  // A pattern that finds this very text.
  static Regex literal(std::string_view text, std::string_view where);

  // Calls `found` with each match from left to right, without overlaps; empty matches are left out. `text` is valid
  // UTF-8. Throws kInvalidInput where the expression needs more backtracking than the limit on this text.
  void for_each_match(std::string_view text, const std::function<void(TextSpan)>& found) const;
  const std::string& pattern() const { return pattern_; }

 private:
  struct Compiled;
  std::string pattern_;
  std::string where_;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace understudy
