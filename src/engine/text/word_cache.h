// Remembers how short words were merged: a text repeats its words, and merging costs more than looking up. Bounded; a
// new word takes the place of an old one. Thread-safe: slots are guarded in groups, so that threads seldom meet.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "engine/text/tokenizer.h"

namespace understudy {

class WordCache {
 public:
  static constexpr size_t kWordBytes = 22;  // longer words are rare, and seldom come twice
  static constexpr size_t kIds = 6;

  WordCache();
  // Appends the ids of a remembered word to `ids`; false where the word is not known.
  bool find(std::string_view word, std::vector<TokenId>& ids) const;
  void remember(std::string_view word, const TokenId* ids, size_t count);

 private:
  struct Slot {
    uint8_t length = 0;  // of the word; 0: free
    uint8_t count = 0;
    char word[kWordBytes] = {};
    TokenId ids[kIds] = {};
  };
  struct Group {
    mutable Mutex mutex;
    std::vector<Slot> slots GUARDED_BY(mutex);
  };
  static constexpr size_t kGroups = 64;
  static constexpr size_t kSlotsPerGroup = 512;  // 32,768 words, 1.5 MiB
  std::array<Group, kGroups> groups_;
};

}  // namespace understudy
