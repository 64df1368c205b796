#include "cli/json_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/error.h"
#include "base/json.h"

namespace understudy::cli {
namespace {

TEST(JsonLines, SkipsBlankLinesAndCountsThem) {
  std::istringstream input("1\n\n  \r\n{\"a\": [2]}");
  std::vector<std::string> seen;
  for_each_json_line(
      input, [&](const Json& line, const std::string& where) { seen.push_back(where + " " + dump_json(line)); });
  EXPECT_THAT(seen, testing::ElementsAre("stdin:1 1", "stdin:4 {\"a\":[2]}"));
}

TEST(JsonLines, NamesTheLineThatIsNoJson) {
  std::istringstream input("\"good\"\n{bad\n");
  try {
    for_each_json_line(input, [](const Json&, const std::string&) {});
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
    EXPECT_THAT(error.message(), testing::StartsWith("stdin:2: "));
  }
}

}  // namespace
}  // namespace understudy::cli
