// Spans as OpenTelemetry has them, as plain values; who sends them is net/otlp_exporter.h. Names of attributes follow
// the GenAI semantic conventions (gen_ai.request.model, gen_ai.usage.input_tokens, ...).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace understudy {

using TraceId = std::array<uint8_t, 16>;
using SpanId = std::array<uint8_t, 8>;

// Where a caller's own trace stands: the header `traceparent` (W3C Trace Context).
struct TraceParent {
  TraceId trace{};
  SpanId span{};
  bool sampled = true;
};
std::optional<TraceParent> parse_traceparent(std::string_view header);  // nothing where it is none

enum class SpanKind { kServer, kClient };

struct Span {
  TraceId trace{};
  SpanId id{};
  std::optional<SpanId> parent;
  std::string name;  // "chat invoices"
  SpanKind kind = SpanKind::kServer;
  int64_t start_ns = 0;  // since 1970, UTC
  int64_t end_ns = 0;
  std::vector<std::pair<std::string, std::variant<std::string, int64_t, double>>> attributes;
  std::string error;  // empty: it went well
};

class TraceSink {  // thread-safe
 public:
  virtual ~TraceSink() = default;
  virtual void add(std::vector<Span> spans) = 0;  // never waits
};

}  // namespace understudy
