// Learns the merges of a byte-level BPE (Gage 1994; Sennrich, Haddow, Birch 2016): the most frequent pair of
// neighbouring symbols becomes a symbol, again and again. Deterministic: of equally frequent pairs the one with the
// smaller symbols comes first.
//
// Merges are held back so that a word has the same tokens wherever it stands, which makes copying easy to learn:
// letters merge with letters only (never with the space, quote or bracket before them), digits with nothing, a mark
// only with itself, and the marks of JSON with one another and with the space before them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace understudy::tokenizer {

struct Piece {
  std::string text;
  int64_t count;
};

// The merged symbols as bytes, first merge first: at most `merges`, fewer where no pair is left that stands twice.
using Merge = std::pair<std::string, std::string>;
std::vector<Merge> learn_merges(const std::vector<Piece>& pieces, int merges);

// Whether two neighbouring symbols may become one.
bool may_merge(std::string_view left, std::string_view right);

}  // namespace understudy::tokenizer
