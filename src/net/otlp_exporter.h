// Spans to an OpenTelemetry collector over OTLP/HTTP in JSON (no SDK is packaged): POST <endpoint>/v1/traces, in
// groups, from a thread of its own. What the collector does not take in time is dropped and counted: telemetry never
// slows or fails a request.
#pragma once

#include <memory>
#include <string>

#include "base/metrics.h"
#include "base/trace.h"
#include "net/http_client.h"

namespace understudy {

struct OtlpOptions {
  std::string endpoint;  // "http://127.0.0.1:4318"
  std::string service_name = "understudy";
  size_t most_waiting = 4096;  // spans; more are dropped
  std::chrono::milliseconds every{1000};
};

// The body of an ExportTraceServiceRequest (opentelemetry-proto 1.x, its JSON mapping: ids in hex, 64-bit numbers as
// strings).
std::string otlp_json(const std::vector<Span>& spans, const std::string& service_name);

class OtlpExporter : public TraceSink {  // thread-safe
 public:
  // `client` outlives it. Counts understudy_spans_exported_total and understudy_spans_dropped_total.
  OtlpExporter(OtlpOptions options, HttpClient& client, Metrics& metrics);
  ~OtlpExporter() override;  // sends what is waiting, for at most two seconds
  void add(std::vector<Span> spans) override;

 private:
  struct Sender;
  std::unique_ptr<Sender> sender_;
};

}  // namespace understudy
