// A table of figures for a terminal, a log or a Markdown page. Not for HTML: a report's page writes its own rows.
// Built and rendered by one thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace understudy {

enum class Align {
  kAuto,  // right where every cell that is not empty looks like a figure ("1,234", "-3.2 %", "$7,100", "0.5 s"), else
          // left
  kLeft,
  kRight,
};

struct TableStyle {
  int width = 100;     // columns that the text may take; terminal_width() gives them
  bool color = false;  // bold headers and dim rules; wants_color() says whether
};

class Table {
 public:
  struct Column {
    std::string header;
    Align align = Align::kAuto;
  };

  // Where every header is empty, the text has no header line.
  explicit Table(std::vector<Column> columns);

  // As many cells as columns; fewer are filled with empty ones, more are our own mistake (kInternal).
  void add_row(std::vector<std::string> cells);
  // A thin line between the rows before and after.
  void add_rule();
  size_t n_rows() const;  // without rules

  // Lines that end in a newline, no trailing spaces. Widths are counted in terminal columns (wide and combining
  // characters); control characters of a cell become spaces, so that a stranger's text cannot steer the terminal. Where
  // the table is wider than style.width, its widest columns are cut and end in "…".
  std::string to_text(const TableStyle& style = {}) const;

  // GitHub's table; nothing is cut.
  std::string to_markdown() const;

 private:
  struct Row {
    std::vector<std::string> cells;  // empty: a rule
  };
  std::vector<bool> aligned_right() const;
  std::vector<size_t> fitted_widths(size_t total) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

// At most `columns` wide, cut at a whole character and ended by "…" where something is missing.
std::string shortened(std::string_view text, size_t columns);

}  // namespace understudy
