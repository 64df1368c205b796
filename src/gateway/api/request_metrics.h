// What GET /metrics tells about requests: how many by endpoint and status, how long to the first token and to the end,
// tokens in and out, how many wait and run. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/metrics.h"
#include "chat/conversation.h"
#include "gateway/providers/provider.h"

namespace understudy {

class RequestMetrics {  // thread-safe
 public:
  explicit RequestMetrics(Metrics& metrics);

  void count_request(std::string_view endpoint, int status);
  void first_token_after(double seconds);
  void answered_after(double seconds);
  void add_usage(const Usage& usage);
  void set_load(const ProviderLoad& load);

 private:
  CounterMetric& requests_;
  HistogramMetric& first_token_;
  HistogramMetric& answer_;
  CounterMetric& prompt_tokens_;
  CounterMetric& completion_tokens_;
  GaugeMetric& waiting_;
  GaugeMetric& active_;
};

}  // namespace understudy
