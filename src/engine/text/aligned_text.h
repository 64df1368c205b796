// Text on its way from what was written to what the vocabulary sees, which still knows where every byte came from:
// token spans are told in the original text although normalisers insert, replace and compose. Values; one thread at a
// time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/text/tokenizer.h"

namespace understudy {

// Borrowed text with its origin. Where `origins` is null, byte i stands at `base` + i in the original; else origins[i]
// is the stretch of the original that byte i came from (empty for inserted bytes).
struct Piece {
  std::string_view text;
  size_t base = 0;
  const TextSpan* origins = nullptr;

  TextSpan origin(size_t begin, size_t end) const;  // of bytes [begin, end)
  Piece part(size_t begin, size_t end) const;       // bytes [begin, end) as a piece
};

// Owned text whose every byte has an origin.
class AlignedText {
 public:
  void append(std::string_view text, TextSpan origin);        // all bytes come from one stretch
  void append(const Piece& piece, size_t begin, size_t end);  // bytes of a piece, unchanged
  void reserve(size_t bytes);

  const std::string& text() const { return text_; }
  Piece piece() const { return {text_, 0, origins_.data()}; }

 private:
  std::string text_;
  std::vector<TextSpan> origins_;
};

}  // namespace understudy
