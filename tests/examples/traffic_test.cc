// The demo's application and its stand-in for a rented model, against each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stop_token>
#include <thread>

#include "base/error.h"
#include "rows.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_folder.h"
#include "traffic/instructions.h"
#include "traffic/send.h"
#include "traffic/teacher.h"

namespace understudy::examples {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;

constexpr const char* kRows =
    "{\"id\": \"17\", \"input\": \"Rechnung 17\", \"output\": \"{\\\"total\\\": \\\"17\\\"}\"}\n"
    "{\"id\": \"18\", \"input\": \"Rechnung 18\", \"output\": \"{\\\"total\\\": \\\"18\\\"}\"}\n";

class TrafficTest : public ::testing::Test {
 protected:
  TrafficTest() {
    ::testing::internal::CaptureStdout();
    thread_ = std::jthread([this](const std::stop_token& stop) { serve_teacher(rows_, "127.0.0.1:0", stop); });
    for (int i = 0; i < 500 && url_.empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      said_ += ::testing::internal::GetCapturedStdout();
      ::testing::internal::CaptureStdout();
      const size_t at = said_.find("http://");
      if (at != std::string::npos && said_.find('\n') != std::string::npos)
        url_ = said_.substr(at, said_.find('\n') - at);
    }
    ::testing::internal::GetCapturedStdout();
  }
  SendOptions options() const {
    SendOptions options;
    options.rows = rows_;
    options.to = url_ + "/v1";
    options.model = "gpt-5";
    return options;
  }
  const TemporaryFolder folder_;
  const std::filesystem::path rows_ = folder_.write("rows.jsonl", kRows);
  std::string said_;
  std::string url_;
  std::jthread thread_;
};

TEST_F(TrafficTest, EveryRowIsAnsweredAsLabelled) {
  SendOptions all = options();
  all.instructions = "Read the invoice.";
  all.task = "invoices";
  const SendReport report = send_rows(all);
  EXPECT_EQ(report.answered, 2);
  EXPECT_EQ(report.failed, 0) << report.first_failure;
  EXPECT_EQ(report.right, 2);
}

TEST_F(TrafficTest, SkipAndLimitChooseTheRows) {
  SendOptions one = options();
  one.skip = 1;
  EXPECT_EQ(send_rows(one).answered, 1);
  one.skip = 0;
  one.limit = 1;
  EXPECT_EQ(send_rows(one).answered, 1);
  one.skip = 7;
  EXPECT_EQ(send_rows(one).answered, 0);
}

TEST_F(TrafficTest, AWrongLabelAndAFailureAreCounted) {
  SendOptions other = options();
  other.rows = folder_.write("other.jsonl", "{\"id\": \"17\", \"input\": \"Rechnung 17\", \"output\": \"another\"}\n");
  EXPECT_EQ(send_rows(other).right, 0);
  other.to = url_ + "/nowhere";
  const SendReport report = send_rows(other);
  EXPECT_EQ(report.failed, 1);
  EXPECT_THAT(report.first_failure, HasSubstr("404"));
}

TEST_F(TrafficTest, StreamsHaveTheirUsageWhereItIsAskedFor) {
  const auto result = testing::run_command(
      {"curl", "-sS", url_ + "/v1/chat/completions", "-d",
       R"({"model":"gpt-5","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Rechnung 17"}]})"});
  EXPECT_THAT(result.output, HasSubstr("\"prompt_tokens\""));
  EXPECT_THAT(result.output, HasSubstr("data: [DONE]"));
}

TEST(TrafficRowsTest, AWrongRowIsNamed) {
  const TemporaryFolder folder;
  const auto path = folder.write(
      "rows.jsonl", "{\"id\": \"1\", \"input\": \"a\", \"output\": \"b\"}\n{\"id\": \"2\", \"input\": 1}\n");
  try {
    (void)read_rows(path);
    ADD_FAILURE() << "a row without a label was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("rows.jsonl:2"));
  }
}

TEST(InstructionsTest, AreAboutTwoThousandTokensAndTheSameEveryTime) {
  const std::string text = invoice_instructions();
  EXPECT_GE(text.size(), 8'000U);
  EXPECT_LE(text.size(), 10'000U);
  EXPECT_EQ(text, invoice_instructions());
}

}  // namespace
}  // namespace understudy::examples
