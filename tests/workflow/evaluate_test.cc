#include "workflow/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "tests/support/temporary_folder.h"

namespace understudy::workflow {
namespace {

using ::testing::HasSubstr;

// Answers with the last word of the request, fails on the word "fail", and keeps what it was asked.
class LastWord : public evaluation::Answerer {
 public:
  evaluation::ModelAnswer answer(const evaluation::EvalRequest& request, std::stop_token) override {
    requests.push_back(request);
    const std::string text = request.messages.back().text();
    const std::string word = text.substr(text.rfind(' ') + 1);
    if (word == "fail") return {.finish = "length", .failure = "too long"};
    return {
        .text = "{\"w\": \"" + word + "\"}", .finish = "stop", .prompt_tokens = 3, .answer_tokens = 2, .latency_ms = 1};
  }
  std::vector<evaluation::EvalRequest> requests;
};

class EvaluateStep : public ::testing::Test {
 protected:
  EvalReport run(std::stop_token stop = {}, size_t limit = 0) {
    folder_.write("test.jsonl",
                  "{\"id\": \"a\", \"input\": \"say yes\", \"output\": \"{\\\"w\\\": \\\"yes\\\"}\"}\n"
                  "{\"id\": \"b\", \"input\": \"say fail\", \"output\": \"{\\\"w\\\": \\\"fail\\\"}\"}\n"
                  "{\"id\": \"c\", \"messages\": [{\"role\": \"user\", \"content\": \"own words\"}, "
                  "{\"role\": \"assistant\", \"content\": \"{\\\"w\\\": \\\"words\\\"}\"}]}\n");
    const auto config_file = folder_.write("eval.yml",
                                           "data: test.jsonl\nprompt: {system: Be brief, user: \"Now {input}\"}\n"
                                           "gate: {exact_record: {at_least: 100%}}\n");
    const evaluation::EvalConfig config = evaluation::EvalConfig::read(config_file, {});
    EvaluateModel model{answerer_, "last-word", ""};
    return evaluate(config, {.out = folder_ / "out", .limit = limit}, &model, stop);
  }
  testing::TemporaryFolder folder_;
  LastWord answerer_;
};

TEST_F(EvaluateStep, AsksTheModelAndWritesAllFiles) {
  const EvalReport report = run();
  EXPECT_EQ(report.n, 3);
  EXPECT_NEAR(*report.right.value, 2.0 / 3, 1e-12);
  EXPECT_FALSE(report.verdicts[0].holds);
  EXPECT_EQ(report.records[1].failure, "too long");
  EXPECT_TRUE(report.records[1].cut_off);
  EXPECT_GT(*report.tokens_per_second, 0);
  for (const char* name : {"report.json", "report.html", "junit.xml", "answers.jsonl"}) {
    EXPECT_FALSE(testing::bytes_of_file(folder_ / "out" / name).empty()) << name;
  }
  const Json json = parse_json(testing::bytes_of_file(folder_ / "out" / "report.json"), "report.json");
  EXPECT_EQ(json["n"], 3);
  EXPECT_EQ(json["made_from"]["model"], "last-word");
  const std::string lines = testing::bytes_of_file(folder_ / "out" / "answers.jsonl");
  EXPECT_EQ(parse_json(lines.substr(0, lines.find('\n')), "answers")["answer_tokens"], 2);
}

TEST_F(EvaluateStep, RendersThePromptOrTheRowsOwnMessages) {
  run();
  ASSERT_EQ(answerer_.requests.size(), 3u);
  ASSERT_EQ(answerer_.requests[0].messages.size(), 2u);
  EXPECT_EQ(answerer_.requests[0].messages[0].text(), "Be brief");
  EXPECT_EQ(answerer_.requests[0].messages[1].text(), "Now say yes");
  ASSERT_EQ(answerer_.requests[2].messages.size(), 1u);
  EXPECT_EQ(answerer_.requests[2].messages[0].text(), "own words");
}

TEST_F(EvaluateStep, TheLimitTakesTheFirst) {
  EXPECT_EQ(run({}, 1).n, 1);
}

TEST_F(EvaluateStep, StopsBetweenAnswers) {
  std::stop_source source;
  source.request_stop();
  try {
    run(source.get_token());
    FAIL() << "was not stopped";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
    EXPECT_THAT(error.message(), HasSubstr("0 of 3"));
  }
}

}  // namespace
}  // namespace understudy::workflow
