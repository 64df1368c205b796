#include "evaluation/measure.h"

#include <algorithm>
#include <map>

#include "base/utf8.h"
#include "evaluation/calibration.h"
#include "evaluation/parity.h"
#include "evaluation/score.h"
#include "evaluation/statistics.h"
#include "evaluation/tally.h"

namespace understudy::evaluation {

namespace {

const GivenAnswer* answer_to(const Answers& answers, const std::string& id) {
  const auto found = answers.find(id);
  return found == answers.end() ? nullptr : &found->second;
}

// Either scorer behind the three things that this file asks of it.
class AnyScorer {
 public:
  AnyScorer(const EvalConfig& config, const std::vector<Example>& examples) {
    if (config.is_classification()) {
      labels_.emplace(config, examples);
    } else {
      fields_.emplace(config);
    }
  }
  std::vector<ScoredRecord> score(const std::vector<Example>& examples, const Answers& answers) const {
    std::vector<ScoredRecord> records;
    records.reserve(examples.size());
    for (const Example& example : examples) {
      const GivenAnswer* given = answer_to(answers, example.id);
      records.push_back(labels_ ? labels_->score(example, given) : fields_->score(example, given));
    }
    return records;
  }
  void tally(const std::vector<ScoredRecord>& records, const std::vector<int>& groups, const BootstrapConfig& bootstrap,
             EvalReport& report) const {
    if (labels_) {
      tally_labels(records, groups, labels_->labels(), bootstrap, report);
    } else {
      tally_extraction(records, groups, fields_->fields(), bootstrap, report);
    }
  }
  bool agree(const GivenAnswer* a, const GivenAnswer* b) const {
    if (!labels_) return fields_->agree(a, b);
    if (a == nullptr || b == nullptr || !a->text || !b->text) return false;
    const auto label = labels_->label_of(*a->text);
    return label && label == labels_->label_of(*b->text);
  }

 private:
  std::optional<LabelScorer> labels_;
  std::optional<ExtractionScorer> fields_;
};

Column column_of(const std::string& name, const EvalReport& report) {
  Column column;
  column.name = name;
  column.right = report.right;
  column.invalid = report.invalid;
  if (report.is_classification()) {
    column.macro_f1 = report.macro_f1.value;
  } else {
    column.hallucinated_records = report.hallucinated_records;
    column.micro = report.micro;
    column.fields = report.fields;
  }
  return column;
}

ParityRule parity_rule(const EvalConfig& config, const std::string& other) {
  ParityRule rule;
  rule.draws = config.bootstrap.draws;
  rule.seed = static_cast<uint64_t>(config.bootstrap.seed);
  for (const Gate& gate : config.gates) {
    if (gate.not_worse_than != other) continue;
    rule.margin = gate.margin;
    rule.confidence = gate.confidence;
  }
  return rule;
}

bool is_hallucinated(const ScoredRecord& record) {
  return std::any_of(record.leaves.begin(), record.leaves.end(),
                     [](const ScoredLeaf& leaf) { return leaf.result.grounded && !*leaf.result.grounded; });
}

// Where a slice's value is not a column: the input's length in thirds of the records.
std::vector<std::string> length_thirds(const std::vector<Example>& examples) {
  std::vector<double> lengths;
  for (const Example& example : examples) lengths.push_back(static_cast<double>(count_code_points(example.input)));
  std::vector<double> sorted = lengths;
  std::sort(sorted.begin(), sorted.end());
  const auto lower = static_cast<int64_t>(quantile(sorted, 1.0 / 3));
  const auto upper = static_cast<int64_t>(quantile(sorted, 2.0 / 3));
  std::vector<std::string> names;
  for (const double length : lengths) {
    const auto characters = static_cast<int64_t>(length);
    names.push_back(characters <= lower   ? "up to " + std::to_string(lower) + " characters"
                    : characters <= upper ? "up to " + std::to_string(upper) + " characters"
                                          : "above " + std::to_string(upper) + " characters");
  }
  return names;
}

std::vector<std::string> slice_values(const std::vector<Example>& examples, const std::string& column) {
  const bool has_column = std::any_of(examples.begin(), examples.end(),
                                      [&](const Example& example) { return example.columns.count(column) > 0; });
  if (!has_column) return column == "length" ? length_thirds(examples) : std::vector<std::string>();
  std::vector<std::string> values;
  for (const Example& example : examples) {
    const auto value = example.columns.find(column);
    values.push_back(value == example.columns.end() ? "(none)" : value->second);
  }
  return values;
}

void add_slices(const EvalConfig& config, const std::vector<Example>& examples,
                const std::vector<ScoredRecord>& records, EvalReport& report) {
  struct Sums {
    int64_t n = 0, right = 0, hallucinated = 0;
  };
  for (const std::string& column : config.slices) {
    const std::vector<std::string> values = slice_values(examples, column);
    std::map<std::string, Sums> sums;
    for (size_t i = 0; i < values.size(); ++i) {
      Sums& slice = sums[values[i]];
      ++slice.n;
      slice.right += records[i].result.right ? 1 : 0;
      slice.hallucinated += is_hallucinated(records[i]) ? 1 : 0;
    }
    for (const auto& [value, slice] : sums) {
      SliceFigures figures{column, value, rate_of(slice.right, slice.n), std::nullopt};
      if (!report.is_classification()) figures.hallucinated_records = rate_of(slice.hallucinated, slice.n);
      report.slices.push_back(std::move(figures));
    }
  }
}

void add_calibration(const std::vector<Example>& examples, const Answers& answers,
                     const std::vector<ScoredRecord>& records, EvalReport& report) {
  std::vector<Confidence> rows;
  for (size_t i = 0; i < examples.size(); ++i) {
    const GivenAnswer* given = answer_to(answers, examples[i].id);
    if (given != nullptr && given->confidence) rows.push_back({*given->confidence, records[i].result.right});
  }
  report.calibration = calibrate(std::move(rows), report.seed);
}

// Tokens, seconds and money of the run.
struct Usage {
  std::vector<double> latencies;  // ms
  int64_t prompt_tokens = 0;
  int64_t answer_tokens = 0;
  int64_t n_prompts = 0;  // rows that tell
  int64_t n_answers = 0;
};

Usage usage_of(const std::vector<Example>& examples, const Answers& answers) {
  Usage usage;
  for (const Example& example : examples) {
    const GivenAnswer* given = answer_to(answers, example.id);
    if (given == nullptr) continue;
    if (given->latency_ms) usage.latencies.push_back(*given->latency_ms);
    usage.prompt_tokens += given->prompt_tokens.value_or(0);
    usage.n_prompts += given->prompt_tokens ? 1 : 0;
    usage.answer_tokens += given->answer_tokens.value_or(0);
    usage.n_answers += given->answer_tokens ? 1 : 0;
  }
  std::sort(usage.latencies.begin(), usage.latencies.end());
  return usage;
}

std::optional<double> cost_per_1000(const CostConfig& cost, const Usage& usage, std::optional<double> seconds,
                                    int64_t n) {
  if (n == 0) return std::nullopt;
  const double per_record = 1.0 / static_cast<double>(n);
  if (cost.per_hour) {
    if (!seconds) return std::nullopt;
    return cost.per_hour->dollars() * *seconds / 3600 * 1000 * per_record;
  }
  const std::optional<Money>& input = cost.input_per_million ? cost.input_per_million : cost.per_million;
  const std::optional<Money>& output = cost.output_per_million ? cost.output_per_million : cost.per_million;
  if ((!input && !output) || (input && usage.n_prompts == 0) || (output && usage.n_answers == 0)) return std::nullopt;
  double dollars = 0;
  if (input) dollars += input->dollars() * static_cast<double>(usage.prompt_tokens) / 1e6;
  if (output) dollars += output->dollars() * static_cast<double>(usage.answer_tokens) / 1e6;
  return dollars * 1000 * per_record;
}

void add_speed(const EvalConfig& config, const Usage& usage, std::optional<double> wall_seconds, EvalReport& report) {
  std::optional<double> seconds = wall_seconds;
  if (!usage.latencies.empty()) {
    report.latency = {quantile(usage.latencies, 0.5), quantile(usage.latencies, 0.95)};
    double sum = 0;
    for (const double latency : usage.latencies) sum += latency;
    if (!seconds && sum > 0) seconds = sum / 1000;
  }
  if (seconds && usage.n_answers > 0) report.tokens_per_second = static_cast<double>(usage.answer_tokens) / *seconds;
  report.cost_per_1000 = cost_per_1000(config.cost, usage, seconds, report.n);
}

}  // namespace

EvalReport measure(const EvalConfig& config, const std::vector<Example>& examples, const Answers& answers,
                   const std::vector<OtherAnswers>& others, std::optional<double> wall_seconds) {
  EvalReport report;
  report.task = config.task;
  report.kind = config.kind;
  report.draws = config.bootstrap.draws;
  report.seed = static_cast<uint64_t>(config.bootstrap.seed);
  const AnyScorer scorer(config, examples);
  const std::vector<int> groups = groups_of(examples, config.group);
  std::vector<ScoredRecord> records = scorer.score(examples, answers);
  scorer.tally(records, groups, config.bootstrap, report);
  if (examples.empty()) return report;
  if (config.is_classification()) add_calibration(examples, answers, records, report);
  add_slices(config, examples, records, report);
  for (const OtherAnswers& other : others) {
    const std::vector<ScoredRecord> theirs = scorer.score(examples, other.answers);
    EvalReport summary;
    summary.kind = config.kind;
    scorer.tally(theirs, groups, config.bootstrap, summary);
    report.columns.push_back(column_of(other.name, summary));
    if (!other.is_compared()) continue;
    std::vector<PairedOutcome> pairs;
    for (size_t i = 0; i < examples.size(); ++i) {
      const std::string& id = examples[i].id;
      pairs.push_back({id, groups[i], theirs[i].result.right, records[i].result.right,
                       scorer.agree(answer_to(answers, id), answer_to(other.answers, id))});
    }
    report.comparisons.push_back(compare(other.name, pairs, parity_rule(config, other.name)));
  }
  add_speed(config, usage_of(examples, answers), wall_seconds, report);
  for (ScoredRecord& record : records) {
    for (ScoredLeaf& leaf : record.leaves) record.result.leaves.push_back(std::move(leaf.result));
    report.records.push_back(std::move(record.result));
  }
  return report;
}

}  // namespace understudy::evaluation
