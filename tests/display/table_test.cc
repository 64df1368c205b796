#include "display/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/utf8.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t start = 0; start < text.size();) {
    const size_t end = text.find('\n', start);
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

TEST(Table, AlignsFiguresRightAndWordsLeft) {
  Table table({{"field"}, {"F1"}});
  table.add_row({"company", "98.5%"});
  table.add_row({"total", "7.25%"});
  EXPECT_EQ(table.to_text(), "field       F1\n──────────────\ncompany  98.5%\ntotal    7.25%\n");
}

TEST(Table, CountsColumnsNotBytes) {
  Table table({{"name"}, {"n"}});
  table.add_row({"Müller", "1"});
  table.add_row({"株式会社", "22"});  // four wide characters: eight columns
  table.add_row(
      {"e\xCC\x81"
       "clair",
       "3"});  // a combining accent: no column
  const std::vector<std::string> lines = lines_of(table.to_text());
  for (size_t i = 2; i < lines.size(); ++i) EXPECT_EQ(count_columns(lines[i]), 12U) << lines[i];
}

TEST(Table, CutsTheWidestColumnToTheWidth) {
  Table table({{"id"}, {"text"}});
  table.add_row({"1", std::string(300, 'x')});
  for (const std::string& line : lines_of(table.to_text({.width = 40}))) EXPECT_LE(count_columns(line), 40U);
  EXPECT_THAT(table.to_text({.width = 40}), HasSubstr("x…"));
}

TEST(Table, AStrangersTextCannotSteerTheTerminal) {
  Table table({{"text"}});
  table.add_row({"a\033[2Jb\nc\x9B"});
  EXPECT_THAT(table.to_text(), Not(HasSubstr("\033")));
  EXPECT_EQ(lines_of(table.to_text()).size(), 3U);
}

TEST(Table, ColoursOnlyWhenAsked) {
  Table table({{"a"}});
  table.add_row({"b"});
  EXPECT_THAT(table.to_text(), Not(HasSubstr("\033")));
  EXPECT_THAT(table.to_text({.color = true}), HasSubstr("\033[1m"));
}

TEST(Table, WritesMarkdown) {
  Table table({{"what"}, {"n"}});
  table.add_row({"a|b <i>", "1"});
  table.add_rule();
  table.add_row({"c", "-"});
  EXPECT_EQ(table.to_markdown(), "| what | n |\n| --- | ---: |\n| a\\|b &lt;i> | 1 |\n| c | - |\n");
  EXPECT_EQ(table.n_rows(), 2U);
}

TEST(Table, RefusesMoreCellsThanColumns) {
  Table table({{"a"}});
  EXPECT_THROW(table.add_row({"1", "2"}), Error);
}

TEST(Shortened, CutsAtWholeCharacters) {
  EXPECT_EQ(shortened("äöü", 3), "äöü");
  EXPECT_EQ(shortened("äöüß", 3), "äö…");
  EXPECT_EQ(shortened("株式会社", 4), "株…") << "a wide character does not fit into what is left";
  EXPECT_EQ(shortened("abc", 0), "");
}

}  // namespace
}  // namespace understudy
