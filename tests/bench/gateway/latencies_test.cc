#include "bench/gateway/latencies.h"

#include <gtest/gtest.h>

namespace understudy::bench {
namespace {

Latencies of_microseconds(std::initializer_list<int> values) {
  Latencies latencies;
  for (const int value : values) latencies.add(std::chrono::microseconds(value));
  return latencies;
}

TEST(LatenciesTest, APercentileIsAMeasuredFigure) {
  Latencies latencies = of_microseconds({50, 10, 40, 20, 30});
  EXPECT_EQ(latencies.percentile_us(20), 10);
  EXPECT_EQ(latencies.percentile_us(50), 30);
  EXPECT_EQ(latencies.percentile_us(60), 30);
  EXPECT_EQ(latencies.percentile_us(60.1), 40);
  EXPECT_EQ(latencies.percentile_us(99), 50);
  EXPECT_EQ(latencies.percentile_us(100), 50);
}

TEST(LatenciesTest, OneInAHundredIsNotThe99thPercentile) {
  Latencies latencies;
  for (int i = 0; i < 99; ++i) latencies.add(std::chrono::microseconds(1));
  latencies.add(std::chrono::microseconds(1000));
  EXPECT_EQ(latencies.percentile_us(99), 1);
  EXPECT_EQ(latencies.percentile_us(99.5), 1000);
}

TEST(LatenciesTest, NothingMeasuredIsZero) {
  EXPECT_EQ(Latencies().percentile_us(50), 0);
}

}  // namespace
}  // namespace understudy::bench
