#include "economics/cost_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy {
namespace {

using ::testing::HasSubstr;

constexpr const char* kReference = R"(requests_per_day: 10k
rented: {prompt_tokens: 2000, output_tokens: 2000, input_per_million: 5.00 USD, output_per_million: 15.00 USD}
owned:
  prompt_tokens: 500
  per_million: 0.10 USD
  escalated: 20%
one_time: {data: 5000 USD, compute: 100 USD, evaluation: 2000 USD}
running: {retraining: 30 USD/month, review: 133.50 USD}
horizon: 90d
)";

CostInput read(const std::string& text) {
  return read_cost_input(ConfigNode::parse(text, "cost.yml"));
}

std::string fault_of(const std::string& text) {
  try {
    read(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
    return error.message();
  }
  return "nothing was refused";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(CostInput, ReadsEveryKey) {
  const CostInput input = read(kReference);
  EXPECT_EQ(input.requests_per_day.value, 10'000);
  EXPECT_EQ(input.rented.output_per_million, Money::parse("15"));
  EXPECT_EQ(input.owned_prompt_tokens(), 500);
  EXPECT_EQ(input.owned_output_tokens(), 2000) << "as rented where absent";
  EXPECT_DOUBLE_EQ(input.owned.escalated.value, 0.2);
  EXPECT_EQ(input.one_time.total(), Money::parse("7100"));
  EXPECT_EQ(input.running.per_year(), Money::parse("1962"));
  EXPECT_DOUBLE_EQ(input.horizon_days(), 90);
}

TEST(CostInput, NamesTheLineAndTheKeyOfWhatIsWrong) {
  EXPECT_THAT(fault_of(replaced(kReference, "20%", "120%")),
              HasSubstr("cost.yml:6: owned.escalated: expected a share"));
  EXPECT_THAT(fault_of(replaced(kReference, "5.00 USD", "5.00 EUR")),
              HasSubstr("cost.yml:2: rented.input_per_million"));
  EXPECT_THAT(fault_of(replaced(kReference, "30 USD/month", "30 USD/day")), HasSubstr("running.retraining"));
  EXPECT_THAT(fault_of(replaced(kReference, "133.50", "-133.50")), HasSubstr("running.review"));
  EXPECT_THAT(fault_of(replaced(kReference, "90d", "0d")), HasSubstr("cost.yml:9: horizon"));
  EXPECT_THAT(fault_of(replaced(kReference, "prompt_tokens: 500", "prompt_tokens: -5")),
              HasSubstr("owned.prompt_tokens"));
  EXPECT_THAT(fault_of(replaced(kReference, "data: 5000", "data: -5000")), HasSubstr("one_time.data"));
  EXPECT_THAT(fault_of(replaced(kReference, "10k", "1.5")), HasSubstr("whole count"));
}

TEST(CostInput, RequiresWhatTheSumNeeds) {
  EXPECT_THAT(fault_of(""), HasSubstr("requests_per_day is missing"));
  EXPECT_THAT(fault_of(replaced(kReference, "prompt_tokens: 2000, ", "")), HasSubstr("prompt_tokens is missing"));
  EXPECT_THAT(fault_of(replaced(kReference, "  per_million: 0.10 USD\n", "")),
              HasSubstr("expected per_million, or per_hour"));
  EXPECT_THAT(fault_of(replaced(kReference, "{prompt_tokens", "{cached_share: 50%, prompt_tokens")),
              HasSubstr("cached_input_per_million is missing"));
}

TEST(CostInput, TakesOneWayOfHosting) {
  EXPECT_THAT(fault_of(replaced(kReference, "  escalated", "  per_hour: 0.4 USD\n  escalated")), HasSubstr("not both"));
  EXPECT_THAT(fault_of(replaced(kReference, "  escalated", "  utilisation: 40%\n  escalated")),
              HasSubstr("belongs to per_hour"));
  EXPECT_THAT(fault_of(replaced(kReference, "per_million: 0.10 USD", "per_hour: 0.40 USD")),
              HasSubstr("tokens_per_second is missing"));
  const std::string by_hour =
      replaced(kReference, "per_million: 0.10 USD", "per_hour: 0.40 USD\n  tokens_per_second: 800\n  utilisation: 40%");
  EXPECT_EQ(read(by_hour).owned.per_hour, Money::parse("0.40"));
  EXPECT_THAT(fault_of(replaced(by_hour, "800", "0")), HasSubstr("owned.tokens_per_second"));
  EXPECT_THAT(fault_of(replaced(by_hour, "40%", "0%")), HasSubstr("owned.utilisation: expected more than 0%"));
}

TEST(CostInput, AnUnknownKeyNamesTheNearest) {
  try {
    read(replaced(kReference, "escalated", "escalatd"));
    FAIL() << "the key was accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("cost.yml:6: owned.escalatd: unknown key"));
    EXPECT_EQ(error.hint(), "did you mean escalated?");
  }
}

}  // namespace
}  // namespace understudy
