#include "gateway/capture/retention.h"

#include <gtest/gtest.h>

#include "tests/gateway/capture/capture_fixture.h"
#include "tests/gateway/capture/faulty_store.h"

namespace understudy::testing {
namespace {

TEST(Retention, EveryTaskHasItsOwnTime) {
  const TemporaryFolder folder;
  FaultyStore store(folder / "store.db");
  std::vector<Exchange> exchanges;
  for (const char* task : {"short", "for good", "other"}) {
    for (const int64_t age_s : {1, 10, 100}) {
      Exchange exchange = ended_exchange(std::string(task) + std::to_string(age_s), 1'000'000 - age_s * 1000);
      exchange.task = task;
      exchanges.push_back(exchange);
    }
  }
  store.add(exchanges, {1, 1});
  const RetentionRules rules{.others = std::chrono::seconds(50),
                             .tasks = {{"short", std::chrono::seconds(5)}, {"for good", std::nullopt}}};
  EXPECT_EQ(forget_old_bodies(store, rules, 1'000'000), 3);
  const auto kept = [&](const std::string& id) { return !store.exchange(id)->request.empty(); };
  EXPECT_TRUE(kept("short1") && !kept("short10") && !kept("short100"));
  EXPECT_TRUE(kept("for good1") && kept("for good100"));
  EXPECT_TRUE(kept("other1") && kept("other10") && !kept("other100"));
}

}  // namespace
}  // namespace understudy::testing
