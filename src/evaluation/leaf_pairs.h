// Gold and answer side by side, leaf by leaf: by path, arrays of objects by the best one-to-one assignment (the weight
// of a pair is the number of leaves that match), arrays of scalars as multisets, arrays whose order counts by position.
// Pure functions; recursion is as deep as the JSON reader's limit lets values be.
#pragma once

#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "evaluation/field_tree.h"
#include "records/eval_report.h"

namespace understudy::evaluation {

// Which values count as not there: always null and a missing key, and the given texts (trimmed, case-folded).
class AbsentWords {
 public:
  explicit AbsentWords(const std::vector<std::string>& words);
  bool is_absent(const Json* value) const;  // null pointer: the key is missing

 private:
  std::vector<std::string> words_;
};

struct LeafPair {
  std::string path;  // "items[2].price": the gold's index; items that only the answer has count on from the gold's last
  std::string field;  // "items[].price"
  FieldRule rule;
  const Json* gold = nullptr;  // into the values given; null where the key is missing
  const Json* answer = nullptr;
  Outcome outcome = Outcome::kBothAbsent;
};

// `answer` may be null: then every leaf of the gold is an omission. Leaves that the tree knows stand first, in its
// order, also where both sides lack them; then the gold's others, then the answer's. Views into gold and answer.
std::vector<LeafPair> pair_leaves(const Json& gold, const Json* answer, const FieldNode& tree,
                                  const AbsentWords& absent);

}  // namespace understudy::evaluation
