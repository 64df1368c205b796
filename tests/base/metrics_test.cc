#include "base/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy {
namespace {

using ::testing::HasSubstr;

TEST(Metrics, AreWrittenAsPrometheusReadsThem) {
  Metrics metrics;
  CounterMetric& counter = metrics.counter("a_total", "Things.");
  counter.add(1, {{"kind", "x"}});
  counter.add(2, {{"kind", "x"}});
  counter.add(5, {{"kind", "y"}});
  metrics.gauge("b", "Now.").set(7);
  HistogramMetric& times = metrics.histogram("c_seconds", "Times.", {0.1, 1});
  times.observe(0.05);
  times.observe(0.5);
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("# HELP a_total Things.\n# TYPE a_total counter\n"));
  EXPECT_THAT(text, HasSubstr("a_total{kind=\"x\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("a_total{kind=\"y\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("\nb 7\n"));
  EXPECT_THAT(text, HasSubstr("c_seconds_bucket{le=\"0.1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("c_seconds_bucket{le=\"+Inf\"} 2\n"));
}

}  // namespace
}  // namespace understudy
