#include "gateway/routing/health.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/worker_pool.h"
#include "tests/support/scripted_provider.h"

namespace understudy {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::Script;
using testing::ScriptedProvider;
using Kind = ProviderFailure::Kind;

const TargetHealth::Time kNow = TargetHealth::Time() + std::chrono::hours(1);

ProviderFailure failure(Kind kind, std::optional<seconds> retry_after = std::nullopt) {
  return {kind, Error(ErrorCode::kUnavailable, "planted"), retry_after};
}

BreakerLimits after_one() {
  BreakerLimits limits;
  limits.failures = 1;
  return limits;
}

TEST(TargetHealthTest, WhatIsTheAffairOfOneRequestOpensNoBreaker) {
  for (const Kind kind : {Kind::kRefused, Kind::kKey, Kind::kNoSuchModel, Kind::kRateLimited, Kind::kCancelled}) {
    TargetHealth health(after_one());
    ASSERT_TRUE(health.admit(kNow));
    health.failed(kNow, failure(kind));
    EXPECT_TRUE(health.admit(kNow)) << to_string(kind);
  }
  for (const Kind kind : {Kind::kOverloaded, Kind::kUnavailable, Kind::kTimedOut, Kind::kBroken}) {
    TargetHealth health(after_one());
    ASSERT_TRUE(health.admit(kNow));
    health.failed(kNow, failure(kind));
    EXPECT_FALSE(health.admit(kNow)) << to_string(kind);
    EXPECT_GT(health.open_for(kNow), nanoseconds(0)) << to_string(kind);
  }
}

TEST(TargetHealthTest, RetryAfterIsKeptToAMinuteAtMost) {
  TargetHealth health{BreakerLimits{}};
  ASSERT_TRUE(health.admit(kNow));
  health.failed(kNow, failure(Kind::kRateLimited, seconds(5)));
  EXPECT_EQ(health.paused_for(kNow), seconds(5));
  EXPECT_FALSE(health.admit(kNow + seconds(4)));
  ASSERT_TRUE(health.admit(kNow + seconds(5)));
  health.failed(kNow + seconds(5), failure(Kind::kRateLimited, seconds(86'400)));
  EXPECT_EQ(health.paused_for(kNow + seconds(5)), kLongestRetryAfter);
  health.failed(kNow + seconds(6), failure(Kind::kRateLimited, seconds(1)));
  EXPECT_EQ(health.paused_for(kNow + seconds(5)), kLongestRetryAfter) << "a later, shorter one takes nothing back";
  health.failed(kNow + seconds(100), failure(Kind::kRateLimited, seconds(-3)));
  EXPECT_EQ(health.paused_for(kNow + seconds(100)), nanoseconds(0));
}

TEST(TargetHealthTest, LatencyIsAMovingAverageThatHalvesWithEveryMinute) {
  TargetHealth health{BreakerLimits{}};
  EXPECT_EQ(health.latency(kNow), nanoseconds(0));
  health.answered(kNow, milliseconds(100));
  EXPECT_EQ(health.latency(kNow), milliseconds(100));
  health.answered(kNow, milliseconds(200));
  EXPECT_NEAR(static_cast<double>(health.latency(kNow).count()), 130e6, 1e3);  // 0.7 x 100 + 0.3 x 200
  EXPECT_NEAR(static_cast<double>(health.latency(kNow + seconds(60)).count()), 65e6, 1e3);
}

TEST(TargetHealthTest, TheLastFailureIsKnownUntilAnAnswer) {
  TargetHealth health{BreakerLimits{}};
  EXPECT_FALSE(health.last_failure());
  health.failed(kNow, failure(Kind::kBroken));
  ASSERT_TRUE(health.last_failure());
  EXPECT_EQ(health.last_failure()->kind, Kind::kBroken);
  health.checked(kNow, false);
  EXPECT_FALSE(health.seems_well());
  health.answered(kNow, milliseconds(1));
  EXPECT_FALSE(health.last_failure());
  EXPECT_TRUE(health.seems_well());
}

TEST(TargetHealthTest, ACheckThatFindsItThereLetsTheNextRequestTry) {
  TargetHealth health(after_one());
  ASSERT_TRUE(health.admit(kNow));
  health.failed(kNow, failure(Kind::kUnavailable));
  ASSERT_FALSE(health.admit(kNow));
  health.checked(kNow, true);
  EXPECT_TRUE(health.admit(kNow));
}

TEST(HealthBoardTest, ATargetKeepsWhatIsKnownWhenTheConfigIsReadAgain) {
  HealthBoard board;
  const auto health = board.target("groq", "llama", BreakerLimits{});
  ASSERT_TRUE(health->admit(kNow));
  health->failed(kNow, failure(Kind::kBroken));
  EXPECT_EQ(board.target("groq", "llama", after_one()), health);
  ASSERT_TRUE(health->admit(kNow));
  health->failed(kNow, failure(Kind::kBroken));
  EXPECT_FALSE(health->admit(kNow)) << "the new limits hold";
  EXPECT_NE(board.target("groq", "other", BreakerLimits{}), health);
  board.checked("groq", kNow, false);
  ASSERT_EQ(board.rows().size(), 2U);
  for (const HealthBoard::Row& row : board.rows()) EXPECT_FALSE(row.health->seems_well()) << row.model;
}

class HealthChecksTest : public ::testing::Test {
 protected:
  static bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(5));
    }
    return false;
  }
  Deadlines deadlines_;
  WorkerPool pool_{1};
  HealthBoard board_;
  std::shared_ptr<TargetHealth> health_ = board_.target("own", "m", BreakerLimits{});
  std::shared_ptr<ScriptedProvider> provider_ = std::make_shared<ScriptedProvider>(deadlines_, Script());
};

TEST_F(HealthChecksTest, FindOutThatAProviderIsGoneAndThatItIsBack) {
  HealthChecks checks(deadlines_, pool_, board_);
  provider_->set_dead(true);
  checks.watch({{"own", provider_, milliseconds(2)}});
  EXPECT_TRUE(eventually([&] { return !health_->seems_well(); }));
  provider_->set_dead(false);
  EXPECT_TRUE(eventually([&] { return health_->seems_well(); }));
}

TEST_F(HealthChecksTest, WhatIsNoLongerWatchedIsAskedNoMore) {
  HealthChecks checks(deadlines_, pool_, board_);
  const auto never = std::make_shared<ScriptedProvider>(deadlines_, Script());
  checks.watch({{"own", provider_, milliseconds(2)}, {"never", never, nanoseconds(0)}});
  ASSERT_TRUE(eventually([&] { return provider_->probed() > 2; }));
  const auto other = std::make_shared<ScriptedProvider>(deadlines_, Script());
  checks.watch({{"other", other, milliseconds(2)}});
  ASSERT_TRUE(eventually([&] { return other->probed() > 2; }));
  const int probed = provider_->probed();
  ASSERT_TRUE(eventually([&] { return other->probed() > 6; }));
  EXPECT_LE(provider_->probed(), probed + 1) << "one may have been under way";
  EXPECT_EQ(never->probed(), 0);
}

}  // namespace
}  // namespace understudy
