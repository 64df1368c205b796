#include "evaluation/leaf_pairs.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/unicode.h"
#include "evaluation/assignment.h"

namespace understudy::evaluation {

namespace {

// Assigning costs the square of an array's length: arrays with more pairs than this are compared by position. 200 line
// items on both sides fit. Inside of an item, where it is done for every pair of items, the limit is lower.
constexpr size_t kMostPairs = 40'000;
constexpr size_t kMostPairsInside = 400;
constexpr size_t kMostScalarPairs = 4'000'000;

std::string folded(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  return nfkc_casefold(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

class Pairing {
 public:
  Pairing(const AbsentWords& absent, std::vector<LeafPair>* out) : absent_(absent), out_(out) {}

  void pair(const Json* gold, const Json* answer, const FieldNode* node) {
    const Json* g = absent_.is_absent(gold) ? nullptr : gold;
    const Json* a = absent_.is_absent(answer) ? nullptr : answer;
    if (g != nullptr && a != nullptr && shape(*g) != shape(*a)) {
      pair(g, nullptr, node);
      pair(nullptr, a, node);
      return;
    }
    const Json* shown = g != nullptr ? g : a;
    if (shown == nullptr ? node != nullptr && !node->children.empty() : shown->is_object()) {
      pair_objects(g, a, node);
    } else if (shown == nullptr ? node != nullptr && node->items != nullptr : shown->is_array()) {
      if (shown != nullptr) pair_arrays(g, a, node);
    } else if (gold != nullptr || answer != nullptr || (node != nullptr && node->is_leaf)) {
      add_leaf(gold, answer, g, a, node);
    }
  }

  int64_t n_matches() const { return n_matches_; }

 private:
  static int shape(const Json& value) { return value.is_object() ? 1 : value.is_array() ? 2 : 0; }

  void pair_objects(const Json* gold, const Json* answer, const FieldNode* node) {
    const auto member = [](const Json* object, const std::string& key) -> const Json* {
      if (object == nullptr) return nullptr;
      const auto found = object->find(key);
      return found == object->end() ? nullptr : &*found;
    };
    const auto visit = [&](const std::string& key, const FieldNode* child) {
      const Names names = enter(key);
      pair(member(gold, key), member(answer, key), child);
      leave(names);
    };
    if (node != nullptr) {
      for (const auto& [key, child] : node->children) visit(key, &child);
    }
    const auto known = [&](const std::string& key) { return node != nullptr && node->child(key) != nullptr; };
    if (gold != nullptr) {
      for (const auto& [key, value] : gold->items()) {
        if (!known(key)) visit(key, nullptr);
      }
    }
    if (answer != nullptr) {
      for (const auto& [key, value] : answer->items()) {
        if (!known(key) && member(gold, key) == nullptr) visit(key, nullptr);
      }
    }
  }

  std::vector<const Json*> present_items(const Json* array) const {
    std::vector<const Json*> items;
    if (array == nullptr) return items;
    for (const Json& item : *array) {
      if (!absent_.is_absent(&item)) items.push_back(&item);
    }
    return items;
  }

  void pair_arrays(const Json* gold, const Json* answer, const FieldNode* node) {
    const std::vector<const Json*> g = present_items(gold);
    const std::vector<const Json*> a = present_items(answer);
    // `fields: {items.price: ...}` without a schema does not know that items is an array.
    const FieldNode* items = node != nullptr && node->items ? node->items.get() : node;
    const bool by_position = node != nullptr && node->order_counts;
    const auto structured = [](const Json* item) { return item->is_structured(); };
    const bool scalars = std::none_of(g.begin(), g.end(), structured) && std::none_of(a.begin(), a.end(), structured);
    const size_t most = scalars ? kMostScalarPairs : out_ == nullptr ? kMostPairsInside : kMostPairs;
    std::vector<int> partner;
    if (by_position || g.size() * a.size() > most) {
      for (size_t i = 0; i < g.size(); ++i) partner.push_back(i < a.size() ? static_cast<int>(i) : -1);
    } else {
      partner = scalars ? multiset_partners(g, a, items) : best_partners(g, a, items);
    }
    visit_pairs(g, a, partner, items);
  }

  void visit_pairs(const std::vector<const Json*>& g, const std::vector<const Json*>& a,
                   const std::vector<int>& partner, const FieldNode* items) {
    std::vector<bool> taken(a.size(), false);
    for (size_t i = 0; i < g.size(); ++i) {
      const Json* other = partner[i] < 0 ? nullptr : a[static_cast<size_t>(partner[i])];
      if (other != nullptr) taken[static_cast<size_t>(partner[i])] = true;
      visit_item(i, g[i], other, items);
    }
    size_t index = g.size();
    for (size_t j = 0; j < a.size(); ++j) {
      if (!taken[j]) visit_item(index++, nullptr, a[j], items);
    }
  }

  void visit_item(size_t index, const Json* gold, const Json* answer, const FieldNode* items) {
    const Names names = enter_item(index);
    pair(gold, answer, items);
    leave(names);
  }

  // Equal values first, each used once; what is left over is paired in order: a wrong value in place of a right one.
  std::vector<int> multiset_partners(const std::vector<const Json*>& g, const std::vector<const Json*>& a,
                                     const FieldNode* items) const {
    const FieldRule rule = rule_for(items, g.empty() ? nullptr : g[0], a.empty() ? nullptr : a[0]);
    std::vector<MatchKey> keys;
    for (const Json* item : a) keys.push_back(match_key(*item, rule));
    std::vector<int> partner(g.size(), -1);
    std::vector<bool> taken(a.size(), false);
    for (size_t i = 0; i < g.size(); ++i) {
      const MatchKey key = match_key(*g[i], rule);
      for (size_t j = 0; j < a.size() && partner[i] < 0; ++j) {
        if (taken[j] || !keys_match(key, keys[j], rule)) continue;
        partner[i] = static_cast<int>(j);
        taken[j] = true;
      }
    }
    size_t next = 0;
    for (size_t i = 0; i < g.size(); ++i) {
      if (partner[i] >= 0) continue;
      while (next < a.size() && taken[next]) ++next;
      if (next < a.size()) partner[i] = static_cast<int>(next++);
    }
    return partner;
  }

  // Ties go to the same position, so that equal items keep their order: a match weighs more than all positions
  // together.
  std::vector<int> best_partners(const std::vector<const Json*>& g, const std::vector<const Json*>& a,
                                 const FieldNode* items) const {
    const auto per_match = static_cast<int64_t>(g.size() + a.size() + 1);
    std::vector<std::vector<int64_t>> weight(g.size(), std::vector<int64_t>(a.size()));
    for (size_t i = 0; i < g.size(); ++i) {
      for (size_t j = 0; j < a.size(); ++j) {
        Pairing inside(absent_, nullptr);
        inside.pair(g[i], a[j], items);
        weight[i][j] = inside.n_matches() * per_match + (i == j ? 1 : 0);
      }
    }
    return best_assignment(weight);
  }

  void add_leaf(const Json* gold, const Json* answer, const Json* g, const Json* a, const FieldNode* node) {
    const FieldRule rule = rule_for(node, g, a);
    Outcome outcome = Outcome::kBothAbsent;
    if (g != nullptr && a != nullptr) {
      outcome = values_match(*g, *a, rule) ? Outcome::kMatch : Outcome::kSubstitution;
    } else if (g != nullptr) {
      outcome = Outcome::kOmission;
    } else if (a != nullptr) {
      outcome = Outcome::kInvention;
    }
    n_matches_ += outcome == Outcome::kMatch ? 1 : 0;
    if (out_ == nullptr) return;
    out_->push_back({path_.empty() ? "$" : path_, field_.empty() ? "$" : field_, rule, gold, answer, outcome});
  }

  struct Names {
    size_t path;
    size_t field;
  };
  Names enter(const std::string& key) {
    const Names names{path_.size(), field_.size()};
    if (out_ == nullptr) return names;
    if (!path_.empty()) path_ += '.';
    if (!field_.empty()) field_ += '.';
    path_ += key;
    field_ += key;
    return names;
  }
  Names enter_item(size_t index) {
    const Names names{path_.size(), field_.size()};
    if (out_ == nullptr) return names;
    path_ += fmt::format("[{}]", index);
    field_ += "[]";
    return names;
  }
  void leave(const Names& names) {
    path_.resize(names.path);
    field_.resize(names.field);
  }

  const AbsentWords& absent_;
  std::vector<LeafPair>* out_;  // null: only counts matches
  std::string path_;
  std::string field_;
  int64_t n_matches_ = 0;
};

}  // namespace

AbsentWords::AbsentWords(const std::vector<std::string>& words) {
  for (const std::string& word : words) words_.push_back(folded(word));
}

bool AbsentWords::is_absent(const Json* value) const {
  if (value == nullptr || value->is_null()) return true;
  if (!value->is_string()) return false;
  const auto& text = value->get_ref<const std::string&>();
  if (text.size() > 64) return text.find_first_not_of(" \t\r\n") == std::string::npos;
  return std::find(words_.begin(), words_.end(), folded(text)) != words_.end();
}

std::vector<LeafPair> pair_leaves(const Json& gold, const Json* answer, const FieldNode& tree,
                                  const AbsentWords& absent) {
  std::vector<LeafPair> pairs;
  Pairing(absent, &pairs).pair(&gold, answer, &tree);
  return pairs;
}

}  // namespace understudy::evaluation
