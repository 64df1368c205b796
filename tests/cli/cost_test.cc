// Runs the built program: what a user types, sees and gets back as exit status.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/support/run_command.h"

namespace understudy::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kReference = R"(requests_per_day: 10000
rented: {prompt_tokens: 2000, output_tokens: 2000, input_per_million: 5.00 USD, output_per_million: 15.00 USD,
  cached_share: 0%, cached_input_per_million: 0.50 USD, batch: 0%}
owned:
  prompt_tokens: 500
  output_tokens: 1000
  per_million: 0.10 USD
  escalated: 0%
one_time: {data: 5000 USD, compute: 100 USD, evaluation: 2000 USD}
running: {retraining: 0 USD/month, review: 0 USD/month}
horizon: 365d
)";

class CostCommand : public ::testing::Test {
 protected:
  CommandResult cost(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"cost", config_.string()});
    return run_understudy(std::move(arguments));
  }
  TemporaryFolder folder_;
  std::filesystem::path config_ = folder_.write("cost.yml", kReference);
};

TEST_F(CostCommand, PrintsTheSum) {
  const CommandResult result = cost({});
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_THAT(result.errors, IsEmpty());
  for (const char* figure :
       {"$400.00", "$146,000", "$1.50", "$547.50", "$7,100", "99.6%", "17.8 days", "489 requests a day"}) {
    EXPECT_THAT(result.output, HasSubstr(figure));
  }
  EXPECT_THAT(result.output, Not(HasSubstr("\033"))) << "no colours into a file";
}

TEST_F(CostCommand, AHundredRequestsADayAnswerNo) {
  const CommandResult result = cost({"--requests-per-day", "100"});
  EXPECT_EQ(result.status, 0) << "the sum was done";
  EXPECT_THAT(result.output, AllOf(HasSubstr("do not fine-tune"), HasSubstr("longer than the horizon of 365 days")));
}

TEST_F(CostCommand, GivesOneJsonValue) {
  const CommandResult result = cost({"--json"});
  const Json json = parse_json(result.output, "output");
  EXPECT_EQ(json.at("rented_per_day"), "400.00");
  EXPECT_EQ(json.at("owned_per_year"), "547.50");
  EXPECT_EQ(json.at("advice").at("move"), true);
}

TEST_F(CostCommand, EveryKeyIsAFlag) {
  const CommandResult from_flags = run_understudy({"cost",
                                                   "--json",
                                                   "--requests_per_day=10000",
                                                   "--rented.prompt_tokens",
                                                   "2000",
                                                   "--rented.output-tokens=2000",
                                                   "--rented.input_per_million=5 USD",
                                                   "--rented.output_per_million",
                                                   "15.00 USD",
                                                   "--rented.cached_share=0%",
                                                   "--rented.cached_input_per_million=0.50 USD",
                                                   "--rented.batch=0%",
                                                   "--owned.prompt_tokens=500",
                                                   "--owned.output_tokens=1000",
                                                   "--owned.per_million=0.10 USD",
                                                   "--owned.escalated=0%",
                                                   "--one_time.data=5000 USD",
                                                   "--one_time.compute=100 USD",
                                                   "--one_time.evaluation=2000 USD",
                                                   "--running.retraining=0 USD/month",
                                                   "--running.review=0 USD/month",
                                                   "--horizon=365d"});
  EXPECT_EQ(from_flags.status, 0) << from_flags.errors;
  EXPECT_EQ(from_flags.output, cost({"--json"}).output);
}

TEST_F(CostCommand, AFlagForHostingReplacesTheFilesWay) {
  const CommandResult result =
      cost({"--json", "--owned.per_hour=0.40 USD", "--owned.tokens_per_second=800", "--owned.utilisation=40%"});
  ASSERT_EQ(result.status, 0) << result.errors;
  EXPECT_EQ(parse_json(result.output, "output").at("owned_per_day"), "9.60");
}

TEST_F(CostCommand, DrawsTheChartWithTheCrossing) {
  const std::filesystem::path svg = folder_ / "cost.svg";
  EXPECT_EQ(cost({"--svg", svg.string()}).status, 0);
  EXPECT_THAT(bytes_of_file(svg),
              AllOf(HasSubstr("<svg"), HasSubstr("rented"), HasSubstr("day 17.8: $7,126.73"), HasSubstr("<circle")));
}

TEST_F(CostCommand, RefusesWrongInputWithTwo) {
  const CommandResult flag = cost({"--requets_per_day=5"});
  EXPECT_EQ(flag.status, 2);
  EXPECT_THAT(flag.errors, AllOf(HasSubstr("--requets_per_day"), HasSubstr("did you mean --requests_per_day?")));
  EXPECT_THAT(flag.output, IsEmpty());

  folder_.write("cost.yml", std::string(kReference) + "requests_per_day: 5\n");
  const CommandResult repeated = cost({});
  EXPECT_EQ(repeated.status, 2);
  EXPECT_THAT(repeated.errors, AllOf(HasSubstr("on line 1 and on line 12")));

  folder_.write("cost.yml", std::string(kReference) + "horizn: 5d\n");
  const CommandResult unknown = cost({});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.errors, AllOf(HasSubstr("cost.yml:12"), HasSubstr("did you mean horizon?")));

  EXPECT_EQ(run_understudy({"cost", (folder_ / "none.yml").string()}).status, 2);
}

TEST_F(CostCommand, AFullDiskIsToldAndLeavesNoHalfChart) {
  const std::filesystem::path svg = folder_ / "cost.svg";
  const CommandResult result = run_command({UNDERSTUDY_BINARY, "cost", config_.string(), "--svg", svg.string()}, "",
                                           "ulimit -f 0; trap '' XFSZ");
  EXPECT_EQ(result.status, 3) << result.errors;
  EXPECT_FALSE(std::filesystem::exists(svg));
}

TEST_F(CostCommand, TheCommonFlagsAnswer) {
  EXPECT_THAT(cost({"--help"}).output, AllOf(HasSubstr("--owned.per_hour"), HasSubstr("understudy cost cost.yml")));
  EXPECT_EQ(cost({"--help"}).status, 0);
  EXPECT_EQ(run_understudy({"--version"}).status, 0);
}

}  // namespace
}  // namespace understudy::testing
