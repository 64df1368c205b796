#include "base/task_group.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "base/deadlines.h"
#include "base/worker_pool.h"

namespace understudy {
namespace {

Awaitable<void> wait_until_stopped(Deadlines& deadlines, Call call, std::atomic<int>& ended) {
  co_await sleep_for(deadlines, std::chrono::hours(1), call);
  ++ended;
}

TEST(TaskGroup, StopsItsTasksAndWaitsForThem) {
  WorkerPool pool(2);
  Deadlines deadlines;
  std::atomic<int> ended{0};
  TaskGroup tasks;
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(tasks.start(wait_until_stopped(deadlines, {&pool, tasks.stop_token()}, ended)));
  }
  EXPECT_EQ(ended, 0);
  tasks.stop_and_wait();
  EXPECT_EQ(ended, 20);
}

TEST(TaskGroup, StartsNothingOnceItWasStopped) {
  WorkerPool pool(1);
  Deadlines deadlines;
  std::atomic<int> ended{0};
  TaskGroup tasks;
  tasks.stop_and_wait();
  EXPECT_FALSE(tasks.start(wait_until_stopped(deadlines, {&pool, tasks.stop_token()}, ended)));
  EXPECT_EQ(ended, 0);
}

}  // namespace
}  // namespace understudy
