// One answer scored against its right answer: state, leaves with outcomes and grounding, right or not. The unit that
// all figures are sums of. A Scorer is immutable after construction; score() is thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "evaluation/answers.h"
#include "evaluation/eval_config.h"
#include "evaluation/field_tree.h"
#include "evaluation/leaf_pairs.h"
#include "evaluation/schema.h"
#include "records/eval_report.h"
#include "records/example.h"

namespace understudy::evaluation {

struct ScoredLeaf {
  LeafResult result;
  Kind kind = Kind::kText;
  bool is_judged = false;      // counts towards hallucination
  bool raw_match = false;      // both there, and equal as written
  std::optional<double> soft;  // ANLS, of text that stands in gold
};

struct ScoredRecord {
  RecordResult result;  // its leaves are empty: they are below
  std::vector<ScoredLeaf> leaves;
  bool raw_right = false;
};

// Extraction: JSON answers, field by field.
class ExtractionScorer {
 public:
  explicit ExtractionScorer(const EvalConfig& config);

  // Throws kInvalidInput, naming the row, where the right answer itself is no JSON.
  ScoredRecord score(const Example& example, const GivenAnswer* given) const;

  // Whether two answers to the same record say the same, leaf by leaf.
  bool agree(const GivenAnswer* a, const GivenAnswer* b) const;

  const FieldNode& fields() const { return tree_; }
  bool has_schema() const { return schema_.has_value(); }

 private:
  std::optional<AnswerSchema> schema_;
  FieldNode tree_;
  AbsentWords absent_;
  std::string data_file_;
};

// Classification: the answer is one of the labels.
class LabelScorer {
 public:
  // Labels from the config, else those of the examples in alphabetical order. Throws kInvalidInput for a right answer
  // that is no label.
  LabelScorer(const EvalConfig& config, const std::vector<Example>& examples);

  const std::vector<std::string>& labels() const { return labels_; }
  // The label that a text names (trimmed, case-folded); nothing where it is none.
  std::optional<std::string> label_of(std::string_view text) const;
  ScoredRecord score(const Example& example, const GivenAnswer* given) const;

 private:
  std::vector<std::string> labels_;
  std::vector<std::string> folded_;
};

}  // namespace understudy::evaluation
