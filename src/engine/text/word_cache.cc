#include "engine/text/word_cache.h"

#include <cstring>
#include <functional>

namespace understudy {

WordCache::WordCache() {
  for (Group& group : groups_) {
    const MutexLock lock(group.mutex);
    group.slots.resize(kSlotsPerGroup);
  }
}

bool WordCache::find(std::string_view word, std::vector<TokenId>& ids) const {
  if (word.empty() || word.size() > kWordBytes) return false;
  const size_t hash = std::hash<std::string_view>()(word);
  const Group& group = groups_[hash % kGroups];
  const MutexLock lock(group.mutex);
  const Slot& slot = group.slots[(hash / kGroups) % kSlotsPerGroup];
  if (slot.length != word.size() || std::memcmp(slot.word, word.data(), word.size()) != 0) return false;
  ids.insert(ids.end(), slot.ids, slot.ids + slot.count);
  return true;
}

void WordCache::remember(std::string_view word, const TokenId* ids, size_t count) {
  if (word.empty() || word.size() > kWordBytes || count > kIds) return;
  const size_t hash = std::hash<std::string_view>()(word);
  Group& group = groups_[hash % kGroups];
  const MutexLock lock(group.mutex);
  Slot& slot = group.slots[(hash / kGroups) % kSlotsPerGroup];
  slot.length = static_cast<uint8_t>(word.size());
  slot.count = static_cast<uint8_t>(count);
  std::memcpy(slot.word, word.data(), word.size());
  std::memcpy(slot.ids, ids, count * sizeof *ids);
}

}  // namespace understudy
