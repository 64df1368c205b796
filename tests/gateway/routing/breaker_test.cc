#include "gateway/routing/breaker.h"

#include <gtest/gtest.h>

#include <optional>

namespace understudy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Breaker::Time kStart{std::chrono::hours(1)};

Breaker tripped(Breaker::Time at = kStart) {
  Breaker breaker({});
  for (int i = 0; i < 5; ++i) breaker.failed(at);
  return breaker;
}

TEST(Breaker, OpensAfterFailuresInARowWithinTheWindow) {
  Breaker breaker({});
  for (int i = 0; i < 4; ++i) breaker.failed(kStart);
  EXPECT_TRUE(breaker.admit(kStart));
  breaker.failed(kStart);
  EXPECT_EQ(breaker.state(kStart), Breaker::State::kOpen);
  EXPECT_FALSE(breaker.admit(kStart));
  EXPECT_EQ(breaker.open_for(kStart), seconds(2));
}

TEST(Breaker, FailuresOutsideTheWindowAndBeforeASuccessDoNotCount) {
  Breaker slow({});
  for (int i = 0; i < 20; ++i) slow.failed(kStart + seconds(10) * i);
  EXPECT_EQ(slow.state(kStart + seconds(190)), Breaker::State::kClosed);

  Breaker mixed({});
  for (int i = 0; i < 20; ++i) {
    mixed.failed(kStart);
    if (i % 4 == 3) mixed.succeeded();
  }
  EXPECT_EQ(mixed.state(kStart), Breaker::State::kClosed);
}

TEST(Breaker, HalfOpenLetsOneThrough) {
  Breaker breaker = tripped();
  const Breaker::Time later = kStart + seconds(2);
  EXPECT_EQ(breaker.state(later), Breaker::State::kHalfOpen);
  EXPECT_TRUE(breaker.would_admit(later));
  EXPECT_TRUE(breaker.admit(later));
  EXPECT_FALSE(breaker.admit(later));
  breaker.succeeded();
  EXPECT_EQ(breaker.state(later), Breaker::State::kClosed);
  EXPECT_TRUE(breaker.admit(later) && breaker.admit(later));
}

TEST(Breaker, APlaceComesBackWhenItsRequestShowsNothing) {
  Breaker breaker = tripped();
  const Breaker::Time later = kStart + seconds(2);
  EXPECT_TRUE(breaker.admit(later));
  breaker.left();
  EXPECT_TRUE(breaker.admit(later));
  EXPECT_FALSE(breaker.admit(later + seconds(14)));
  EXPECT_TRUE(breaker.admit(later + seconds(15)));  // its outcome was never told
}

TEST(Breaker, StaysOpenTwiceAsLongEachTimeUpToTheLimit) {
  Breaker breaker = tripped();
  Breaker::Time now = kStart;
  for (const int expected : {2, 4, 8, 15, 15}) {
    EXPECT_EQ(breaker.open_for(now), seconds(expected));
    now += seconds(expected);
    EXPECT_FALSE(breaker.admit(now - milliseconds(1)));
    EXPECT_TRUE(breaker.admit(now));
    breaker.failed(now);
  }
  now += seconds(15);
  EXPECT_TRUE(breaker.admit(now));
  breaker.succeeded();
  for (int i = 0; i < 5; ++i) breaker.failed(now);
  EXPECT_EQ(breaker.open_for(now), seconds(2));  // a success begins anew
}

TEST(Breaker, LateFailuresOfRequestsSentBeforeItOpenedDoNotKeepItOpen) {
  Breaker breaker = tripped();
  for (int i = 0; i < 50; ++i) breaker.failed(kStart + seconds(1));
  EXPECT_EQ(breaker.open_for(kStart + seconds(1)), seconds(1));
  breaker.failed(kStart + seconds(3));
  EXPECT_TRUE(breaker.admit(kStart + seconds(3)));
}

TEST(Breaker, ACheckThatFoundItThereLetsTheNextOneTry) {
  Breaker breaker = tripped();
  breaker.seems_well(kStart + milliseconds(100));
  EXPECT_TRUE(breaker.admit(kStart + milliseconds(100)));
  EXPECT_FALSE(breaker.admit(kStart + milliseconds(100)));
}

// Whatever the outage's length, a provider that is back is in use again within 20 s of traffic.
TEST(Breaker, ARecoveredProviderIsInUseAgainWithinTwentySeconds) {
  for (int outage = 1; outage <= 300; outage += 7) {
    Breaker breaker({});
    const Breaker::Time recovery = kStart + seconds(outage);
    std::optional<Breaker::Time> in_use;
    for (Breaker::Time now = kStart; now < recovery + seconds(30) && !in_use; now += milliseconds(100)) {
      if (!breaker.admit(now)) continue;
      if (now < recovery) {
        breaker.failed(now);
      } else {
        breaker.succeeded();
        in_use = now;
      }
    }
    ASSERT_TRUE(in_use) << "outage of " << outage << " s";
    EXPECT_LE(*in_use - recovery, seconds(20)) << "outage of " << outage << " s";
  }
}

}  // namespace
}  // namespace understudy
