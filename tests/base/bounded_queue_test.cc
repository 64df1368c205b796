#include "base/bounded_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace understudy {
namespace {

TEST(BoundedQueue, RefusesWhenFullAndLeavesTheValue) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  auto first = std::make_unique<int>(1);
  auto second = std::make_unique<int>(2);
  EXPECT_TRUE(queue.try_push(first));
  EXPECT_FALSE(queue.try_push(second));
  ASSERT_NE(second, nullptr) << "untouched";
  EXPECT_EQ(**queue.pop(), 1);
  EXPECT_TRUE(queue.try_push(second));
  EXPECT_EQ(queue.size(), 1U);
}

TEST(BoundedQueue, StoppingLetsTheRestOutAndWakesEverybody) {
  BoundedQueue<int> queue(4);
  int value = 7;
  EXPECT_TRUE(queue.try_push(value));
  queue.stop();
  EXPECT_FALSE(queue.try_push(value));
  EXPECT_EQ(queue.pop(), 7);
  EXPECT_EQ(queue.pop(), std::nullopt);
  EXPECT_EQ(queue.try_pop(), std::nullopt);

  BoundedQueue<int> waited(1);
  std::thread waiter([&] { EXPECT_EQ(waited.pop(), std::nullopt); });
  waited.stop();
  waiter.join();
}

TEST(BoundedQueue, NothingIsLostBetweenThreads) {
  constexpr int kValues = 2000;
  BoundedQueue<int> queue(8);
  int64_t sum = 0;
  std::thread reader([&] {
    while (const auto value = queue.pop()) sum += *value;
  });
  std::vector<std::thread> writers;
  for (int w = 0; w < 2; ++w) {
    writers.emplace_back([&] {
      for (int i = 1; i <= kValues; ++i) {
        while (!queue.try_push(i)) std::this_thread::yield();
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  queue.stop();
  reader.join();
  EXPECT_EQ(sum, int64_t{kValues} * (kValues + 1));
}

}  // namespace
}  // namespace understudy
