// The decoders of a tokenizer.json: from tokens as the vocabulary writes them back to text. Immutable, shareable
// between threads.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json_fwd.h"
#include "engine/text/pre_tokenizer.h"

namespace understudy {

// Every invalid stretch replaced by U+FFFD as Unicode's chapter 3.9 recommends ("maximal subparts"), which is what
// Rust's from_utf8_lossy and the browsers do.
std::string lossy_utf8(std::string_view bytes);

struct ByteLevelDecoder {};
struct ReplaceDecoder {
  Regex pattern;
  std::string content;
};
struct ByteFallbackDecoder {};  // runs of <0xE2> become the character, or one U+FFFD a byte
struct FuseDecoder {};          // all tokens become one
struct StripDecoder {
  std::string content;
  size_t start = 0;
  size_t stop = 0;
};
struct MetaspaceDecoder {
  MetaspaceStep step;
};
using DecoderStep =
    std::variant<ByteLevelDecoder, ReplaceDecoder, ByteFallbackDecoder, FuseDecoder, StripDecoder, MetaspaceDecoder>;

class Decoder {
 public:
  Decoder() = default;
  explicit Decoder(std::vector<DecoderStep> steps) : steps_(std::move(steps)) {}
  // The value of tokenizer.json's key "decoder" (null: tokens joined by spaces). Throws kInvalidInput for an unknown
  // type.
  static Decoder read(const Json& value, std::string_view where);

  std::string decode(std::vector<std::string> tokens) const;
  // The bytes of one token in the middle of a text.
  std::string bytes_of(const std::string& token) const;
  // The same for the first token of a text, whose leading space some decoders take away.
  std::string first_bytes_of(const std::string& token) const;

 private:
  std::string bytes_of(std::string token, bool first) const;
  std::vector<DecoderStep> steps_;
};

// The value of a byte token, <0x00> to <0xFF>; -1 for any other token.
int byte_token_value(std::string_view token);
std::string byte_token(uint8_t byte);

}  // namespace understudy
