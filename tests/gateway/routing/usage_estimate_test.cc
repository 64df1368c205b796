#include "gateway/routing/usage_estimate.h"

#include <gtest/gtest.h>

namespace understudy::testing {
namespace {

TEST(UsageEstimator, GuessesProseUntilAnAnswerWasTold) {
  const UsageEstimator estimator;
  const Usage guess = estimator.estimate("openai", "gpt-5", {.request = 4000, .output = 41, .reasoning = 8});
  EXPECT_EQ(guess, (Usage{.input = 1000, .output = 11, .reasoning = 2, .estimated = true}));
}

TEST(UsageEstimator, TakesTheRatiosThatTheModelHad) {
  UsageEstimator estimator;
  estimator.learn("openai", "gpt-5", {.request = 5000, .output = 300},
                  {.input = 500, .cached_input = 500, .output = 100});
  EXPECT_EQ(estimator.estimate("openai", "gpt-5", {.request = 5000, .output = 30}),
            (Usage{.input = 500, .cached_input = 500, .output = 10, .estimated = true}));
  EXPECT_EQ(estimator.estimate("openai", "gpt-6", {.request = 4000}).cached_input, 0) << "another model";
}

TEST(UsageEstimator, TheCachedShareFollowsWhatIsTold) {
  UsageEstimator estimator;
  estimator.learn("openai", "gpt-5", {.request = 4000}, {.input = 1000});
  for (int i = 0; i < 30; ++i)
    estimator.learn("openai", "gpt-5", {.request = 4000}, {.input = 200, .cached_input = 800});
  const Usage usage = estimator.estimate("openai", "gpt-5", {.request = 4000});
  EXPECT_NEAR(static_cast<double>(usage.cached_input), 800, 5);
  EXPECT_EQ(usage.input + usage.cached_input, 1000);
}

}  // namespace
}  // namespace understudy::testing
