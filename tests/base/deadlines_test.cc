#include "base/deadlines.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <vector>

#include "base/channel.h"
#include "base/worker_pool.h"
#include "tests/support/run_awaitable.h"

namespace understudy {
namespace {

using Clock = Deadlines::Clock;
using std::chrono::milliseconds;

Awaitable<std::optional<int>> next_of(Channel<int>& channel, Executor& executor) {
  std::optional<int> value = co_await channel.next(executor);
  co_return value;
}

TEST(Deadlines, CallsInOrderOfTheirInstants) {
  WorkerPool pool(1);
  Deadlines deadlines;
  Channel<int> called;
  const Clock::time_point now = Clock::now();
  std::vector<Deadlines::Ticket> tickets;
  for (const int i : {3, 1, 2}) {
    tickets.push_back(deadlines.at(now + milliseconds(5) * i, [&called, i]() -> std::optional<Clock::time_point> {
      called.push(i);
      return std::nullopt;
    }));
  }
  for (const int i : {1, 2, 3}) EXPECT_EQ(testing::run(next_of(called, pool)), i);
  EXPECT_GE(Clock::now() - now, milliseconds(15));
}

TEST(Deadlines, ADroppedTicketIsNotCalledAndFreesWhatItsCallOwned) {
  Deadlines deadlines;
  const auto owned = std::make_shared<int>(0);
  Deadlines::Ticket ticket = deadlines.at(Clock::now() + std::chrono::hours(1), [owned] { return std::nullopt; });
  EXPECT_EQ(owned.use_count(), 2);
  ticket.drop();
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(Deadlines, ACallMayAskToBeCalledAgain) {
  WorkerPool pool(1);
  Deadlines deadlines;
  Channel<int> called;
  int times = 0;
  const Deadlines::Ticket ticket = deadlines.at(Clock::now(), [&]() -> std::optional<Clock::time_point> {
    called.push(++times);
    if (times == 3) return std::nullopt;
    return Clock::now() + milliseconds(1);
  });
  for (const int i : {1, 2, 3}) EXPECT_EQ(testing::run(next_of(called, pool)), i);
}

TEST(Deadlines, AWaitEndsWithItsTimeOrWithItsStop) {
  WorkerPool pool(1);
  Deadlines deadlines;
  std::stop_source stop;
  const Call call{&pool, stop.get_token()};
  EXPECT_TRUE(testing::run(sleep_for(deadlines, milliseconds(2), call)));
  const Deadlines::Ticket stopper =
      deadlines.at(Clock::now() + milliseconds(5), [&stop]() -> std::optional<Clock::time_point> {
        stop.request_stop();
        return std::nullopt;
      });
  EXPECT_FALSE(testing::run(sleep_for(deadlines, std::chrono::hours(1), call)));
  EXPECT_FALSE(testing::run(sleep_for(deadlines, std::chrono::hours(1), call)));  // already stopped
}

TEST(Deadlines, ManyThreadsSetAndDropAtOnceAndNothingStays) {
  const auto owned = std::make_shared<std::atomic<int>>(0);
  {
    Deadlines deadlines;
    WorkerPool pool(4);
    for (int thread = 0; thread < 4; ++thread) {
      pool.post([&] {
        for (int i = 0; i < 500; ++i) {
          const Deadlines::Ticket dropped = deadlines.at(Clock::now() + std::chrono::microseconds(i % 7),
                                                         [owned]() -> std::optional<Clock::time_point> {
                                                           ++*owned;
                                                           return Clock::now();
                                                         });
        }
      });
    }
  }
  EXPECT_EQ(owned.use_count(), 1) << *owned << " calls";
}

}  // namespace
}  // namespace understudy
