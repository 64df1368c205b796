#include "evaluation/score.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/unicode.h"
#include "evaluation/answer_text.h"
#include "evaluation/grounding.h"

namespace understudy::evaluation {

namespace {

std::string folded(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  return nfkc_casefold(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

// Grows the schema's tree by what `fields` of the config says; a rule given there replaces the schema's kind.
FieldNode tree_of(const EvalConfig& config, const std::optional<AnswerSchema>& schema) {
  FieldNode root;
  if (schema) root = field_tree_from_schema(schema->json(), config.schema.string());
  for (const FieldConfig& field : config.fields) {
    FieldNode& node = grow_field(root, field.path);
    FieldNode& leaf = node.items ? *node.items : node;  // a list of scalars is called by its own name
    const Kind from_schema = leaf.rule.kind;
    leaf.rule = field.rule;
    leaf.rule.kind = field.kind.value_or(from_schema);
    leaf.has_kind = leaf.has_kind || field.kind.has_value();
    leaf.is_leaf = leaf.children.empty();
  }
  return root;
}

RecordResult begin_result(const Example& example, const GivenAnswer* given) {
  RecordResult result;
  result.id = example.id;
  result.input = example.input;
  result.gold = example.output;
  result.state = given == nullptr || !given->text ? AnswerState::kMissing : AnswerState::kInvalid;
  if (given == nullptr) return result;
  result.answer = given->text.value_or("");
  result.failure = given->failure;
  result.cut_off = given->finish == "length";
  return result;
}

// Fills in where the gold's and the answer's values stand in the input.
void ground(const LeafPair& pair, Grounding& grounding, ScoredLeaf& leaf) {
  leaf.is_judged = pair.rule.is_judged_by_grounding();
  if (!leaf.is_judged) return;
  const Outcome outcome = pair.outcome;
  const bool has_answer =
      outcome == Outcome::kMatch || outcome == Outcome::kSubstitution || outcome == Outcome::kInvention;
  const bool has_gold =
      outcome == Outcome::kMatch || outcome == Outcome::kSubstitution || outcome == Outcome::kOmission;
  if (has_answer) {
    leaf.result.span = grounding.find(*pair.answer, pair.rule);
    leaf.result.grounded = leaf.result.span.has_value();
  }
  if (has_gold) {
    leaf.result.gold_span = grounding.find(*pair.gold, pair.rule);
    leaf.result.gold_grounded = leaf.result.gold_span.has_value();
  }
}

ScoredLeaf score_leaf(const LeafPair& pair, Grounding& grounding) {
  ScoredLeaf leaf;
  leaf.kind = pair.rule.kind;
  leaf.result.path = pair.path;
  leaf.result.field = pair.field;
  leaf.result.gold = pair.gold == nullptr ? "null" : dump_json(*pair.gold);
  leaf.result.answer = pair.answer == nullptr ? "null" : dump_json(*pair.answer);
  leaf.result.outcome = pair.outcome;
  const bool both = pair.outcome == Outcome::kMatch || pair.outcome == Outcome::kSubstitution;
  leaf.raw_match = both && scalar_text(*pair.gold) == scalar_text(*pair.answer);
  if (pair.rule.kind == Kind::kText && (both || pair.outcome == Outcome::kOmission)) {
    leaf.soft = both ? soft_score(scalar_text(*pair.gold), scalar_text(*pair.answer)) : 0;
  }
  ground(pair, grounding, leaf);
  return leaf;
}

bool is_right(const std::vector<ScoredLeaf>& leaves) {
  return std::all_of(leaves.begin(), leaves.end(), [](const ScoredLeaf& leaf) {
    return leaf.result.outcome == Outcome::kMatch || leaf.result.outcome == Outcome::kBothAbsent;
  });
}

bool is_raw_right(const std::vector<ScoredLeaf>& leaves) {
  return std::all_of(leaves.begin(), leaves.end(), [](const ScoredLeaf& leaf) {
    return leaf.raw_match || leaf.result.outcome == Outcome::kBothAbsent;
  });
}

}  // namespace

ExtractionScorer::ExtractionScorer(const EvalConfig& config)
    : schema_(config.schema.empty() ? std::nullopt : std::optional(AnswerSchema::read_file(config.schema))),
      tree_(tree_of(config, schema_)),
      absent_(config.absent),
      data_file_(config.data.string()) {}

ScoredRecord ExtractionScorer::score(const Example& example, const GivenAnswer* given) const {
  ScoredRecord record;
  record.result = begin_result(example, given);
  const Json gold = parse_json(example.output, fmt::format("{}:{}: output", data_file_, example.line));
  ParsedAnswer parsed;
  if (record.result.state != AnswerState::kMissing) {
    parsed = parse_answer(record.result.answer);
    record.result.state = parsed.state;
  }
  if (parsed.state == AnswerState::kValid && schema_) record.result.schema_fault = schema_->fault(parsed.value);
  const bool readable = parsed.state != AnswerState::kInvalid;
  Grounding grounding(example.input);
  for (const LeafPair& pair : pair_leaves(gold, readable ? &parsed.value : nullptr, tree_, absent_)) {
    record.leaves.push_back(score_leaf(pair, grounding));
  }
  record.result.right = readable && is_right(record.leaves);
  record.raw_right = readable && is_raw_right(record.leaves);
  return record;
}

bool ExtractionScorer::agree(const GivenAnswer* a, const GivenAnswer* b) const {
  if (a == nullptr || b == nullptr || !a->text || !b->text) return false;
  if (*a->text == *b->text) return true;
  const ParsedAnswer first = parse_answer(*a->text);
  const ParsedAnswer second = parse_answer(*b->text);
  if (first.state == AnswerState::kInvalid || second.state == AnswerState::kInvalid) return false;
  const std::vector<LeafPair> pairs = pair_leaves(first.value, &second.value, tree_, absent_);
  return std::all_of(pairs.begin(), pairs.end(), [](const LeafPair& pair) {
    return pair.outcome == Outcome::kMatch || pair.outcome == Outcome::kBothAbsent;
  });
}

LabelScorer::LabelScorer(const EvalConfig& config, const std::vector<Example>& examples) : labels_(config.labels) {
  if (labels_.empty()) {
    std::set<std::string> seen;
    for (const Example& example : examples) {
      if (seen.insert(folded(example.output)).second) labels_.push_back(example.output);
    }
    std::sort(labels_.begin(), labels_.end());
  }
  for (const std::string& label : labels_) folded_.push_back(folded(label));
  for (const Example& example : examples) {
    if (label_of(example.output)) continue;
    const std::string nearest = nearest_word(example.output, labels_);
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}:{}: output: \"{}\" is not one of the labels {}", config.data.string(), example.line,
                            example.output.substr(0, 80), fmt::join(labels_, ", ")),
                nearest.empty() ? "" : fmt::format("did you mean {}?", nearest));
  }
}

std::optional<std::string> LabelScorer::label_of(std::string_view text) const {
  if (text.size() > 4096) return std::nullopt;
  const auto found = std::find(folded_.begin(), folded_.end(), folded(text));
  if (found == folded_.end()) return std::nullopt;
  return labels_[static_cast<size_t>(found - folded_.begin())];
}

ScoredRecord LabelScorer::score(const Example& example, const GivenAnswer* given) const {
  ScoredRecord record;
  record.result = begin_result(example, given);
  const std::string gold = *label_of(example.output);
  const std::optional<std::string> answer = label_of(record.result.answer);
  if (record.result.state != AnswerState::kMissing && answer) record.result.state = AnswerState::kValid;
  record.result.right = answer == gold;
  record.raw_right = record.result.answer == example.output;
  ScoredLeaf leaf;
  leaf.kind = Kind::kChoice;
  leaf.result.path = leaf.result.field = "label";
  leaf.result.gold = dump_json(gold);
  leaf.result.answer = answer ? dump_json(*answer) : "null";
  leaf.result.outcome = !answer ? Outcome::kOmission : answer == gold ? Outcome::kMatch : Outcome::kSubstitution;
  record.leaves.push_back(std::move(leaf));
  return record;
}

}  // namespace understudy::evaluation
