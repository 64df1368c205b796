#include "evaluation/record_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/json.h"
#include "base/unicode.h"
#include "display/html.h"

namespace understudy::evaluation {

namespace {

constexpr size_t kLongestInput = 20'000;  // characters shown

struct Place {
  CharSpan span;
  bool of_gold;
  std::string path;
};

std::vector<Place> places_of(const RecordResult& record) {
  std::vector<Place> places;
  for (const LeafResult& leaf : record.leaves) {
    if (leaf.gold_span) places.push_back({*leaf.gold_span, true, leaf.path});
    if (leaf.span) places.push_back({*leaf.span, false, leaf.path});
  }
  return places;
}

std::string title_of(const std::set<std::string>& paths) {
  std::string title;
  for (const std::string& path : paths) title += (title.empty() ? "" : ", ") + path;
  return title;
}

std::string value_text(const std::string& json_text) {
  const Json value = parse_json(json_text, "value");
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

std::string value_cell(const std::string& json_text) {
  if (json_text == "null") return "<td class=\"faint\">not there</td>";
  return fmt::format("<td class=\"value\">{}</td>", html_escape(value_text(json_text)));
}

std::string_view words_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kMatch:
      return "right";
    case Outcome::kSubstitution:
      return "wrong value";
    case Outcome::kOmission:
      return "left out";
    case Outcome::kInvention:
      return "made up";
    case Outcome::kBothAbsent:
      return "not there";
  }
  return "";
}

std::string leaf_row(const LeafResult& leaf) {
  const bool right = leaf.outcome == Outcome::kMatch || leaf.outcome == Outcome::kBothAbsent;
  std::string note;
  if (leaf.grounded && !*leaf.grounded) note = "<span class=\"tag bad\">not in the input</span>";
  if (!right && leaf.grounded && *leaf.grounded) note = "<span class=\"tag\">stands in the input</span>";
  if (leaf.gold_grounded && !*leaf.gold_grounded)
    note += "<span class=\"tag warn\">right answer not in the input</span>";
  return fmt::format("<tr class=\"{}\"><th>{}</th>{}{}<td><span class=\"tag {}\">{}</span>{}</td></tr>\n",
                     right ? "fine" : "wrong", html_escape(leaf.path), value_cell(leaf.gold), value_cell(leaf.answer),
                     right ? "good" : "bad", words_of(leaf.outcome), note);
}

// What the filter by error kind knows.
std::set<std::string> error_kinds(const RecordResult& record) {
  std::set<std::string> kinds;
  for (const LeafResult& leaf : record.leaves) {
    if (leaf.outcome != Outcome::kMatch && leaf.outcome != Outcome::kBothAbsent) kinds.emplace(to_string(leaf.outcome));
    if (leaf.grounded && !*leaf.grounded) kinds.emplace("hallucinated");
  }
  if (record.state != AnswerState::kValid) kinds.emplace(to_string(record.state));
  if (!record.schema_fault.empty()) kinds.emplace("schema");
  if (record.cut_off) kinds.emplace("cut_off");
  return kinds;
}

std::string joined(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : "|") + word;
  return text;
}

std::string tags_of(const RecordResult& record) {
  std::string tags = record.right ? "<span class=\"tag good\">right</span>" : "<span class=\"tag bad\">wrong</span>";
  if (record.state != AnswerState::kValid) {
    tags += fmt::format("<span class=\"tag warn\">{} answer</span>", to_string(record.state));
  }
  if (record.cut_off) tags += "<span class=\"tag warn\">cut off</span>";
  if (!record.schema_fault.empty()) {
    tags += fmt::format("<span class=\"tag warn\">schema: {}</span>", html_escape(record.schema_fault));
  }
  if (!record.failure.empty()) tags += fmt::format("<span class=\"tag bad\">{}</span>", html_escape(record.failure));
  return tags;
}

}  // namespace

std::string marked_input(const RecordResult& record) {
  const std::u32string text = to_utf32(record.input).substr(0, kLongestInput);
  const std::vector<Place> places = places_of(record);
  std::set<size_t> cuts = {0, text.size()};
  for (const Place& place : places) {
    cuts.insert(std::min<size_t>(place.span.first, text.size()));
    cuts.insert(std::min<size_t>(place.span.after, text.size()));
  }
  std::string html;
  for (auto cut = cuts.begin(); std::next(cut) != cuts.end(); ++cut) {
    const size_t begin = *cut;
    const size_t end = *std::next(cut);
    bool gold = false;
    bool answer = false;
    std::set<std::string> paths;
    for (const Place& place : places) {
      if (place.span.first > begin || place.span.after < end) continue;
      (place.of_gold ? gold : answer) = true;
      paths.insert(place.path);
    }
    const std::string piece = html_escape(to_utf8(std::u32string_view(text).substr(begin, end - begin)));
    if (!gold && !answer) {
      html += piece;
      continue;
    }
    html += fmt::format("<mark class=\"{}\" title=\"{}\">{}</mark>",
                        gold && answer ? "both"
                        : gold         ? "gold"
                                       : "answer",
                        html_escape(title_of(paths)), piece);
  }
  return html;
}

std::string record_article(const RecordResult& record) {
  std::set<std::string> wrong_fields;
  std::string rows;
  for (const LeafResult& leaf : record.leaves) {
    if (leaf.outcome != Outcome::kMatch && leaf.outcome != Outcome::kBothAbsent) wrong_fields.insert(leaf.field);
    if (leaf.outcome != Outcome::kBothAbsent) rows += leaf_row(leaf);
  }
  std::string html = fmt::format(
      "<article class=\"record card\" data-right=\"{}\" data-fields=\"{}\" data-kinds=\"{}\">\n<h3>{} {}</h3>\n"
      "<div class=\"sides\"><pre class=\"input\">{}</pre><div><table "
      "class=\"leaves\"><thead><tr><th>field</th><th>right "
      "answer</th><th>answer</th><th></th></tr></thead><tbody>\n{}</tbody></table>",
      record.right ? 1 : 0, html_escape(joined(wrong_fields)), joined(error_kinds(record)), html_escape(record.id),
      tags_of(record), marked_input(record), rows);
  const bool show_text = record.state != AnswerState::kMissing;
  if (show_text) {
    html += fmt::format("<details{}><summary>answer as written</summary><pre>{}</pre></details>",
                        record.state == AnswerState::kInvalid ? " open" : "",
                        html_escape(record.answer.substr(0, kLongestInput)));
  }
  return html + "</div></div></article>\n";
}

}  // namespace understudy::evaluation
