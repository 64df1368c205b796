#include "evaluation/tally.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/json.h"
#include "evaluation/statistics.h"

namespace understudy::evaluation {

namespace {

std::optional<double> share(int64_t part, int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

Scores scores_of(int64_t tp, int64_t fp, int64_t fn) {
  Scores scores;
  scores.precision = share(tp, tp + fp);
  scores.recall = share(tp, tp + fn);
  scores.f1 = share(2 * tp, 2 * tp + fp + fn);
  return scores;
}

// Mean over those that have a value.
std::optional<double> mean(const std::vector<std::optional<double>>& values) {
  double sum = 0;
  int n = 0;
  for (const std::optional<double>& value : values) {
    sum += value.value_or(0);
    n += value ? 1 : 0;
  }
  if (n == 0) return std::nullopt;
  return sum / n;
}

Scores macro_of(const std::vector<Scores>& each) {
  std::vector<std::optional<double>> precision, recall, f1;
  for (const Scores& scores : each) {
    precision.push_back(scores.precision);
    recall.push_back(scores.recall);
    f1.push_back(scores.f1);
  }
  return {mean(precision), mean(recall), mean(f1), std::nullopt, std::nullopt};
}

struct Interval {
  std::optional<double> low;
  std::optional<double> high;
};

// 95% percentile interval of drawn values; empty where no draw gave one.
Interval interval_of(std::vector<double>& drawn) {
  if (drawn.empty()) return {};
  std::sort(drawn.begin(), drawn.end());
  return {quantile(drawn, 0.025), quantile(drawn, 0.975)};
}

// F1 of several classes (fields or labels), each three columns of sums: their intervals, and those of micro and macro
// F1, from the same draws.
struct F1Intervals {
  std::vector<Interval> each;
  Interval micro;
  Interval macro;
};

F1Intervals draw_f1(const GroupSums& sums, size_t n_classes, const BootstrapConfig& bootstrap) {
  std::vector<std::vector<double>> each(n_classes);
  std::vector<double> micro, macro;
  sums.draw(bootstrap.draws, static_cast<uint64_t>(bootstrap.seed), [&](std::span<const int64_t> totals) {
    int64_t hits = 0;
    int64_t counted = 0;
    double f1_sum = 0;
    int n_defined = 0;
    for (size_t k = 0; k < n_classes; ++k) {
      const int64_t twice = 2 * totals[3 * k];
      const int64_t whole = twice + totals[3 * k + 1] + totals[3 * k + 2];
      if (whole == 0) continue;
      const double f1 = static_cast<double>(twice) / static_cast<double>(whole);
      each[k].push_back(f1);
      hits += twice;
      counted += whole;
      f1_sum += f1;
      ++n_defined;
    }
    if (counted == 0) return;
    micro.push_back(static_cast<double>(hits) / static_cast<double>(counted));
    macro.push_back(f1_sum / n_defined);
  });
  F1Intervals intervals;
  for (std::vector<double>& drawn : each) intervals.each.push_back(interval_of(drawn));
  intervals.micro = interval_of(micro);
  intervals.macro = interval_of(macro);
  return intervals;
}

int n_groups(const std::vector<int>& groups) {
  return groups.empty() ? 0 : *std::max_element(groups.begin(), groups.end()) + 1;
}

// How one leaf counts: a wrong value is one false positive and one false negative.
struct Counts {
  int tp = 0;
  int fp = 0;
  int fn = 0;
};

Counts counts_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kMatch:
      return {1, 0, 0};
    case Outcome::kSubstitution:
      return {0, 1, 1};
    case Outcome::kOmission:
      return {0, 0, 1};
    case Outcome::kInvention:
      return {0, 1, 0};
    case Outcome::kBothAbsent:
      return {};
  }
  return {};
}

// The fields in the order in which the reports show them: the tree's, then as met.
class FieldIndex {
 public:
  explicit FieldIndex(const FieldNode& tree) { add_known(tree, ""); }

  size_t of(const ScoredLeaf& leaf) {
    const auto [entry, fresh] = places_.emplace(leaf.result.field, fields_.size());
    if (fresh) fields_.push_back({});
    FieldFigures& field = fields_[entry->second];
    if (field.path.empty()) {
      field.path = leaf.result.field;
      field.kind = to_string(leaf.kind);
    }
    return entry->second;
  }
  std::vector<FieldFigures>& fields() { return fields_; }

 private:
  void add_known(const FieldNode& node, const std::string& path) {
    if (node.is_leaf && !path.empty()) {
      places_.emplace(path, fields_.size());
      fields_.push_back({});
      fields_.back().path = path;
      fields_.back().kind = to_string(node.rule.kind);
    }
    for (const auto& [key, child] : node.children) add_known(child, path.empty() ? key : path + "." + key);
    if (node.items) add_known(*node.items, path + "[]");
  }
  std::vector<FieldFigures> fields_;
  std::unordered_map<std::string, size_t> places_;
};

struct LeafTotals {
  int64_t present = 0;  // judged values of the answer
  int64_t hallucinated = 0;
  int64_t gold_present = 0;
  int64_t gold_hallucinated = 0;
  int64_t omissions = 0;
  int64_t in_gold = 0;
  int64_t inventions = 0;
  int64_t not_in_gold = 0;
  int64_t substitutions = 0;
  int64_t wrong_but_grounded = 0;
};

void add_leaf(const ScoredLeaf& leaf, LeafTotals& totals) {
  const Outcome outcome = leaf.result.outcome;
  const bool in_gold = outcome == Outcome::kMatch || outcome == Outcome::kSubstitution || outcome == Outcome::kOmission;
  (in_gold ? totals.in_gold : totals.not_in_gold) += 1;
  totals.omissions += outcome == Outcome::kOmission ? 1 : 0;
  totals.inventions += outcome == Outcome::kInvention ? 1 : 0;
  totals.substitutions += outcome == Outcome::kSubstitution ? 1 : 0;
  totals.wrong_but_grounded += outcome == Outcome::kSubstitution && leaf.result.grounded.value_or(false) ? 1 : 0;
  if (leaf.result.grounded) {
    ++totals.present;
    totals.hallucinated += *leaf.result.grounded ? 0 : 1;
  }
  if (leaf.result.gold_grounded) {
    ++totals.gold_present;
    totals.gold_hallucinated += *leaf.result.gold_grounded ? 0 : 1;
  }
}

struct StateTotals {
  int64_t right = 0, raw_right = 0, invalid = 0, recovered = 0, schema_invalid = 0, cut_off = 0;
};

StateTotals states_of(const std::vector<ScoredRecord>& records) {
  StateTotals totals;
  for (const ScoredRecord& record : records) {
    totals.right += record.result.right ? 1 : 0;
    totals.raw_right += record.raw_right ? 1 : 0;
    totals.invalid += record.result.state == AnswerState::kValid ? 0 : 1;
    totals.recovered += record.result.state == AnswerState::kRecovered ? 1 : 0;
    totals.schema_invalid += record.result.schema_fault.empty() ? 0 : 1;
    totals.cut_off += record.result.cut_off ? 1 : 0;
  }
  return totals;
}

void set_states(const std::vector<ScoredRecord>& records, EvalReport& report) {
  const StateTotals totals = states_of(records);
  report.right = rate_of(totals.right, report.n);
  report.raw_right = rate_of(totals.raw_right, report.n);
  report.invalid = rate_of(totals.invalid, report.n);
  report.recovered = rate_of(totals.recovered, report.n);
  report.schema_invalid = rate_of(totals.schema_invalid, report.n);
  report.cut_off = rate_of(totals.cut_off, report.n);
}

// What the leaves add up to, record by record and field by field.
struct ExtractionSums {
  LeafTotals leaves;
  int64_t hallucinated_records = 0;
  int64_t gold_hallucinated_records = 0;
  std::vector<int64_t> raw_tp;
  std::vector<std::pair<double, int64_t>> soft;  // sum and number
  std::vector<Scores> scores;
};

void add_to_field(const ScoredLeaf& leaf, FieldFigures& field) {
  const Counts counts = counts_of(leaf.result.outcome);
  field.tp += counts.tp;
  field.fp += counts.fp;
  field.fn += counts.fn;
  field.substitutions += leaf.result.outcome == Outcome::kSubstitution ? 1 : 0;
  field.omissions += leaf.result.outcome == Outcome::kOmission ? 1 : 0;
  field.inventions += leaf.result.outcome == Outcome::kInvention ? 1 : 0;
  field.hallucinated += leaf.result.grounded && !*leaf.result.grounded ? 1 : 0;
}

ExtractionSums sum_up(const std::vector<ScoredRecord>& records, FieldIndex& index) {
  ExtractionSums sums;
  for (const ScoredRecord& record : records) {
    const LeafTotals before = sums.leaves;
    for (const ScoredLeaf& leaf : record.leaves) {
      const size_t k = index.of(leaf);
      if (sums.raw_tp.size() <= k) {
        sums.raw_tp.resize(k + 1, 0);
        sums.soft.resize(k + 1, {0, 0});
      }
      add_to_field(leaf, index.fields()[k]);
      add_leaf(leaf, sums.leaves);
      sums.raw_tp[k] += leaf.raw_match ? 1 : 0;
      sums.soft[k].first += leaf.soft.value_or(0);
      sums.soft[k].second += leaf.soft ? 1 : 0;
    }
    sums.hallucinated_records += sums.leaves.hallucinated > before.hallucinated ? 1 : 0;
    sums.gold_hallucinated_records += sums.leaves.gold_hallucinated > before.gold_hallucinated ? 1 : 0;
  }
  sums.raw_tp.resize(index.fields().size(), 0);
  sums.soft.resize(index.fields().size(), {0, 0});
  return sums;
}

void set_rates(const ExtractionSums& sums, EvalReport& report) {
  const LeafTotals& leaves = sums.leaves;
  report.hallucinated_records = rate_of(sums.hallucinated_records, report.n);
  report.gold_hallucinated_records = rate_of(sums.gold_hallucinated_records, report.n);
  report.hallucinated_values = rate_of(leaves.hallucinated, leaves.present);
  report.gold_hallucinated_values = rate_of(leaves.gold_hallucinated, leaves.gold_present);
  report.omission = rate_of(leaves.omissions, leaves.in_gold);
  report.invention = rate_of(leaves.inventions, leaves.not_in_gold);
  report.wrong_but_grounded = rate_of(leaves.wrong_but_grounded, leaves.substitutions);
  const int64_t corrections = leaves.substitutions + leaves.omissions + leaves.inventions;
  report.correction_cost_per_100 =
      report.n == 0 ? 0 : 100.0 * static_cast<double>(corrections) / static_cast<double>(report.n);
}

// Sets precision, recall and F1 of each field and of all; a raw mismatch of two present values counts like any wrong
// value.
void set_scores(ExtractionSums& sums, std::vector<FieldFigures>& fields, EvalReport& report) {
  int64_t tp = 0, fp = 0, fn = 0, raw_tp = 0;
  for (size_t k = 0; k < fields.size(); ++k) {
    FieldFigures& field = fields[k];
    field.scores = scores_of(field.tp, field.fp, field.fn);
    const int64_t raw_missed = field.tp - sums.raw_tp[k];
    field.raw = scores_of(sums.raw_tp[k], field.fp + raw_missed, field.fn + raw_missed);
    if (sums.soft[k].second > 0) field.anls = sums.soft[k].first / static_cast<double>(sums.soft[k].second);
    sums.scores.push_back(field.scores);
    tp += field.tp;
    fp += field.fp;
    fn += field.fn;
    raw_tp += sums.raw_tp[k];
  }
  report.micro = scores_of(tp, fp, fn);
  report.raw_micro = scores_of(raw_tp, fp + tp - raw_tp, fn + tp - raw_tp);
  report.macro = macro_of(sums.scores);
}

void set_intervals(const std::vector<ScoredRecord>& records, const std::vector<int>& groups, FieldIndex& index,
                   const BootstrapConfig& bootstrap, EvalReport& report) {
  const size_t n_fields = index.fields().size();
  GroupSums sums(static_cast<size_t>(n_groups(groups)), 3 * n_fields);
  for (size_t i = 0; i < records.size(); ++i) {
    for (const ScoredLeaf& leaf : records[i].leaves) {
      const Counts counts = counts_of(leaf.result.outcome);
      const size_t column = 3 * index.of(leaf);
      const auto group = static_cast<size_t>(groups[i]);
      sums.at(group, column) += counts.tp;
      sums.at(group, column + 1) += counts.fp;
      sums.at(group, column + 2) += counts.fn;
    }
  }
  const F1Intervals intervals = draw_f1(sums, n_fields, bootstrap);
  const auto put = [](const Interval& interval, Scores& scores) {
    scores.f1_low = interval.low;
    scores.f1_high = interval.high;
  };
  for (size_t k = 0; k < n_fields; ++k) put(intervals.each[k], index.fields()[k].scores);
  put(intervals.micro, report.micro);
  put(intervals.macro, report.macro);
}

std::string label_in(const std::string& json_text) {
  const Json value = parse_json(json_text, "label");
  return value.is_null() ? "(invalid)" : value.get<std::string>();
}

}  // namespace

std::vector<int> groups_of(const std::vector<Example>& examples, const std::string& column) {
  std::vector<int> groups;
  std::unordered_map<std::string, int> known;
  int next = 0;
  for (const Example& example : examples) {
    const auto value = example.columns.find(column);
    if (column.empty() || value == example.columns.end()) {
      groups.push_back(next++);
      continue;
    }
    const auto [entry, fresh] = known.emplace(value->second, next);
    if (fresh) ++next;
    groups.push_back(entry->second);
  }
  return groups;
}

void tally_extraction(const std::vector<ScoredRecord>& records, const std::vector<int>& groups, const FieldNode& tree,
                      const BootstrapConfig& bootstrap, EvalReport& report) {
  report.n = static_cast<int64_t>(records.size());
  report.n_groups = n_groups(groups);
  set_states(records, report);
  FieldIndex index(tree);
  ExtractionSums sums = sum_up(records, index);
  set_rates(sums, report);
  set_scores(sums, index.fields(), report);
  set_intervals(records, groups, index, bootstrap, report);
  report.fields = std::move(index.fields());
}

void tally_labels(const std::vector<ScoredRecord>& records, const std::vector<int>& groups,
                  const std::vector<std::string>& labels, const BootstrapConfig& bootstrap, EvalReport& report) {
  report.n = static_cast<int64_t>(records.size());
  report.n_groups = n_groups(groups);
  set_states(records, report);
  std::unordered_map<std::string, size_t> places;
  for (size_t k = 0; k < labels.size(); ++k) places.emplace(labels[k], k);
  std::vector<int64_t> tp(labels.size()), fp(labels.size()), fn(labels.size());
  for (const ScoredRecord& record : records) {
    const std::string gold = label_in(record.leaves[0].result.gold);
    const std::string answer = label_in(record.leaves[0].result.answer);
    ++report.confusion[gold][answer];
    if (gold == answer) {
      ++tp[places.at(gold)];
    } else {
      ++fn[places.at(gold)];
      if (places.count(answer) > 0) ++fp[places.at(answer)];
    }
  }
  std::vector<size_t> supported;
  for (size_t k = 0; k < labels.size(); ++k) {
    report.labels.push_back({labels[k], scores_of(tp[k], fp[k], fn[k]), tp[k] + fn[k]});
    if (tp[k] + fn[k] > 0) {
      supported.push_back(k);
    } else {
      report.labels_without_support.push_back(labels[k]);
    }
  }
  // Macro F1 is over the labels with support; a drawn sample that lacks one counts the others.
  std::vector<Scores> scores;
  std::unordered_map<std::string, size_t> columns;
  for (const size_t k : supported) {
    columns.emplace(labels[k], scores.size());
    scores.push_back(report.labels[k].scores);
  }
  GroupSums sums(static_cast<size_t>(report.n_groups), 3 * scores.size());
  for (size_t i = 0; i < records.size(); ++i) {
    const std::string gold = label_in(records[i].leaves[0].result.gold);
    const std::string answer = label_in(records[i].leaves[0].result.answer);
    const auto group = static_cast<size_t>(groups[i]);
    sums.at(group, 3 * columns.at(gold) + (gold == answer ? 0 : 2)) += 1;
    if (gold != answer && columns.count(answer) > 0) sums.at(group, 3 * columns.at(answer) + 1) += 1;
  }
  const F1Intervals intervals = draw_f1(sums, scores.size(), bootstrap);
  for (size_t k = 0; k < supported.size(); ++k) {
    report.labels[supported[k]].scores.f1_low = intervals.each[k].low;
    report.labels[supported[k]].scores.f1_high = intervals.each[k].high;
  }
  report.macro_f1 = {macro_of(scores).f1, intervals.macro.low, intervals.macro.high, report.n};
}

}  // namespace understudy::evaluation
