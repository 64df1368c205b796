#include "gateway/capture/amender.h"

#include <gtest/gtest.h>

#include "tests/gateway/capture/capture_fixture.h"
#include "tests/support/memory_store.h"

namespace understudy {
namespace {

using namespace understudy::testing;

ExchangeAttempt shadow_attempt(const std::string& answer) {
  ExchangeAttempt attempt;
  attempt.purpose = ExchangeAttempt::Purpose::kShadow;
  attempt.provider = "own";
  attempt.answer = answer;
  return attempt;
}

class AmenderTest : public ::testing::Test {
 protected:
  static void tidy(const Exchange&, std::vector<ExchangeAttempt>& attempts) {
    for (ExchangeAttempt& attempt : attempts) attempt.answer = "[tidied]";
  }
  const TemporaryFolder folder_;
  MemoryStore store_;
  Metrics metrics_;
};

TEST_F(AmenderTest, AnExchangeInTheStoreIsRecordedAnewWithTheAttempt) {
  store_.add({ended_exchange("a")}, {});
  {
    Recorder recorder({.folder = folder_ / "log", .sync = SyncMode::kNever}, metrics_);
    Amender amender(recorder, store_, tidy);
    amender.add("a", {shadow_attempt("secret")});
  }
  const Exchange exchange = exchanges_in(folder_ / "log").at("a");
  ASSERT_EQ(exchange.attempts.size(), 1U);
  EXPECT_EQ(exchange.attempts[0].purpose, ExchangeAttempt::Purpose::kShadow);
  EXPECT_EQ(exchange.attempts[0].answer, "[tidied]");
  EXPECT_EQ(exchange.answer, ended_exchange("a").answer) << "the rest stays";
}

TEST_F(AmenderTest, WaitsForAnExchangeThatIsNotInTheStoreYet) {
  Recorder recorder({.folder = folder_ / "log", .sync = SyncMode::kNever}, metrics_);
  Amender amender(recorder, store_, tidy);
  amender.add("late", {shadow_attempt("x")});
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  store_.add({ended_exchange("late")}, {});
  EXPECT_TRUE(comes_true([&] { return exchanges_in(folder_ / "log").count("late") == 1; }));
}

TEST_F(AmenderTest, OneThatNeverComesDoesNotHoldTheEndUp) {
  Recorder recorder({.folder = folder_ / "log", .sync = SyncMode::kNever}, metrics_);
  const auto before = std::chrono::steady_clock::now();
  {
    Amender amender(recorder, store_, tidy);
    amender.add("never", {shadow_attempt("x")});
  }
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5)) << "it is given up with a warning";
}

}  // namespace
}  // namespace understudy
