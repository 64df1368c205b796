// What becomes visible of a finished exchange besides its record: a line of the access log, spans, metrics. None of
// them holds a text of the prompt or the answer unless `telemetry.prompt_text` says so, and none a key.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/trace.h"
#include "records/exchange.h"

namespace understudy {

// One line of JSON: at, exchange, endpoint, status, model, task, key, provider, attempts, tokens, cost_usd, times,
// error; with `prompt_text` request and answer too.
std::string access_line(const Exchange& exchange, bool prompt_text);

// The server's span of the exchange and one client span an attempt, named and attributed as OpenTelemetry's GenAI
// conventions say. `random` gives 64 fair bits. `parent`: the caller's own trace, which is then continued.
std::vector<Span> spans_of(const Exchange& exchange, const std::optional<TraceParent>& parent,
                           const std::function<uint64_t()>& random, bool prompt_text);

class ExchangeMetrics {  // thread-safe
 public:
  explicit ExchangeMetrics(Metrics& metrics);
  void add(const Exchange& exchange);

 private:
  CounterMetric& exchanges_;  // by model, task, provider, decision, status
  CounterMetric& attempts_;   // by provider, outcome
  CounterMetric& tokens_;     // by provider, model, type
  CounterMetric& spend_;      // dollars, by provider, model
  CounterMetric& unpriced_;   // attempts whose price is unknown
  HistogramMetric& first_token_;
  HistogramMetric& total_;
};

}  // namespace understudy
