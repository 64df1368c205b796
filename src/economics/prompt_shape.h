// What the sums need to know of a request's body, which only gateway/wire can read: how much of it is the static
// prompt, and a word of what is asked. Plain values; whoever streams the exchanges fills them.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

namespace understudy {

struct PromptShape {
  int64_t static_bytes = 0;  // of system and developer messages
  int64_t body_bytes = 0;    // of the whole request; 0 where its body was not kept
  std::string example;       // the beginning of the last user message

  // Tokens of the static prompt in a prompt of that many: by the share of bytes, which a tokenizer follows within some
  // percent as long as both parts are of one language.
  int64_t static_tokens(int64_t prompt_tokens) const {
    if (body_bytes <= 0) return 0;
    return std::llround(static_cast<double>(prompt_tokens) * static_cast<double>(static_bytes) /
                        static_cast<double>(body_bytes));
  }
};

}  // namespace understudy
