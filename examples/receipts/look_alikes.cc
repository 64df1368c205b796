#include "receipts/look_alikes.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <numeric>
#include <string_view>

#include "base/hash.h"

namespace understudy::examples {
namespace {

constexpr size_t kShingle = 5;
using Shingles = std::vector<uint64_t>;  // sorted, each once

std::string folded(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!space)
      result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (!result.empty() && result.back() != ' ')
      result += ' ';
  }
  if (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

// Five bytes fit a word: the shingle itself is its key, so that no hash can collide. A shorter text is one shingle with
// its length.
Shingles shingles_of(const std::string& text) {
  const std::string line = folded(text);
  Shingles result;
  for (size_t i = 0; i < 1 || i + kShingle <= line.size(); ++i) {
    const std::string_view part = std::string_view(line).substr(i, kShingle);
    uint64_t key = part.size();
    for (const char c : part) key = key << 8 | static_cast<unsigned char>(c);
    result.push_back(key);
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

double similarity(const Shingles& a, const Shingles& b) {
  size_t common = 0;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) ++common;
    const bool step_a = a[i] <= b[j];
    const bool step_b = b[j] <= a[i];
    i += step_a ? 1 : 0;
    j += step_b ? 1 : 0;
  }
  return static_cast<double>(common) / static_cast<double>(a.size() + b.size() - common);
}

// Union-find (Tarjan 1975) whose roots are the smallest members.
class Groups {
 public:
  explicit Groups(size_t n) : parents_(n) { std::iota(parents_.begin(), parents_.end(), size_t{0}); }
  size_t root(size_t i) {
    while (parents_[i] != i) i = parents_[i] = parents_[parents_[i]];
    return i;
  }
  void join(size_t a, size_t b) {
    a = root(a);
    b = root(b);
    parents_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<size_t> parents_;
};

}  // namespace

double shingle_similarity(const std::string& a, const std::string& b) {
  return similarity(shingles_of(a), shingles_of(b));
}

std::vector<size_t> group_look_alikes(const std::vector<std::string>& texts, double least) {
  std::vector<Shingles> shingles;
  shingles.reserve(texts.size());
  for (const std::string& text : texts) shingles.push_back(shingles_of(text));
  Groups groups(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const size_t few = std::min(shingles[i].size(), shingles[j].size());
      const size_t many = std::max(shingles[i].size(), shingles[j].size());
      if (static_cast<double>(few) < least * static_cast<double>(many)) continue;  // cannot be so similar
      if (similarity(shingles[i], shingles[j]) >= least) groups.join(i, j);
    }
  }
  std::vector<size_t> result;
  result.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) result.push_back(groups.root(i));
  return result;
}

bool held_out(const std::string& group, int percent) {
  // The prefix: a file that was itself split by a plain hash of its ids would otherwise fall on one side.
  const uint64_t head = std::stoull(sha256_hex("understudy held out " + group).substr(0, 8), nullptr, 16);
  return static_cast<int>(head % 100) < percent;
}

}  // namespace understudy::examples
