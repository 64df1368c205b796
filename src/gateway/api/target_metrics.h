// The state of every target (a provider's model) for /metrics: who watches the gateway wants to know of a breaker that
// is open before the bill or the users tell.
#pragma once

#include "base/metrics.h"
#include "gateway/routing/health.h"

namespace understudy {

class TargetMetrics {  // thread-safe
 public:
  explicit TargetMetrics(Metrics& metrics);
  void set(const HealthBoard& board, TargetHealth::Time now);

 private:
  GaugeMetric& breaker_;  // 0 closed, 1 half open, 2 open; by provider, model
  GaugeMetric& well_;     // 0 after a health check that failed
  GaugeMetric& latency_;  // seconds to the first token, moving average; absent where nothing is known
};

}  // namespace understudy
