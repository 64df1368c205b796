#include "evaluation/gates.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "evaluation/figures_text.h"

namespace understudy::evaluation {

namespace {

constexpr double kRounding = 1e-12;

Rate plain(const std::optional<double>& value, int64_t n) {
  return {value, std::nullopt, std::nullopt, n};
}

Rate score_named(const Scores& scores, const std::string& name, int64_t n) {
  if (name == "precision") return plain(scores.precision, n);
  if (name == "recall") return plain(scores.recall, n);
  if (name == "f1") return {scores.f1, scores.f1_low, scores.f1_high, n};
  return {};
}

// "fields.<path>.f1": the path may have dots.
Rate part_named(const EvalReport& report, const std::string& metric) {
  const size_t first = metric.find('.');
  const size_t last = metric.rfind('.');
  if (first == std::string::npos || last == first) return {};
  const std::string name = metric.substr(first + 1, last - first - 1);
  const std::string score = metric.substr(last + 1);
  for (const FieldFigures& field : report.fields) {
    if (field.path == name) return score_named(field.scores, score, report.n);
  }
  for (const LabelFigures& label : report.labels) {
    if (label.label == name) return score_named(label.scores, score, report.n);
  }
  return {};
}

Rate gold_of(const EvalReport& report, const std::string& metric) {
  return metric == "hallucinated_values" ? report.gold_hallucinated_values : report.gold_hallucinated_records;
}

// One condition of a gate: what it says, and whether it holds.
struct Condition {
  bool holds;
  std::string text;
};

Condition bound(const std::string& what, const std::string& metric, const std::optional<double>& got, double limit,
                bool upper) {
  const std::string wanted = fmt::format("{} {}", upper ? "at most" : "at least", figure_text(metric, limit));
  if (!got) return {false, fmt::format("{} is not known, asked is {}", what, wanted)};
  const bool holds = upper ? *got <= limit + kRounding : *got >= limit - kRounding;
  return {holds, fmt::format("{} {}, asked is {}", what, figure_text(metric, *got), wanted)};
}

Condition parity(const EvalReport& report, const Gate& gate) {
  for (const Comparison& comparison : report.comparisons) {
    if (comparison.other != gate.not_worse_than) continue;
    return {comparison.verdict == Parity::kAsGood, verdict_text(comparison)};
  }
  return {false, fmt::format("no answers of the {} were given (--{})", gate.not_worse_than, gate.not_worse_than)};
}

Verdict judge_one(const EvalReport& report, const Gate& gate) {
  const Rate figure = figure_named(report, gate.metric);
  std::vector<Condition> conditions;
  if (gate.at_most) conditions.push_back(bound("value", gate.metric, figure.value, *gate.at_most, true));
  if (gate.at_least) conditions.push_back(bound("value", gate.metric, figure.value, *gate.at_least, false));
  if (gate.upper_bound) conditions.push_back(bound("upper end", gate.metric, figure.high, *gate.upper_bound, true));
  if (gate.lower_bound) conditions.push_back(bound("lower end", gate.metric, figure.low, *gate.lower_bound, false));
  if (gate.excess_over_gold_at_most) {
    const Rate gold = gold_of(report, gate.metric);
    std::optional<double> excess;
    if (figure.value && gold.value) excess = *figure.value - *gold.value;
    conditions.push_back(
        bound("excess over the right answers", gate.metric, excess, *gate.excess_over_gold_at_most, true));
  }
  if (!gate.not_worse_than.empty()) conditions.push_back(parity(report, gate));
  Verdict verdict;
  verdict.gate = gate;
  verdict.holds = std::all_of(conditions.begin(), conditions.end(), [](const Condition& c) { return c.holds; });
  std::vector<std::string> texts;
  for (Condition& condition : conditions) texts.push_back(std::move(condition.text));
  verdict.reason = fmt::format("{}", fmt::join(texts, "; "));
  return verdict;
}

}  // namespace

Rate figure_named(const EvalReport& report, const std::string& metric) {
  const std::pair<const char*, Rate> figures[] = {
      {"exact_record", report.right},
      {"accuracy", report.right},
      {"invalid", report.invalid},
      {"recovered", report.recovered},
      {"schema_invalid", report.schema_invalid},
      {"cut_off", report.cut_off},
      {"hallucinated_records", report.hallucinated_records},
      {"hallucinated_values", report.hallucinated_values},
      {"omission", report.omission},
      {"invention", report.invention},
      {"macro_f1", report.macro_f1},
      {"micro.f1", score_named(report.micro, "f1", report.n)},
      {"macro.f1", score_named(report.macro, "f1", report.n)},
      {"correction_cost_per_100", plain(report.correction_cost_per_100, report.n)},
      {"brier", plain(report.calibration ? std::optional(report.calibration->brier) : std::nullopt, report.n)},
      {"ece", plain(report.calibration ? std::optional(report.calibration->ece) : std::nullopt, report.n)},
      {"p50_ms", plain(report.latency.p50_ms, report.n)},
      {"p95_ms", plain(report.latency.p95_ms, report.n)},
      {"tokens_per_second", plain(report.tokens_per_second, report.n)},
      {"cost_per_1000", plain(report.cost_per_1000, report.n)},
  };
  for (const auto& [name, rate] : figures) {
    if (metric == name) return rate;
  }
  return part_named(report, metric);
}

std::vector<Verdict> judge(const EvalReport& report, const std::vector<Gate>& gates) {
  std::vector<Verdict> verdicts;
  for (const Gate& gate : gates) verdicts.push_back(judge_one(report, gate));
  return verdicts;
}

bool all_hold(const std::vector<Verdict>& verdicts) {
  return std::all_of(verdicts.begin(), verdicts.end(), [](const Verdict& verdict) { return verdict.holds; });
}

}  // namespace understudy::evaluation
