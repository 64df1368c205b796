#include "engine/text/bpe.h"

#include <algorithm>
#include <bit>
#include <climits>
#include <queue>

namespace understudy {

namespace {

constexpr size_t kScannedSymbols = 24;  // up to here a scan per merge beats a heap's allocations

uint64_t pair_of(TokenId left, TokenId right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

size_t slot_of(uint64_t pair) {  // Fibonacci hashing, high bits folded in
  const uint64_t hash = pair * 0x9E3779B97F4A7C15;
  return static_cast<size_t>(hash ^ (hash >> 32));
}

struct Candidate {
  int32_t rank;
  uint32_t left;
  uint32_t right;
  TokenId left_id;  // what stood there when this was found: else it is stale
  TokenId right_id;
  TokenId merged;

  bool operator<(const Candidate& other) const {  // std::priority_queue gives the greatest: turned round
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};

constexpr uint32_t kNone = UINT32_MAX;
constexpr TokenId kGone = -1;

}  // namespace

BpeMerges::BpeMerges(std::span<const BpeMerge> merges) {
  slots_.resize(std::bit_ceil(merges.size() * 2 + 1));
  for (const BpeMerge& merge : merges) {
    const uint64_t pair = pair_of(merge.left, merge.right);
    size_t at = slot_of(pair) & (slots_.size() - 1);
    while (slots_[at].pair != kFree && slots_[at].pair != pair) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {pair, {merge.rank, merge.merged}};
  }
}

const BpeMerges::Outcome* BpeMerges::find(TokenId left, TokenId right) const {
  if (slots_.empty()) return nullptr;
  const uint64_t pair = pair_of(left, right);
  for (size_t at = slot_of(pair) & (slots_.size() - 1); slots_[at].pair != kFree; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].pair == pair) return &slots_[at].outcome;
  }
  return nullptr;
}

void BpeMerges::apply(std::vector<BpeSymbol>& symbols) const {
  if (symbols.size() < 2) return;
  if (symbols.size() <= kScannedSymbols) return scan(symbols);
  merge_with_heap(symbols);
}

void BpeMerges::scan(std::vector<BpeSymbol>& symbols) const {
  Outcome outcomes[kScannedSymbols];
  const auto look = [&](size_t i) {
    const Outcome* found = find(symbols[i].id, symbols[i + 1].id);
    outcomes[i] = found != nullptr ? *found : Outcome{INT_MAX, kGone};
  };
  size_t count = symbols.size();
  for (size_t i = 0; i + 1 < count; ++i) look(i);
  while (count > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < count; ++i) {
      if (outcomes[i].rank < outcomes[best].rank) best = i;
    }
    if (outcomes[best].merged == kGone) break;
    symbols[best] = {outcomes[best].merged, symbols[best].begin, symbols[best + 1].end};
    for (size_t i = best + 1; i + 1 < count; ++i) {
      symbols[i] = symbols[i + 1];
      outcomes[i] = outcomes[i + 1];
    }
    --count;
    if (best + 1 < count) look(best);
    if (best > 0) look(best - 1);
  }
  symbols.resize(count);
}

void BpeMerges::merge_with_heap(std::vector<BpeSymbol>& symbols) const {
  struct Link {
    uint32_t previous;
    uint32_t next;
  };
  const auto n = static_cast<uint32_t>(symbols.size());
  std::vector<Link> links(n);
  std::vector<Candidate> storage;
  storage.reserve(n);
  std::priority_queue<Candidate> candidates(std::less<Candidate>(), std::move(storage));
  const auto consider = [&](uint32_t left, uint32_t right) {
    if (left == kNone || right == kNone) return;
    const Outcome* found = find(symbols[left].id, symbols[right].id);
    if (found != nullptr) {
      candidates.push({found->rank, left, right, symbols[left].id, symbols[right].id, found->merged});
    }
  };
  for (uint32_t i = 0; i < n; ++i) {
    links[i] = {i == 0 ? kNone : i - 1, i + 1 == n ? kNone : i + 1};
    if (i > 0) consider(i - 1, i);
  }
  while (!candidates.empty()) {
    const Candidate top = candidates.top();
    candidates.pop();
    const bool stale = symbols[top.left].id != top.left_id || symbols[top.right].id != top.right_id ||
                       links[top.left].next != top.right;
    if (stale) continue;
    symbols[top.left] = {top.merged, symbols[top.left].begin, symbols[top.right].end};
    symbols[top.right].id = kGone;
    const uint32_t after = links[top.right].next;
    links[top.left].next = after;
    if (after != kNone) links[after].previous = top.left;
    consider(links[top.left].previous, top.left);
    consider(top.left, after);
  }
  symbols.erase(std::remove_if(symbols.begin(), symbols.end(), [](const BpeSymbol& s) { return s.id == kGone; }),
                symbols.end());
}

}  // namespace understudy
