#include "base/nearest.h"

#include <algorithm>
#include <vector>

namespace understudy {

namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// "lora_rank" continues "lora_r", "micro_batch" begins "micro_batch_size": more telling than two changed letters.
bool one_begins_the_other(std::string_view a, std::string_view b) {
  return std::min(a.size(), b.size()) >= 5 && (a.starts_with(b) || b.starts_with(a));
}

// "epochs" stands in "num_epochs" between underscores.
bool is_part_of(std::string_view part, std::string_view whole) {
  if (part.empty()) return false;
  for (size_t at = whole.find(part); at != std::string_view::npos; at = whole.find(part, at + 1)) {
    const size_t end = at + part.size();
    if ((at == 0 || whole[at - 1] == '_') && (end == whole.size() || whole[end] == '_')) return true;
  }
  return false;
}

}  // namespace

std::string nearest_word(std::string_view word, std::span<const std::string> known) {
  std::string best;
  size_t best_distance = std::max<size_t>(1, word.size() / 2) + 1;
  size_t best_changes = 0;  // decides between two whose beginnings are equally near
  for (const std::string& candidate : known) {
    const size_t changes = edit_distance(word, candidate);
    const bool begins = one_begins_the_other(word, candidate);
    const size_t distance = begins || is_part_of(word, candidate) ? std::min<size_t>(changes, 1) : changes;
    if (distance < best_distance || (begins && distance == best_distance && changes < best_changes)) {
      best_distance = distance;
      best_changes = changes;
      best = candidate;
    }
  }
  return best;
}

}  // namespace understudy
