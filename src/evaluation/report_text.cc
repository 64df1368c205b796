#include "evaluation/report_text.h"

#include <fmt/format.h>

#include <vector>

#include "evaluation/figures_text.h"

namespace understudy::evaluation {

namespace {

Table rates_table(const EvalReport& report) {
  Table table(
      {{"figure", Align::kLeft}, {"value", Align::kRight}, {"95% interval", Align::kRight}, {"n", Align::kRight}});
  const auto row = [&table](const std::string& name, const Rate& rate) {
    table.add_row({name, percent(rate.value), interval_text(rate), std::to_string(rate.n)});
  };
  if (report.is_classification()) {
    row("accuracy", report.right);
    row("macro F1", report.macro_f1);
    row("invalid labels", report.invalid);
    return table;
  }
  row("exact records", report.right);
  row("micro F1", {report.micro.f1, report.micro.f1_low, report.micro.f1_high, report.n});
  row("macro F1", {report.macro.f1, report.macro.f1_low, report.macro.f1_high, report.n});
  row("invalid JSON", report.invalid);
  row("recovered of these", report.recovered);
  row("refused by the schema", report.schema_invalid);
  row("cut off", report.cut_off);
  row("records with a value not in the input", report.hallucinated_records);
  row("the same of the right answers", report.gold_hallucinated_records);
  row("values left out", report.omission);
  row("values made up", report.invention);
  table.add_row({"corrections per 100 records", fmt::format("{:.1f}", report.correction_cost_per_100), "",
                 std::to_string(report.n)});
  return table;
}

std::string f1_of(const Column& column, const std::string& path) {
  for (const FieldFigures& field : column.fields) {
    if (field.path == path) return percent(field.scores.f1);
  }
  return "-";
}

Table fields_table(const EvalReport& report) {
  std::vector<Table::Column> columns = {
      {"field", Align::kLeft}, {"kind", Align::kLeft},   {"precision", Align::kRight}, {"recall", Align::kRight},
      {"F1", Align::kRight},   {"wrong", Align::kRight}, {"left out", Align::kRight},  {"made up", Align::kRight}};
  for (const Column& column : report.columns) columns.push_back({column.name + " F1", Align::kRight});
  Table table(std::move(columns));
  for (const FieldFigures& field : report.fields) {
    std::vector<std::string> cells = {field.path,
                                      field.kind,
                                      percent(field.scores.precision),
                                      percent(field.scores.recall),
                                      percent(field.scores.f1),
                                      std::to_string(field.substitutions),
                                      std::to_string(field.omissions),
                                      std::to_string(field.inventions)};
    for (const Column& column : report.columns) cells.push_back(f1_of(column, field.path));
    table.add_row(std::move(cells));
  }
  return table;
}

Table labels_table(const EvalReport& report) {
  Table table({{"label", Align::kLeft},
               {"precision", Align::kRight},
               {"recall", Align::kRight},
               {"F1", Align::kRight},
               {"records", Align::kRight}});
  for (const LabelFigures& label : report.labels) {
    table.add_row({label.label, percent(label.scores.precision), percent(label.scores.recall), percent(label.scores.f1),
                   std::to_string(label.support)});
  }
  return table;
}

Table columns_table(const EvalReport& report) {
  const bool labels = report.is_classification();
  Table table({{"beside it", Align::kLeft},
               {labels ? "accuracy" : "exact records", Align::kRight},
               {labels ? "macro F1" : "micro F1", Align::kRight},
               {"invalid", Align::kRight}});
  for (const Column& column : report.columns) {
    const std::optional<double> f1 = labels ? column.macro_f1 : column.micro ? column.micro->f1 : std::nullopt;
    table.add_row({column.name, rate_text(column.right), percent(f1), percent(column.invalid.value)});
  }
  return table;
}

Table slices_table(const EvalReport& report) {
  Table table({{"slice", Align::kLeft},
               {report.is_classification() ? "accuracy" : "exact records", Align::kRight},
               {"95% interval", Align::kRight},
               {"n", Align::kRight}});
  for (const SliceFigures& slice : report.slices) {
    table.add_row({slice.column + ": " + slice.value, percent(slice.right.value), interval_text(slice.right),
                   std::to_string(slice.right.n)});
  }
  return table;
}

Table gates_table(const EvalReport& report) {
  Table table({{"gate", Align::kLeft}, {"holds", Align::kLeft}, {"why", Align::kLeft}});
  for (const Verdict& verdict : report.verdicts) {
    table.add_row({verdict.gate.metric, verdict.holds ? "yes" : "NO", verdict.reason});
  }
  return table;
}

}  // namespace

std::string report_text(const EvalReport& report, const TableStyle& style) {
  std::string text = fmt::format("{}: {} records in {} groups\n\n", report.task, report.n, report.n_groups);
  text += rates_table(report).to_text(style);
  text += "\n" + (report.is_classification() ? labels_table(report) : fields_table(report)).to_text(style);
  if (!report.columns.empty()) text += "\n" + columns_table(report).to_text(style);
  if (!report.slices.empty()) text += "\n" + slices_table(report).to_text(style);
  if (report.calibration) {
    text += fmt::format("\nConfidence: ECE {:.3f} (calibrated: {:.3f}), Brier {:.3f}, n {}\n", report.calibration->ece,
                        report.calibration->ece_if_calibrated, report.calibration->brier, report.calibration->n);
  }
  if (report.latency.p50_ms || report.tokens_per_second || report.cost_per_1000) {
    text += fmt::format("\nLatency p50 {}, p95 {}; {} tokens/s; {} per 1,000 answers\n",
                        milliseconds(report.latency.p50_ms), milliseconds(report.latency.p95_ms),
                        report.tokens_per_second ? fmt::format("{:.1f}", *report.tokens_per_second) : "-",
                        dollars(report.cost_per_1000));
  }
  for (const Comparison& comparison : report.comparisons) {
    text += fmt::format("\nAgainst the {}: {}\n", comparison.other, verdict_text(comparison));
  }
  if (!report.verdicts.empty()) text += "\n" + gates_table(report).to_text(style);
  return text;
}

}  // namespace understudy::evaluation
