#include "gateway/api/target_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(TargetMetricsTest, ShowsBreakersChecksAndLatency) {
  Metrics metrics;
  TargetMetrics target_metrics(metrics);
  HealthBoard board;
  BreakerLimits limits;
  limits.failures = 1;
  const TargetHealth::Time now = TargetHealth::Time() + seconds(1000);
  board.target("good", "m", limits)->answered(now, std::chrono::milliseconds(250));
  board.target("bad", "m", limits)
      ->failed(now, {ProviderFailure::Kind::kBroken, Error(ErrorCode::kUnavailable, "planted"), std::nullopt});
  board.checked("bad", now, false);
  target_metrics.set(board, now);
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("understudy_target_breaker{model=\"m\",provider=\"good\"} 0"));
  EXPECT_THAT(text, HasSubstr("understudy_target_breaker{model=\"m\",provider=\"bad\"} 2"));
  EXPECT_THAT(text, HasSubstr("understudy_target_well{model=\"m\",provider=\"bad\"} 0"));
  EXPECT_THAT(text, HasSubstr("understudy_target_first_token_seconds{model=\"m\",provider=\"good\"} 0.25"));
  EXPECT_THAT(text, Not(HasSubstr("understudy_target_first_token_seconds{model=\"m\",provider=\"bad\"}")));

  target_metrics.set(board, now + limits.open);
  EXPECT_THAT(metrics.text(), HasSubstr("understudy_target_breaker{model=\"m\",provider=\"bad\"} 1")) << "half open";
}

}  // namespace
}  // namespace understudy
