// Byte-pair encoding of one word (Sennrich, Haddow, Birch 2016): symbols are merged in the order of the merges' ranks,
// at equal rank from the left. Short words are scanned, long ones go through a heap: O(n log n). Immutable, shareable
// between threads.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/text/tokenizer.h"

namespace understudy {

struct BpeMerge {
  TokenId left = 0;
  TokenId right = 0;
  TokenId merged = 0;
  int32_t rank = 0;  // lower goes first; several merges may share one
};

// A token of a word: bytes [begin, end) of it.
struct BpeSymbol {
  TokenId id = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
};

class BpeMerges {
 public:
  BpeMerges() = default;
  // Of two merges of the same pair the later one counts.
  explicit BpeMerges(std::span<const BpeMerge> merges);

  // Merges until no pair is left that can be.
  void apply(std::vector<BpeSymbol>& symbols) const;

 private:
  struct Outcome {
    int32_t rank;
    TokenId merged;
  };
  struct Slot {
    uint64_t pair = kFree;
    Outcome outcome{};
  };
  static constexpr uint64_t kFree = UINT64_MAX;  // ids are not negative

  const Outcome* find(TokenId left, TokenId right) const;
  void scan(std::vector<BpeSymbol>& symbols) const;
  void merge_with_heap(std::vector<BpeSymbol>& symbols) const;

  std::vector<Slot> slots_;  // open addressing, a power of two, at most half full
};

}  // namespace understudy
