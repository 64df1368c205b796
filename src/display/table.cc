#include "display/table.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"

namespace understudy {

namespace {

constexpr size_t kGap = 2;        // spaces between columns
constexpr size_t kNarrowest = 6;  // a column is not cut below this: "abcde…"

std::string without_control_characters(std::string_view text) {
  std::string clean;
  for (size_t position = 0; position < text.size();) {
    const char32_t c = next_code_point(text, position);
    append_utf8(clean, c < 0x20 || (c >= 0x7F && c < 0xA0) ? U' ' : c);
  }
  return clean;
}

// A sign or currency, digits, then at most a short unit.
bool looks_like_figure(std::string_view text) {
  const size_t first_digit = text.find_first_of("0123456789");
  if (first_digit == std::string_view::npos || first_digit > 3) return false;
  if (text.substr(0, first_digit).find_first_not_of("+-$<>~ .=") != std::string_view::npos) return false;
  const size_t after = text.find_first_not_of("0123456789.,_ ", first_digit);
  return after == std::string_view::npos || text.size() - after <= 4;
}

bool is_absent(std::string_view text) {
  return text.empty() || text == "-" || text == "–";
}

std::string padded(const std::string& text, size_t width, bool right) {
  const size_t columns = count_columns(text);
  const std::string fill(columns < width ? width - columns : 0, ' ');
  return right ? fill + text : text + fill;
}

void end_line(std::string& text) {
  while (!text.empty() && text.back() == ' ') text.pop_back();
  text += '\n';
}

}  // namespace

std::string shortened(std::string_view text, size_t columns) {
  if (count_columns(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  size_t used = 0;
  size_t end = 0;
  for (size_t position = 0; position < text.size();) {
    const size_t start = position;
    next_code_point(text, position);
    used += count_columns(text.substr(start, position - start));
    if (used > columns - 1) break;
    end = position;
  }
  return std::string(text.substr(0, end)) + "…";
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add_row(std::vector<std::string> cells) {
  CHECK(!columns_.empty() && cells.size() <= columns_.size(),
        "a table's row has more cells than the table has columns");
  cells.resize(columns_.size());
  for (std::string& cell : cells) cell = without_control_characters(cell);
  rows_.push_back({std::move(cells)});
}

void Table::add_rule() {
  rows_.push_back({});
}

size_t Table::n_rows() const {
  return static_cast<size_t>(
      std::count_if(rows_.begin(), rows_.end(), [](const Row& row) { return !row.cells.empty(); }));
}

std::vector<bool> Table::aligned_right() const {
  std::vector<bool> right(columns_.size());
  for (size_t c = 0; c < columns_.size(); ++c) {
    bool figures = true;
    bool any = false;
    for (const Row& row : rows_) {
      if (row.cells.empty() || is_absent(row.cells[c])) continue;
      any = true;
      figures = figures && looks_like_figure(row.cells[c]);
    }
    right[c] = columns_[c].align == Align::kRight || (columns_[c].align == Align::kAuto && any && figures);
  }
  return right;
}

std::vector<size_t> Table::fitted_widths(size_t total) const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = count_columns(columns_[c].header);
    for (const Row& row : rows_) {
      if (!row.cells.empty()) width = std::max(width, count_columns(row.cells[c]));
    }
    widths.push_back(width);
  }
  size_t sum = kGap * (widths.empty() ? 0 : widths.size() - 1);
  for (const size_t width : widths) sum += width;
  while (sum > total) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (widest == widths.end() || *widest <= kNarrowest) break;
    --*widest;
    --sum;
  }
  return widths;
}

std::string Table::to_text(const TableStyle& style) const {
  const std::vector<bool> right = aligned_right();
  const std::vector<size_t> widths = fitted_widths(static_cast<size_t>(std::max(style.width, 1)));
  size_t line_width = kGap * (widths.empty() ? 0 : widths.size() - 1);
  for (const size_t width : widths) line_width += width;
  const auto line_of = [&](const auto& text_of) {
    std::string line;
    for (size_t c = 0; c < columns_.size(); ++c) {
      if (c > 0) line.append(kGap, ' ');
      line += padded(shortened(text_of(c), widths[c]), widths[c], right[c]);
    }
    end_line(line);
    return line;
  };
  std::string rule;
  for (size_t i = 0; i < line_width; ++i) rule += "─";
  rule = style.color ? "\033[2m" + rule + "\033[0m\n" : rule + "\n";

  std::string header = line_of([&](size_t c) -> const std::string& { return columns_[c].header; });
  if (style.color) header = "\033[1m" + header.substr(0, header.size() - 1) + "\033[0m\n";
  const bool has_header =
      std::any_of(columns_.begin(), columns_.end(), [](const Column& column) { return !column.header.empty(); });
  std::string text = has_header ? header + rule : "";
  for (const Row& row : rows_) {
    text += row.cells.empty() ? rule : line_of([&](size_t c) -> const std::string& { return row.cells[c]; });
  }
  return text;
}

std::string Table::to_markdown() const {
  const auto cell = [](const std::string& text) {
    std::string escaped;
    for (const char c : text) {
      if (c == '|' || c == '\\') escaped += '\\';
      if (c == '<') {
        escaped += "&lt;";
      } else {
        escaped += c;
      }
    }
    return escaped;
  };
  const std::vector<bool> right = aligned_right();
  std::string header = "|";
  std::string rule = "|";
  for (size_t c = 0; c < columns_.size(); ++c) {
    header += " " + cell(columns_[c].header) + " |";
    rule += right[c] ? " ---: |" : " --- |";
  }
  std::string text = header + "\n" + rule + "\n";
  for (const Row& row : rows_) {
    if (row.cells.empty()) continue;
    text += "|";
    for (const std::string& value : row.cells) text += " " + cell(value) + " |";
    text += "\n";
  }
  return text;
}

}  // namespace understudy
