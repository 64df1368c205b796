#include "evaluation/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "tests/support/temporary_folder.h"

namespace understudy::evaluation {
namespace {

using ::testing::HasSubstr;

std::string fault(const std::string& text) {
  const testing::TemporaryFolder folder;
  try {
    read_answers(folder.write("answers.jsonl", text));
  } catch (const Error& error) {
    return error.message();
  }
  return "none";
}

TEST(Answers, ReadsRowsWithWhatTheyTell) {
  const testing::TemporaryFolder folder;
  const Answers answers = read_answers(
      folder.write("answers.jsonl",
                   "{\"id\": \"a\", \"answer\": \"x\", \"finish\": \"length\", \"prompt_tokens\": 5, "
                   "\"answer_tokens\": 2, \"latency_ms\": 1.5}\n"
                   "\n{\"id\": 7, \"answer\": {\"k\": 1}, \"confidence\": 0.5}\n{\"id\": \"n\", \"answer\": null}\n"));
  EXPECT_EQ(answers.at("a").finish, "length");
  EXPECT_EQ(answers.at("a").answer_tokens, 2);
  EXPECT_EQ(answers.at("7").text, "{\"k\":1}");
  EXPECT_EQ(answers.at("7").confidence, 0.5);
  EXPECT_FALSE(answers.at("n").text);
  EXPECT_EQ(to_json(answers.at("a")), Json::parse("{\"id\": \"a\", \"answer\": \"x\", \"finish\": \"length\", "
                                                  "\"prompt_tokens\": 5, \"answer_tokens\": 2, \"latency_ms\": 1.5}"));
}

TEST(Answers, SaysFileLineAndField) {
  EXPECT_THAT(fault("{\"id\": \"a\", \"answer\": \"x\"}\n{\"id\": \"b\", \"answer\": \n"),
              HasSubstr("answers.jsonl:2: not valid JSON"));
  EXPECT_THAT(fault("{\"id\": \"a\"}\n"), HasSubstr("answers.jsonl:1: answer"));
  EXPECT_THAT(fault("{\"answer\": \"x\"}\n"), HasSubstr("answers.jsonl:1: id"));
  EXPECT_THAT(fault("{\"id\": \"a\", \"answer\": 5}\n"), HasSubstr("answers.jsonl:1: answer"));
  EXPECT_THAT(fault("{\"id\": \"a\", \"answer\": \"x\", \"confidence\": 2}\n"), HasSubstr("confidence"));
  EXPECT_THAT(fault("{\"id\": \"a\", \"answer\": \"x\", \"answer_tokens\": -1}\n"), HasSubstr("answer_tokens"));
  EXPECT_THAT(fault("{\"id\": \"a\", \"answer\": \"x\"}\n{\"id\": \"a\", \"answer\": \"y\"}\n"),
              HasSubstr("stands on line 1 already"));
  EXPECT_THAT(fault("5\n"), HasSubstr("answers.jsonl:1"));
}

}  // namespace
}  // namespace understudy::evaluation
