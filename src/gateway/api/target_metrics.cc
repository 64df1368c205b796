#include "gateway/api/target_metrics.h"

#include <chrono>

namespace understudy {

namespace {

double number_of(Breaker::State state) {
  switch (state) {
    case Breaker::State::kClosed:
      return 0;
    case Breaker::State::kHalfOpen:
      return 1;
    case Breaker::State::kOpen:
      return 2;
  }
  return 0;
}

}  // namespace

TargetMetrics::TargetMetrics(Metrics& metrics)
    : breaker_(
          metrics.gauge("understudy_target_breaker", "A target's circuit breaker: 0 closed, 1 half open, 2 open.")),
      well_(metrics.gauge("understudy_target_well", "0 after a health check that failed, until the target answers.")),
      latency_(metrics.gauge("understudy_target_first_token_seconds",
                             "A target's time to its first token, as a moving average.")) {}

void TargetMetrics::set(const HealthBoard& board, TargetHealth::Time now) {
  for (const HealthBoard::Row& row : board.rows()) {
    const MetricLabels who = {{"provider", row.provider}, {"model", row.model}};
    breaker_.set(number_of(row.health->breaker(now)), who);
    well_.set(row.health->seems_well() ? 1 : 0, who);
    const double latency = std::chrono::duration<double>(row.health->latency(now)).count();
    if (latency > 0) latency_.set(latency, who);
  }
}

}  // namespace understudy
