#include "engine/text/aligned_text.h"

namespace understudy {

TextSpan Piece::origin(size_t begin, size_t end) const {
  if (origins == nullptr) return {base + begin, base + end};
  if (begin == end) {
    const size_t at = begin < text.size() ? origins[begin].begin : (text.empty() ? base : origins[text.size() - 1].end);
    return {at, at};
  }
  return {origins[begin].begin, origins[end - 1].end};
}

Piece Piece::part(size_t begin, size_t end) const {
  return {text.substr(begin, end - begin), origins == nullptr ? base + begin : 0,
          origins == nullptr ? nullptr : origins + begin};
}

void AlignedText::append(std::string_view text, TextSpan origin) {
  text_ += text;
  origins_.insert(origins_.end(), text.size(), origin);
}

void AlignedText::append(const Piece& piece, size_t begin, size_t end) {
  text_ += piece.text.substr(begin, end - begin);
  if (piece.origins != nullptr) {
    origins_.insert(origins_.end(), piece.origins + begin, piece.origins + end);
    return;
  }
  for (size_t i = begin; i < end; ++i) origins_.push_back({piece.base + i, piece.base + i + 1});
}

void AlignedText::reserve(size_t bytes) {
  text_.reserve(bytes);
  origins_.reserve(bytes);
}

}  // namespace understudy
