#include "gateway/capture/exchange_source.h"

#include <gmock/gmock.h>

#include "tests/gateway/capture/capture_fixture.h"
#include "tests/gateway/capture/faulty_store.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;

class ExchangeSourceTest : public ::testing::Test {
 protected:
  std::vector<std::string> ids(const ExchangeFilter& filter = {}) const {
    std::vector<std::string> list;
    source_.each_exchange(filter, [&](const Exchange& exchange) {
      list.push_back(exchange.id + (exchange.partial ? "?" : ""));
      return true;
    });
    return list;
  }

  TemporaryFolder folder_;
  Metrics metrics_;
  WorkerPool pool_{1};
  FaultyStore store_{folder_ / "store.db"};
  ExchangeSource source_{folder_ / "capture", store_};
};

TEST_F(ExchangeSourceTest, StoreAndLogTogetherInTheOrderOfTime) {
  store_.add({ended_exchange("a", 1000), ended_exchange("c", 3000), ended_exchange("e", 5000)}, {0, 0});
  EXPECT_THAT(ids(), ElementsAre("a", "c", "e"));
  Recorder log({.folder = folder_ / "capture", .sync = SyncMode::kNever}, metrics_);
  run(log.end(ended_exchange("b", 2000), pool_));
  run(log.begin(begun_exchange("d", 4000), pool_));
  run(log.end(ended_exchange("f", 6000), pool_));
  EXPECT_THAT(ids(), ElementsAre("a", "b", "c", "d?", "e", "f"));
  EXPECT_THAT(ids({.since_ms = 2000, .until_ms = 5000}), ElementsAre("b", "c", "d?"));
  EXPECT_THAT(ids({.limit = 3}), ElementsAre("a", "b", "c"));
  EXPECT_THAT(ids({.task = "other"}), ElementsAre());
}

TEST_F(ExchangeSourceTest, WhatIsInBothIsGivenOnceAsTheLogHasIt) {
  Exchange partial = begun_exchange("a", 1000);
  partial.partial = true;
  store_.add({partial, ended_exchange("b", 2000)}, {0, 0});
  Recorder log({.folder = folder_ / "capture", .sync = SyncMode::kNever}, metrics_);
  run(log.end(ended_exchange("a", 1000), pool_));
  EXPECT_THAT(ids(), ElementsAre("a", "b"));
  Exchange moved = ended_exchange("b", 2000);
  moved.task = "receipts";
  run(log.end(moved, pool_));
  EXPECT_THAT(ids({.task = "invoices"}), ElementsAre("a"));
  EXPECT_THAT(ids({.task = "receipts"}), ElementsAre("b"));
}

TEST_F(ExchangeSourceTest, StopsWhenItIsTold) {
  store_.add({ended_exchange("a", 1000), ended_exchange("b", 2000)}, {0, 0});
  int n_given = 0;
  source_.each_exchange({}, [&](const Exchange&) { return ++n_given < 1; });
  EXPECT_EQ(n_given, 1);
}

}  // namespace
}  // namespace understudy::testing
