#include "records/example.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/temporary_folder.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;

std::vector<Example> read(const std::string& text, size_t limit = 0) {
  const testing::TemporaryFolder folder;
  return read_examples(folder.write("rows.jsonl", text), limit);
}

std::string fault(const std::string& text) {
  try {
    read(text);
  } catch (const Error& error) {
    return error.message();
  }
  return "none";
}

TEST(Example, ReadsPairsAndKeepsColumns) {
  const auto examples = read(
      "{\"id\": \"a\", \"input\": \"in\", \"output\": \"out\", \"group\": 5, \"language\": \"de\", \"tags\": [1]}\n\n"
      "{\"input\": \"in\", \"output\": {\"k\": 1}}\n");
  ASSERT_EQ(examples.size(), 2u);
  EXPECT_EQ(examples[0].id, "a");
  EXPECT_EQ(examples[0].columns, (std::map<std::string, std::string>{{"group", "5"}, {"language", "de"}}));
  EXPECT_EQ(examples[1].id, "3");  // its line
  EXPECT_EQ(examples[1].output, "{\"k\":1}");
}

TEST(Example, ReadsChat) {
  const auto examples = read(
      R"({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "one"}, {"role": "assistant", "content": "x"}, {"role": "user", "content": [{"type": "text", "text": "two"}]}, {"role": "assistant", "content": "answer"}]})"
      "\n");
  ASSERT_EQ(examples.size(), 1u);
  EXPECT_EQ(examples[0].input, "one\ntwo");
  EXPECT_EQ(examples[0].output, "answer");
  EXPECT_EQ(examples[0].messages.size(), 4u);
}

TEST(Example, ReadsMessagesAsInput) {
  const auto examples = read(R"({"id": 1, "input": [{"role": "user", "content": "hi"}], "output": "yo"})"
                             "\n");
  EXPECT_EQ(examples[0].id, "1");
  EXPECT_EQ(examples[0].input, "hi");
  EXPECT_EQ(examples[0].messages.size(), 1u);
}

TEST(Example, StopsAtTheLimit) {
  EXPECT_EQ(read("{\"input\": \"a\", \"output\": \"b\"}\n{broken\n", 1).size(), 1u);
}

TEST(Example, SaysFileLineAndField) {
  EXPECT_THAT(fault("{\"input\": \"a\", \"output\": \"b\"}\n{\"input\": \n"),
              HasSubstr("rows.jsonl:2: not valid JSON"));
  EXPECT_THAT(fault("{\"output\": \"b\"}\n"), HasSubstr("rows.jsonl:1: input"));
  EXPECT_THAT(fault("{\"input\": \"a\"}\n"), HasSubstr("rows.jsonl:1: output"));
  EXPECT_THAT(fault("{\"input\": \"a\", \"output\": 5}\n"), HasSubstr("expected a text, got 5"));
  EXPECT_THAT(fault("{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}\n"), HasSubstr("assistant"));
  EXPECT_THAT(fault("{\"messages\": [{\"role\": \"robot\", \"content\": \"x\"}]}\n"), HasSubstr("messages[0]: role"));
  EXPECT_THAT(fault("[]\n"), HasSubstr("rows.jsonl:1"));
  EXPECT_THAT(fault("{\"id\": \"a\", \"input\": \"a\", \"output\": \"b\"}\n{\"id\": \"a\", \"input\": \"a\", "
                    "\"output\": \"b\"}\n"),
              HasSubstr("stands on line 1 already"));
}

}  // namespace
}  // namespace understudy
