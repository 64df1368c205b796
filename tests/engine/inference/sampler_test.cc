#include "engine/inference/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// Which tokens come out over many positions, and how often.
std::map<TokenId, int> draws(SamplingParameters parameters, const std::vector<float>& logits, int n = 4000) {
  Sampler sampler(std::move(parameters), 5);
  std::map<TokenId, int> counts;
  for (int i = 0; i < n; ++i) ++counts[sampler.choose(logits, i)];
  return counts;
}

std::vector<TokenId> kept(SamplingParameters parameters, const std::vector<float>& logits) {
  std::vector<TokenId> ids;
  for (const auto& [id, count] : draws(std::move(parameters), logits)) ids.push_back(id);
  return ids;
}

std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

TEST(Sampler, GreedyTakesTheLowestOfEquals) {
  Sampler sampler({.temperature = 0}, 1);
  EXPECT_EQ(sampler.choose(std::vector<float>{1, 7, 3, 7}, 0), 1);
}

TEST(Sampler, DrawsFollowTheProbabilities) {
  const std::map<TokenId, int> counts = draws({}, logits_of({0.5, 0.3, 0.2}), 20000);
  // Four standard deviations of a share of 0.5 over 20,000 draws are 0.0142.
  EXPECT_NEAR(counts.at(0) / 20000.0, 0.5, 0.0142);
  EXPECT_NEAR(counts.at(1) / 20000.0, 0.3, 0.0142);
  EXPECT_NEAR(counts.at(2) / 20000.0, 0.2, 0.0142);
}

TEST(Sampler, TemperatureSharpens) {
  // At temperature 0.5 probabilities are squared: 0.25, 0.09, 0.04 of 0.38.
  const std::map<TokenId, int> counts = draws({.temperature = 0.5}, logits_of({0.5, 0.3, 0.2}), 20000);
  EXPECT_NEAR(counts.at(0) / 20000.0, 0.25 / 0.38, 0.0142);
}

TEST(Sampler, TopKKeepsTheMostProbableAndTheirEquals) {
  EXPECT_THAT(kept({.top_k = 2}, logits_of({0.1, 0.4, 0.2, 0.3})), ElementsAre(1, 3));
  EXPECT_THAT(kept({.top_k = 2}, logits_of({0.2, 0.4, 0.2, 0.2})), ElementsAre(0, 1, 2, 3));
}

TEST(Sampler, TopPKeepsTheSmallestSetThatReachesIt) {
  EXPECT_THAT(kept({.top_p = 0.65}, logits_of({0.1, 0.4, 0.2, 0.3})), ElementsAre(1, 3));
  EXPECT_THAT(kept({.top_p = 0.75}, logits_of({0.1, 0.4, 0.2, 0.3})), ElementsAre(1, 2, 3));
  EXPECT_THAT(kept({.top_p = 0.01}, logits_of({0.1, 0.4, 0.2, 0.3})), ElementsAre(1));
}

TEST(Sampler, TopPIsTakenOfWhatTopKLeft) {
  // Of 0.4 and 0.3 alone, 0.4 is 57%: enough for top_p 0.55, which it would not be of everything.
  EXPECT_THAT(kept({.top_p = 0.55, .top_k = 2}, logits_of({0.1, 0.4, 0.2, 0.3})), ElementsAre(1));
}

TEST(Sampler, MinPIsRelativeToTheMostProbable) {
  EXPECT_THAT(kept({.min_p = 0.6}, logits_of({0.1, 0.4, 0.2, 0.3})), ElementsAre(1, 3));
}

TEST(Sampler, MinPComesAfterTemperature) {
  // At temperature 2 the ratio 0.3 / 0.4 becomes its root, 0.87, and 0.2 / 0.4 becomes 0.71.
  EXPECT_THAT(kept({.temperature = 2, .min_p = 0.7}, logits_of({0.1, 0.4, 0.2, 0.3})), ElementsAre(1, 2, 3));
}

TEST(Sampler, PenaltiesCountWhatWasGenerated) {
  const std::vector<float> logits = {2.0F, 1.9F, 1.0F};
  Sampler presence({.temperature = 0, .presence_penalty = 0.5}, 1);
  EXPECT_EQ(presence.choose(logits, 0), 0);
  presence.accept(0);
  EXPECT_EQ(presence.choose(logits, 1), 1);
  presence.accept(1);
  presence.accept(0);  // presence does not grow with the count
  EXPECT_EQ(presence.choose(logits, 2), 0);
  Sampler frequency({.temperature = 0, .frequency_penalty = 0.5}, 1);
  for (const TokenId id : {0, 0, 0, 1, 1}) frequency.accept(id);
  EXPECT_EQ(frequency.choose(logits, 0), 2);
}

TEST(Sampler, BiasForbidsAndForces) {
  EXPECT_THAT(kept({.logit_bias = {{1, -100.0F}}}, logits_of({0.1, 0.4, 0.5})), ElementsAre(0, 2));
  Sampler forced({.temperature = 0, .logit_bias = {{0, 100.0F}}}, 1);
  EXPECT_EQ(forced.choose(logits_of({0.1, 0.4, 0.5}), 0), 0);
}

TEST(Sampler, ADrawDependsOnSeedAndPositionOnly) {
  const std::vector<float> logits(50, 0.0F);
  Sampler one({}, 9);
  std::vector<TokenId> forward;
  for (int i = 0; i < 40; ++i) forward.push_back(one.choose(logits, i));
  Sampler other({}, 9);
  for (int i = 39; i >= 0; --i) EXPECT_EQ(other.choose(logits, i), forward[static_cast<size_t>(i)]);
  Sampler third({}, 10);
  std::vector<TokenId> different;
  for (int i = 0; i < 40; ++i) different.push_back(third.choose(logits, i));
  EXPECT_NE(different, forward);
  EXPECT_GT(std::set<TokenId>(forward.begin(), forward.end()).size(), 15u);
}

TEST(Sampler, ATinyTemperatureIsGreedyAndNotNan) {
  EXPECT_THAT(kept({.temperature = 1e-300}, {1, 3, 2}), ElementsAre(1));
}

TEST(Sampler, RefusesLogitsThatAreNoNumbers) {
  Sampler sampler({.temperature = 0}, 1);
  EXPECT_THROW(sampler.choose(std::vector<float>{1, std::nanf("")}, 0), Error);
  EXPECT_THROW(sampler.choose(std::vector<float>{std::numeric_limits<float>::infinity(), 1}, 0), Error);
}

TEST(SamplingParameters, TheErrorNamesParameterAndValue) {
  const auto message = [](const SamplingParameters& parameters) -> std::string {
    try {
      check(parameters, 10);
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  };
  EXPECT_EQ(message({}), "");
  EXPECT_THAT(message({.temperature = -1}), HasSubstr("temperature: expected a number from 0, got -1"));
  EXPECT_THAT(message({.temperature = std::nan("")}), HasSubstr("temperature"));
  EXPECT_THAT(message({.top_p = 0}), HasSubstr("top_p"));
  EXPECT_THAT(message({.top_p = 1.5}), HasSubstr("top_p"));
  EXPECT_THAT(message({.top_k = -1}), HasSubstr("top_k"));
  EXPECT_THAT(message({.min_p = 2}), HasSubstr("min_p"));
  EXPECT_THAT(message({.logit_bias = {{10, 1.0F}}}), HasSubstr("logit_bias: expected token ids from 0 to 9, got 10"));
}

TEST(LogProbabilities, AreOfTheSoftmaxAndSorted) {
  const std::vector<float> logits = logits_of({0.2, 0.5, 0.1, 0.2});
  const LogProbabilities probabilities(logits);
  EXPECT_NEAR(probabilities.of(1), std::log(0.5), 1e-6);
  const std::vector<TokenProbability> top = probabilities.top(3);
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0].id, 1);
  EXPECT_EQ(top[1].id, 0);  // of equals the lower id first
  EXPECT_EQ(top[2].id, 3);
  EXPECT_NEAR(top[1].logprob, std::log(0.2), 1e-6);
  EXPECT_EQ(probabilities.top(9).size(), 4u);
}

TEST(LogProbabilities, StayExactForLargeLogits) {
  const std::vector<float> logits = {1000, 999};
  const LogProbabilities probabilities(logits);
  EXPECT_NEAR(probabilities.of(0), -std::log(1 + std::exp(-1.0)), 1e-12);
}

}  // namespace
}  // namespace understudy
