#include "train_tokenizer/byte_pairs.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

namespace understudy::tokenizer {
namespace {

enum class Kind { kLetter, kDigit, kSpace, kBreak, kJson, kMark };

Kind kind_of(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  if (value >= 0x80 || (value >= 'a' && value <= 'z') || (value >= 'A' && value <= 'Z')) return Kind::kLetter;
  if (value >= '0' && value <= '9') return Kind::kDigit;
  if (value == '\n' || value == '\r') return Kind::kBreak;
  if (value <= ' ') return Kind::kSpace;
  return std::string_view("{}[]\":,").find(byte) != std::string_view::npos ? Kind::kJson : Kind::kMark;
}

using Symbol = uint32_t;
using Pair = std::pair<Symbol, Symbol>;

struct Word {
  std::vector<Symbol> symbols;
  int64_t count;
};

class Learner {
 public:
  explicit Learner(const std::vector<Piece>& pieces);
  bool step();
  std::vector<Merge> take() { return std::move(merges_); }

 private:
  void count(const Word& word, uint32_t index, int64_t sign);
  void merge_in(Word& word, Pair pair, Symbol result) const;

  std::vector<std::string> texts_;  // by symbol
  std::vector<Word> words_;
  std::map<Pair, int64_t> counts_;
  std::map<Pair, std::set<uint32_t>> places_;  // words that have held the pair
  std::vector<Merge> merges_;
};

Learner::Learner(const std::vector<Piece>& pieces) {
  for (int byte = 0; byte < 256; ++byte) texts_.emplace_back(1, static_cast<char>(byte));
  for (const Piece& piece : pieces) {
    Word word{{}, piece.count};
    for (const char byte : piece.text) word.symbols.push_back(static_cast<unsigned char>(byte));
    words_.push_back(std::move(word));
  }
  for (uint32_t i = 0; i < words_.size(); ++i) count(words_[i], i, +1);
}

void Learner::count(const Word& word, uint32_t index, int64_t sign) {
  for (size_t i = 0; i + 1 < word.symbols.size(); ++i) {
    const Pair pair{word.symbols[i], word.symbols[i + 1]};
    if (!may_merge(texts_[pair.first], texts_[pair.second])) continue;
    counts_[pair] += sign * word.count;
    if (sign > 0) places_[pair].insert(index);
  }
}

void Learner::merge_in(Word& word, Pair pair, Symbol result) const {
  std::vector<Symbol> merged;
  for (size_t i = 0; i < word.symbols.size(); ++i) {
    const bool here =
        i + 1 < word.symbols.size() && word.symbols[i] == pair.first && word.symbols[i + 1] == pair.second;
    merged.push_back(here ? result : word.symbols[i]);
    if (here) ++i;
  }
  word.symbols = std::move(merged);
}

bool Learner::step() {
  // The map is in the order of the pairs, so that the first of the greatest is the one with the smaller symbols.
  const auto best = std::max_element(counts_.begin(), counts_.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (best == counts_.end() || best->second < 2) return false;
  const Pair pair = best->first;
  const auto result = static_cast<Symbol>(texts_.size());
  texts_.push_back(texts_[pair.first] + texts_[pair.second]);
  merges_.emplace_back(texts_[pair.first], texts_[pair.second]);
  const std::set<uint32_t> affected = places_[pair];
  for (const uint32_t index : affected) {
    count(words_[index], index, -1);
    merge_in(words_[index], pair, result);
    count(words_[index], index, +1);
  }
  counts_.erase(pair);
  places_.erase(pair);
  return true;
}

}  // namespace

bool may_merge(std::string_view left, std::string_view right) {
  const Kind before = kind_of(left.back());
  const Kind after = kind_of(right.front());
  if (before == Kind::kDigit || after == Kind::kDigit) return false;
  if (before == Kind::kMark) return left.back() == right.front();
  if (before == after) return true;
  return before == Kind::kSpace && left.size() == 1 && after == Kind::kJson && right.front() == '"';
}

std::vector<Merge> learn_merges(const std::vector<Piece>& pieces, int merges) {
  Learner learner(pieces);
  for (int i = 0; i < merges && learner.step(); ++i) {
  }
  return learner.take();
}

}  // namespace understudy::tokenizer
