#include "base/awaitable.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/channel.h"
#include "base/worker_pool.h"
#include "tests/support/run_awaitable.h"

namespace understudy {
namespace {

using testing::run;

Awaitable<int> number(int value) {
  co_return value;
}
Awaitable<int> sum_to(int n) {
  int sum = 0;
  for (int i = 1; i <= n; ++i) sum += co_await number(i);
  co_return sum;
}
Awaitable<int> thrower() {
  throw std::runtime_error("planted");
  co_return 0;
}
Awaitable<std::string> catcher() {
  std::string said;
  try {
    (void)co_await thrower();
  } catch (const std::runtime_error& error) {
    said = error.what();
  }
  co_return said;
}

TEST(Awaitable, GivesValuesAndExceptionsToWhoAwaits) {
  EXPECT_EQ(run(sum_to(4)), 10);
  EXPECT_EQ(run(catcher()), "planted");
  EXPECT_THROW((void)run(thrower()), std::runtime_error);
}

TEST(Awaitable, NeedsNoStackForALongLoop) {
  EXPECT_EQ(run(sum_to(60'000)), 1'800'030'000);
}

TEST(Awaitable, IsDestroyedUnstartedWithItsArguments) {
  const auto value = std::make_shared<int>(5);
  const auto holds = [](std::shared_ptr<int> held) -> Awaitable<int> { co_return *held; };
  { const Awaitable<int> never = holds(value); }
  EXPECT_EQ(value.use_count(), 1);
}

Awaitable<bool> hops(Executor& there) {
  const std::thread::id before = std::this_thread::get_id();
  co_await resume_on(there);
  co_return before != std::this_thread::get_id();
}

TEST(WorkerPool, TakesACoroutineOver) {
  WorkerPool pool(1);
  EXPECT_TRUE(run(hops(pool)));
}

TEST(WorkerPool, RunsWhatWasPostedBeforeItEnds) {
  std::atomic<int> done{0};
  {
    WorkerPool pool(2);
    for (int i = 0; i < 100; ++i) pool.post([&done] { ++done; });
  }
  EXPECT_EQ(done, 100);
}

Awaitable<int> drain(Channel<int>& channel, Executor& executor) {
  int sum = 0;
  while (true) {
    const std::optional<int> value = co_await channel.next(executor);
    if (!value) break;
    sum += *value;
  }
  co_return sum;
}

TEST(Channel, HandsEveryValueOfAnotherThreadOver) {
  WorkerPool pool(1);
  Channel<int> channel;
  std::thread producer([&channel] {
    for (int i = 1; i <= 1000; ++i) channel.push(i);
    channel.close();
    channel.push(1000000);  // too late
  });
  EXPECT_EQ(run(drain(channel, pool)), 500500);
  producer.join();
}

// Who waits is woken for a value only: a reader that comes between a value's arrival and its wake-up call would else
// take the value, wait for the next one, and be told that there is none.
TEST(Channel, IsNeverAtItsEndBeforeItIsClosed) {
  constexpr int kProducers = 4, kValues = 2000;
  WorkerPool pool(1);
  for (int round = 0; round < 20; ++round) {
    Channel<int> channel;
    std::atomic<int> at_work{kProducers};
    std::vector<std::thread> producers;
    for (int i = 0; i < kProducers; ++i) {
      producers.emplace_back([&] {
        for (int n = 0; n < kValues; ++n) channel.push(1);
        if (--at_work == 0) channel.close();
      });
    }
    EXPECT_EQ(run(drain(channel, pool)), kProducers * kValues) << "round " << round;
    for (std::thread& producer : producers) producer.join();
  }
}

}  // namespace
}  // namespace understudy
