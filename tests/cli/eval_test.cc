// Runs the built program's eval on given answers: exit status, table, JSON, files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/support/run_command.h"

namespace understudy::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class EvalCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write(
        "eval.yml",
        "task: shops\ndata: test.jsonl\nfields:\n  shop: {kind: text}\n  total: {kind: amount, decimal: \".\"}\n"
        "gate:\n  exact_record: {at_least: 90%}\n");
    folder_.write("test.jsonl",
                  "{\"id\": \"a\", \"input\": \"Acme 9.00\", \"output\": \"{\\\"shop\\\": \\\"Acme\\\", \\\"total\\\": "
                  "\\\"9.00\\\"}\"}\n"
                  "{\"id\": \"b\", \"input\": \"Bolt 5.00\", \"output\": \"{\\\"shop\\\": \\\"Bolt\\\", \\\"total\\\": "
                  "\\\"5.00\\\"}\"}\n");
    folder_.write("right.jsonl", row("a", "Acme", "9") + row("b", "BOLT", "$5.00"));
    folder_.write("wrong.jsonl", row("a", "Acme", "9.00") + row("b", "Bolt", "6.00"));
  }
  static std::string row(const std::string& id, const std::string& shop, const std::string& total) {
    return "{\"id\": \"" + id + "\", \"answer\": \"{\\\"shop\\\": \\\"" + shop + "\\\", \\\"total\\\": \\\"" + total +
           "\\\"}\"}\n";
  }
  CommandResult eval(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"eval", (folder_ / "eval.yml").string()});
    return run_understudy(std::move(arguments));
  }
  std::string file(const char* name) const { return (folder_ / name).string(); }
  TemporaryFolder folder_;
};

TEST_F(EvalCommand, ScoresGivenAnswersAndWritesTheReports) {
  const CommandResult result = eval({"--answers", file("right.jsonl"), "--out", file("out")});
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("exact records"), HasSubstr("100.0%")));
  const Json report = parse_json(bytes_of_file(folder_ / "out" / "report.json"), "report.json");
  EXPECT_EQ(report["exact_record"]["value"], 1.0);
  EXPECT_EQ(report["task"], "shops");
  EXPECT_THAT(bytes_of_file(folder_ / "out" / "report.html"), HasSubstr("Evaluation of shops"));
  EXPECT_THAT(bytes_of_file(folder_ / "out" / "junit.xml"), HasSubstr("failures=\"0\""));
  EXPECT_THAT(bytes_of_file(folder_ / "out" / "answers.jsonl"), HasSubstr("\"id\":\"a\""));
}

TEST_F(EvalCommand, AGateThatDoesNotHoldIsExitStatusOne) {
  const CommandResult result = eval({"--answers", file("wrong.jsonl"), "--out", file("out")});
  EXPECT_EQ(result.status, 1) << result.errors;
  EXPECT_THAT(bytes_of_file(folder_ / "out" / "junit.xml"), HasSubstr("<failure"));
  EXPECT_EQ(eval({"--answers", file("wrong.jsonl"), "--gate.exact_record.at_least=40%"}).status, 0);
}

TEST_F(EvalCommand, GivesOneJsonValue) {
  const CommandResult result = eval({"--answers", file("wrong.jsonl"), "--teacher", file("right.jsonl"), "--baseline",
                                     file("wrong.jsonl"), "--json"});
  const Json report = parse_json(result.output, "output");
  EXPECT_EQ(report["comparison"]["teacher"]["teacher_only_right"], 1);
  EXPECT_EQ(report["baseline"]["exact_record"]["value"], 0.5);
}

TEST_F(EvalCommand, WrongUseIsExitStatusTwo) {
  EXPECT_EQ(eval({}).status, 2);
  EXPECT_EQ(eval({"--answers", file("right.jsonl"), "--model", "m"}).status, 2);
  const CommandResult key = eval({"--answers", file("right.jsonl"), "--genarate.max_tokens=5"});
  EXPECT_EQ(key.status, 2);
  EXPECT_THAT(key.errors, HasSubstr("generate"));
  folder_.write("bad.jsonl", "{\"id\": \"a\", \"answer\": \"x\"}\n{\"id\": \"b\"\n");
  const CommandResult rows = eval({"--answers", file("bad.jsonl")});
  EXPECT_EQ(rows.status, 2);
  EXPECT_THAT(rows.errors, HasSubstr("bad.jsonl:2"));
  EXPECT_EQ(eval({"--answers", file("nowhere.jsonl")}).status, 2);
}

}  // namespace
}  // namespace understudy::testing
