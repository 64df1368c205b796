#include "evaluation/report_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "display/html.h"
#include "evaluation/figures_text.h"
#include "evaluation/record_html.h"

namespace understudy::evaluation {

namespace {

constexpr size_t kRightShown = 200;

constexpr std::string_view kCss = R"(
.verdicts { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0; }
.verdict { border: 1px solid var(--line); border-left: 5px solid var(--faint); border-radius: 6px; padding: .5rem .9rem;
  background: var(--panel); }
.verdict.good { border-left-color: var(--good); color: inherit; } .verdict.bad { border-left-color: var(--bad); color: inherit; }
.verdict.warn { border-left-color: var(--warn); color: inherit; }
.verdict b { display: block; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11.5rem, 1fr)); gap: .8rem; margin: 1.2rem 0; }
.tile { border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; }
.tile .name { color: var(--faint); font-size: .9rem; } .tile .big { font-size: 1.8rem; font-weight: 650; line-height: 1.25;
  font-variant-numeric: tabular-nums; } .tile .note { color: var(--faint); font-size: .82rem; }
.bar { display: inline-block; vertical-align: middle; width: 7rem; height: .55rem; border-radius: 3px; background: var(--line);
  overflow: hidden; margin-right: .5rem; } .bar i { display: block; height: 100%; background: var(--link); }
.scroll { overflow-x: auto; }
.tag { display: inline-block; border: 1px solid currentColor; border-radius: 4px; padding: 0 .4rem; margin: 0 .3rem .15rem 0;
  font-size: .8rem; font-weight: 500; white-space: nowrap; }
.filters { position: sticky; top: 0; background: var(--paper); padding: .6rem 0; border-bottom: 1px solid var(--line);
  display: flex; flex-wrap: wrap; gap: .8rem; align-items: center; z-index: 1; }
.filters select, .filters input { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line);
  border-radius: 5px; padding: .2rem .4rem; margin-left: .3rem; }
.sides { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 1rem; }
@media (max-width: 52rem) { .sides { grid-template-columns: minmax(0, 1fr); } }
.record h3 { margin: 0 0 .4rem; } .input { max-height: 26rem; overflow: auto; margin: 0; }
.leaves { margin: 0; font-size: .92em; } .leaves td.value { overflow-wrap: anywhere; }
tr.wrong > th { color: var(--bad); }
mark.gold { background: none; border-bottom: 2px solid var(--good); }
mark.answer { background: none; border-bottom: 2px dashed var(--bad); }
.hidden { display: none; }
td.hit { font-weight: 650; }
)";

constexpr std::string_view kJs = R"(
const records = [...document.querySelectorAll('.record')];
const by = id => document.getElementById(id);
function show() {
  const which = by('which').value, field = by('field').value, kind = by('kind').value, words = by('words').value.toLowerCase();
  let n = 0;
  for (const record of records) {
    const right = record.dataset.right === '1';
    const seen = (which === 'all' || (which === 'wrong') !== right)
      && (!field || record.dataset.fields.split('|').includes(field))
      && (!kind || record.dataset.kinds.split('|').includes(kind))
      && (!words || record.textContent.toLowerCase().includes(words));
    record.classList.toggle('hidden', !seen);
    if (seen) n++;
  }
  by('count').textContent = n + (n === 1 ? ' record' : ' records');
}
for (const id of ['which', 'field', 'kind', 'words']) by(id).addEventListener('input', show);
show();
)";

std::string tile(std::string_view name, std::string_view big, std::string_view note) {
  return fmt::format(
      "<div class=\"tile\"><div class=\"name\">{}</div><div class=\"big\">{}</div><div class=\"note\">{}</div></div>\n",
      html_escape(name), html_escape(big), html_escape(note));
}

std::string rate_note(const Rate& rate, std::string_view unit) {
  const std::string interval = interval_text(rate);
  return fmt::format("{}{}n {} {}", interval, interval.empty() ? "" : ", ", rate.n, unit);
}

std::string tiles(const EvalReport& report) {
  std::string html = "<div class=\"tiles\">\n";
  if (report.is_classification()) {
    html += tile("accuracy", percent(report.right.value), rate_note(report.right, "records"));
    html += tile("macro F1", percent(report.macro_f1.value), rate_note(report.macro_f1, "records"));
  } else {
    html += tile("exact records", percent(report.right.value), rate_note(report.right, "records"));
    const Rate micro{report.micro.f1, report.micro.f1_low, report.micro.f1_high, report.n};
    html += tile("fields right (micro F1)", percent(micro.value), rate_note(micro, "records"));
    html += tile("records with a made-up value", percent(report.hallucinated_records.value),
                 fmt::format("right answers' own rate {}", percent(report.gold_hallucinated_records.value)));
    html += tile("corrections per 100 records", fmt::format("{:.1f}", report.correction_cost_per_100),
                 "what a clerk has to fix");
  }
  html += tile("invalid answers", percent(report.invalid.value), rate_note(report.invalid, "records"));
  if (report.latency.p95_ms) {
    html += tile("latency p95", milliseconds(report.latency.p95_ms), "p50 " + milliseconds(report.latency.p50_ms));
  }
  if (report.cost_per_1000) {
    html += tile("cost per 1,000", dollars(report.cost_per_1000),
                 report.tokens_per_second ? fmt::format("{:.0f} tokens/s", *report.tokens_per_second) : "");
  }
  return html + "</div>\n";
}

std::string verdicts(const EvalReport& report) {
  std::string html = "<div class=\"verdicts\">\n";
  for (const Comparison& comparison : report.comparisons) {
    const char* colour = comparison.verdict == Parity::kAsGood  ? "good"
                         : comparison.verdict == Parity::kWorse ? "bad"
                                                                : "warn";
    std::string more;
    if (comparison.more_needed) more = fmt::format(": about {} more records", *comparison.more_needed);
    html += fmt::format(
        "<div class=\"verdict {}\"><b>Against the {}: {}{}</b>{}, 95% interval {:+.1f} to {:+.1f}, margin {:.1f} "
        "points; "
        "only the {} right {}, only the specialist {}; McNemar p {:.3f}; same answer on {}</div>\n",
        colour, html_escape(comparison.other), to_string(comparison.verdict), more, points(comparison.delta),
        100 * comparison.low95, 100 * comparison.high95, 100 * comparison.margin, html_escape(comparison.other),
        comparison.teacher_only_right, comparison.specialist_only_right, comparison.mcnemar_p,
        percent(comparison.agreement.value));
  }
  for (const Verdict& verdict : report.verdicts) {
    html += fmt::format("<div class=\"verdict {}\"><b>{} {}</b>{}</div>\n", verdict.holds ? "good" : "bad",
                        verdict.holds ? "&#10003;" : "&#10007;", html_escape(verdict.gate.metric),
                        html_escape(verdict.reason));
  }
  return html + "</div>\n";
}

std::string figure(std::string_view text, std::string_view extra = "") {
  return fmt::format("<td class=\"figure {}\">{}</td>", extra, html_escape(text));
}

std::string bar(const std::optional<double>& share) {
  if (!share) return "<td class=\"figure\">-</td>";
  return fmt::format("<td class=\"figure\"><span class=\"bar\"><i style=\"width:{:.1f}%\"></i></span>{}</td>",
                     100 * *share, percent(share));
}

// Tables' heads: the first column is text, the others are figures.
std::string head(const std::vector<std::string>& names) {
  std::string html = "<div class=\"scroll\"><table><thead><tr>";
  for (size_t i = 0; i < names.size(); ++i) {
    html += fmt::format("<th{}>{}</th>", i == 0 ? "" : " class=\"figure\"", html_escape(names[i]));
  }
  return html + "</tr></thead><tbody>\n";
}

constexpr std::string_view kTableEnd = "</tbody></table></div>\n";

std::optional<double> f1_in(const Column& column, const std::string& path) {
  for (const FieldFigures& field : column.fields) {
    if (field.path == path) return field.scores.f1;
  }
  return std::nullopt;
}

std::string fields_table(const EvalReport& report) {
  std::vector<std::string> names = {"field", "F1",       "95% interval", "precision",   "recall",
                                    "wrong", "left out", "made up",      "not in input"};
  for (const Column& column : report.columns) names.push_back(column.name + " F1");
  std::string html = "<h2>Fields</h2>\n" + head(names);
  for (const FieldFigures& field : report.fields) {
    const Rate f1{field.scores.f1, field.scores.f1_low, field.scores.f1_high, report.n};
    html += fmt::format("<tr><td>{} <span class=\"faint\">{}</span></td>{}{}{}{}{}{}{}{}", html_escape(field.path),
                        field.kind, bar(field.scores.f1), figure(interval_text(f1)),
                        figure(percent(field.scores.precision)), figure(percent(field.scores.recall)),
                        figure(std::to_string(field.substitutions)), figure(std::to_string(field.omissions)),
                        figure(std::to_string(field.inventions)), figure(std::to_string(field.hallucinated)));
    for (const Column& column : report.columns) html += figure(percent(f1_in(column, field.path)));
    html += "</tr>\n";
  }
  return html + std::string(kTableEnd);
}

std::string columns_table(const EvalReport& report) {
  if (report.columns.empty()) return "";
  const bool labels = report.is_classification();
  std::string html =
      "<h2>Side by side</h2>\n" +
      head(labels ? std::vector<std::string>{"who", "accuracy", "macro F1", "invalid"}
                  : std::vector<std::string>{"who", "exact records", "micro F1", "made-up values", "invalid"});
  const auto row = [&](const std::string& name, const Rate& right, const std::optional<double>& f1,
                       const std::optional<Rate>& hallucinated, const Rate& invalid) {
    html += fmt::format("<tr><td>{}</td>{}{}", html_escape(name), figure(rate_text(right)), figure(percent(f1)));
    if (hallucinated) html += figure(rate_text(*hallucinated));
    html += figure(rate_text(invalid)) + "</tr>\n";
  };
  const std::optional<Rate> own = labels ? std::nullopt : std::optional(report.hallucinated_records);
  row("specialist", report.right, labels ? report.macro_f1.value : report.micro.f1, own, report.invalid);
  for (const Column& column : report.columns) {
    row(column.name, column.right,
        labels         ? column.macro_f1
        : column.micro ? column.micro->f1
                       : std::nullopt,
        column.hallucinated_records, column.invalid);
  }
  return html + std::string(kTableEnd);
}

std::string rates_table(const EvalReport& report) {
  std::string html = "<h2>Rates</h2>\n" + head({"figure", "value", "95% interval", "of"});
  const auto row = [&](std::string_view name, const Rate& rate, std::string_view unit) {
    html += fmt::format("<tr><td>{}</td>{}{}{}</tr>\n", html_escape(name), figure(percent(rate.value)),
                        figure(interval_text(rate)), figure(fmt::format("{} {}", rate.n, unit)));
  };
  row("exact records", report.right, "records");
  row("exact records, compared as written", report.raw_right, "records");
  row("invalid JSON", report.invalid, "records");
  row("of these read after taking words or a fence away", report.recovered, "records");
  row("refused by the schema", report.schema_invalid, "records");
  row("cut off at max_tokens", report.cut_off, "records");
  row("records with a value that is not in the input", report.hallucinated_records, "records");
  row("the same of the right answers", report.gold_hallucinated_records, "records");
  row("values that are not in the input", report.hallucinated_values, "values");
  row("the same of the right answers", report.gold_hallucinated_values, "values");
  row("left out", report.omission, "values");
  row("made up where nothing is right", report.invention, "empty fields");
  row("wrong values that do stand in the input", report.wrong_but_grounded, "wrong values");
  return html + std::string(kTableEnd);
}

std::string labels_table(const EvalReport& report) {
  std::string html = "<h2>Labels</h2>\n" + head({"label", "F1", "precision", "recall", "records"});
  for (const LabelFigures& label : report.labels) {
    html += fmt::format("<tr><td>{}</td>{}{}{}{}</tr>\n", html_escape(label.label), bar(label.scores.f1),
                        figure(percent(label.scores.precision)), figure(percent(label.scores.recall)),
                        figure(std::to_string(label.support)));
  }
  html += std::string(kTableEnd) + "<h2>Right label against answer</h2>\n";
  std::set<std::string> answers;
  for (const auto& [gold, row] : report.confusion) {
    for (const auto& [answer, count] : row) answers.insert(answer);
  }
  std::vector<std::string> names = {"right label"};
  names.insert(names.end(), answers.begin(), answers.end());
  html += head(names);
  for (const auto& [gold, row] : report.confusion) {
    html += fmt::format("<tr><td>{}</td>", html_escape(gold));
    for (const std::string& answer : answers) {
      const auto count = row.find(answer);
      html += figure(count == row.end() ? "0" : std::to_string(count->second), gold == answer ? "hit" : "");
    }
    html += "</tr>\n";
  }
  return html + std::string(kTableEnd);
}

std::string calibration_table(const EvalReport& report) {
  if (!report.calibration) return "";
  const Calibration& calibration = *report.calibration;
  std::string html = fmt::format(
      "<h2>Confidence</h2>\n<p>Expected calibration error {:.3f} (a perfectly calibrated model shows {:.3f} on these "
      "confidences), Brier score {:.3f}, {} answers.</p>\n",
      calibration.ece, calibration.ece_if_calibrated, calibration.brier, calibration.n);
  html += head({"share kept, the surest first", "lowest confidence kept", "accuracy"});
  for (const Calibration::Kept& kept : calibration.kept) {
    html += fmt::format("<tr><td>{}</td>{}{}</tr>\n", percent(kept.share),
                        figure(fmt::format("{:.3f}", kept.threshold)), figure(percent(kept.accuracy)));
  }
  return html + std::string(kTableEnd);
}

std::string slices_table(const EvalReport& report) {
  if (report.slices.empty()) return "";
  std::vector<std::string> names = {"slice", report.is_classification() ? "accuracy" : "exact records", "95% interval",
                                    "records"};
  if (!report.is_classification()) names.push_back("made-up values");
  std::string html = "<h2>Slices</h2>\n" + head(names);
  for (const SliceFigures& slice : report.slices) {
    html +=
        fmt::format("<tr><td>{}: {}</td>{}{}{}", html_escape(slice.column), html_escape(slice.value),
                    bar(slice.right.value), figure(interval_text(slice.right)), figure(std::to_string(slice.right.n)));
    if (slice.hallucinated_records) html += figure(percent(slice.hallucinated_records->value));
    html += "</tr>\n";
  }
  return html + std::string(kTableEnd);
}

std::string options(const std::string& id, const std::string& label, const std::vector<std::string>& values) {
  std::string html = fmt::format("<label>{}<select id=\"{}\"><option value=\"\">any</option>", label, id);
  for (const std::string& value : values) html += fmt::format("<option>{}</option>", html_escape(value));
  return html + "</select></label>\n";
}

std::string records_part(const EvalReport& report) {
  std::vector<std::string> fields;
  for (const FieldFigures& field : report.fields) fields.push_back(field.path);
  std::string html = "<h2>Records</h2>\n<div class=\"filters\">\n";
  html +=
      "<label>Show<select id=\"which\"><option value=\"wrong\">failures</option><option value=\"right\">right "
      "ones</option>"
      "<option value=\"all\">all</option></select></label>\n";
  html += options("field", "wrong field", fields);
  html += options("kind", "kind of error",
                  {"substitution", "omission", "invention", "hallucinated", "recovered", "invalid", "missing", "schema",
                   "cut_off"});
  html +=
      "<label>with the words<input id=\"words\" type=\"search\"></label>\n<span id=\"count\" "
      "class=\"faint\"></span>\n</div>\n";
  if (!report.is_classification()) {
    html +=
        "<p class=\"faint\">In the input: <mark>a right value</mark>, <mark class=\"gold\">where the right answer "
        "stands</mark>, <mark class=\"answer\">where a wrong answer stands</mark>.</p>\n";
  }
  for (const RecordResult& record : report.records) {
    if (!record.right) html += record_article(record);
  }
  size_t shown = 0;
  size_t n_right = 0;
  for (const RecordResult& record : report.records) {
    n_right += record.right ? 1 : 0;
    if (record.right && shown < kRightShown) {
      html += record_article(record);
      ++shown;
    }
  }
  if (shown < n_right) {
    html += fmt::format("<p class=\"faint\">{} more right records are in report.json.</p>\n", n_right - shown);
  }
  return html;
}

std::string made_from(const EvalReport& report) {
  std::string html = "<h2>Made from</h2>\n<table><tbody>\n";
  for (const auto& [name, value] : report.made_from) {
    html += fmt::format("<tr><td>{}</td><td><code>{}</code></td></tr>\n", html_escape(name), html_escape(value));
  }
  html +=
      fmt::format("<tr><td>bootstrap</td><td><code>{} draws, seed {}</code></td></tr>\n", report.draws, report.seed);
  return html + "</tbody></table>\n";
}

}  // namespace

std::string report_page(const EvalReport& report) {
  std::string body =
      fmt::format("<h1>Evaluation of {}</h1>\n<p class=\"faint\">{}, {} records in {} groups. Intervals are 95%.</p>\n",
                  html_escape(report.task), html_escape(report.kind), report.n, report.n_groups);
  body += verdicts(report);
  body += tiles(report);
  body += columns_table(report);
  if (report.is_classification()) {
    body += labels_table(report);
    body += calibration_table(report);
  } else {
    body += fields_table(report);
    body += rates_table(report);
  }
  body += slices_table(report);
  body += records_part(report);
  body += made_from(report);
  return html_page("Evaluation of " + report.task, body, kCss, kJs);
}

}  // namespace understudy::evaluation
