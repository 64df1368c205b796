#include "gateway/api/exchange_telemetry.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/json.h"

namespace understudy {

namespace {

// Powers of two from a local specialist's first token to a long answer of a thinking teacher.
const std::vector<double> kSeconds = {0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512,
                                      1.02,  2.05,  4.1,   8.2,   16.4,  32.8,  65.5,  131,   262};

std::string time_text(int64_t ms) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(ms / 1000)), ms % 1000);
}

Json optional_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::string_view operation_of(ProtocolName protocol) {
  if (protocol == ProtocolName::kOpenAiEmbeddings) return "embeddings";
  if (protocol == ProtocolName::kOpenAiCompletions) return "text_completion";
  return "chat";
}

template <size_t N>
std::array<uint8_t, N> random_id(const std::function<uint64_t()>& random) {
  std::array<uint8_t, N> id{};
  for (size_t i = 0; i < N; i += 8) {
    uint64_t bits = random();
    for (size_t j = i; j < i + 8; ++j, bits >>= 8) id[j] = static_cast<uint8_t>(bits);
  }
  if (id == std::array<uint8_t, N>{}) id[N - 1] = 1;  // all zeros is no id
  return id;
}

void add_usage(Span& span, const Usage& usage) {
  span.attributes.emplace_back("gen_ai.usage.input_tokens", usage.prompt_tokens());
  span.attributes.emplace_back("gen_ai.usage.output_tokens", usage.completion_tokens());
  if (usage.cached_input > 0) span.attributes.emplace_back("gen_ai.usage.cache_read.input_tokens", usage.cached_input);
  const int64_t written = usage.cache_write + usage.cache_write_1h;
  if (written > 0) span.attributes.emplace_back("gen_ai.usage.cache_creation.input_tokens", written);
  if (usage.reasoning > 0) span.attributes.emplace_back("gen_ai.usage.reasoning.output_tokens", usage.reasoning);
}

constexpr int64_t kNanosPerMilli = 1'000'000;

Span attempt_span(const Span& server, const ExchangeAttempt& attempt, std::string_view operation) {
  Span span;
  span.trace = server.trace;
  span.parent = server.id;
  span.kind = SpanKind::kClient;
  span.name = fmt::format("{} {}", operation, attempt.model);
  span.start_ns = attempt.at_ms * kNanosPerMilli;
  span.end_ns = span.start_ns + static_cast<int64_t>(attempt.total_ms * kNanosPerMilli);
  span.attributes = {{"gen_ai.operation.name", std::string(operation)},
                     {"gen_ai.provider.name", attempt.provider},
                     {"gen_ai.request.model", attempt.model},
                     {"understudy.attempt.purpose", std::string(to_string(attempt.purpose))}};
  if (attempt.status != 0) span.attributes.emplace_back("http.response.status_code", int64_t{attempt.status});
  if (attempt.first_token_ms) {
    span.attributes.emplace_back("gen_ai.response.time_to_first_chunk", *attempt.first_token_ms / 1000);
  }
  add_usage(span, attempt.usage);
  if (!attempt.error.empty()) {
    span.attributes.emplace_back("error.type", attempt.error.substr(0, attempt.error.find(':')));
    span.error = attempt.error;
  }
  return span;
}

// Strangers choose names of models, and prompts choose those of found tasks: as labels they would grow without end.
std::string model_label(const Exchange& exchange) {
  return exchange.attempts.empty() ? "" : exchange.model;
}
std::string task_label(const Exchange& exchange) {
  return exchange.task.substr(0, 6) == "found-" ? "found" : exchange.task;
}

}  // namespace

std::string access_line(const Exchange& exchange, bool prompt_text) {
  Json line = {{"at", time_text(exchange.at_ms)},
               {"exchange", exchange.id},
               {"endpoint", exchange.endpoint},
               {"status", exchange.status},
               {"model", exchange.model},
               {"task", exchange.task},
               {"key", exchange.key},
               {"provider", exchange.provider},
               {"decision", exchange.route.decision},
               {"attempts", exchange.attempts.size()},
               {"input_tokens", exchange.usage.prompt_tokens()},
               {"output_tokens", exchange.usage.completion_tokens()},
               {"cost_usd", exchange.cost ? Json(exchange.cost->decimal()) : Json(nullptr)},
               {"first_token_ms", optional_json(exchange.first_token_ms)},
               {"total_ms", exchange.total_ms}};
  if (exchange.partial) line["partial"] = true;
  if (!exchange.error.empty()) line["error"] = exchange.error;
  if (prompt_text) {
    line["request"] = exchange.request;
    line["answer"] = exchange.answer;
  }
  return dump_json(line);
}

std::vector<Span> spans_of(const Exchange& exchange, const std::optional<TraceParent>& parent,
                           const std::function<uint64_t()>& random, bool prompt_text) {
  const std::string_view operation = operation_of(exchange.protocol);
  Span server;
  server.trace = parent ? parent->trace : random_id<16>(random);
  if (parent) server.parent = parent->span;
  server.id = random_id<8>(random);
  server.name = fmt::format("{} {}", operation, exchange.model);
  server.start_ns = exchange.at_ms * kNanosPerMilli;
  server.end_ns = server.start_ns + static_cast<int64_t>(exchange.total_ms * kNanosPerMilli);
  server.attributes = {{"gen_ai.operation.name", std::string(operation)},
                       {"gen_ai.request.model", exchange.model},
                       {"gen_ai.provider.name", exchange.provider},
                       {"gen_ai.response.model", exchange.provider_model},
                       {"http.route", exchange.endpoint},
                       {"http.response.status_code", int64_t{exchange.status}},
                       {"understudy.exchange", exchange.id},
                       {"understudy.task", exchange.task},
                       {"understudy.route.decision", exchange.route.decision},
                       {"understudy.route.reason", exchange.route.reason}};
  if (exchange.cost) server.attributes.emplace_back("understudy.cost_usd", exchange.cost->decimal());
  if (prompt_text) {
    server.attributes.emplace_back("understudy.request", exchange.request);
    server.attributes.emplace_back("understudy.answer", exchange.answer);
  }
  add_usage(server, exchange.usage);
  server.error = exchange.error;
  std::vector<Span> spans{server};
  for (const ExchangeAttempt& attempt : exchange.attempts) {
    spans.push_back(attempt_span(server, attempt, operation));
    spans.back().id = random_id<8>(random);
  }
  return spans;
}

ExchangeMetrics::ExchangeMetrics(Metrics& metrics)
    : exchanges_(metrics.counter("understudy_exchanges_total", "Exchanges by model, task, who answered and status.")),
      attempts_(metrics.counter("understudy_attempts_total", "Providers asked, by provider and outcome.")),
      tokens_(metrics.counter("understudy_tokens_total", "Tokens of all attempts, by provider, model and type.")),
      spend_(metrics.counter("understudy_spend_dollars_total", "Cost of all attempts, by provider and model.")),
      unpriced_(metrics.counter("understudy_unpriced_attempts_total", "Attempts whose price is unknown.")),
      first_token_(metrics.histogram("understudy_exchange_time_to_first_token_seconds",
                                     "From a request to the first content of its answer.", kSeconds)),
      total_(metrics.histogram("understudy_exchange_seconds", "From a request to the end of its answer.", kSeconds)) {
  unpriced_.add(0);
}

void ExchangeMetrics::add(const Exchange& exchange) {
  const std::string task = task_label(exchange);
  exchanges_.add(1, {{"model", model_label(exchange)},
                     {"task", task},
                     {"provider", exchange.provider},
                     {"decision", exchange.route.decision},
                     {"status", std::to_string(exchange.status)}});
  const MetricLabels who = {{"task", task}, {"provider", exchange.provider}};
  if (exchange.first_token_ms) first_token_.observe(*exchange.first_token_ms / 1000, who);
  total_.observe(exchange.total_ms / 1000, who);
  for (const ExchangeAttempt& attempt : exchange.attempts) {
    const std::string outcome = attempt.error.empty() ? "answered" : attempt.error.substr(0, attempt.error.find(':'));
    attempts_.add(1, {{"provider", attempt.provider}, {"outcome", outcome}});
    const std::pair<const char*, int64_t> counts[] = {
        {"input", attempt.usage.input},
        {"cached_input", attempt.usage.cached_input},
        {"cache_write", attempt.usage.cache_write + attempt.usage.cache_write_1h},
        {"output", attempt.usage.output},
        {"reasoning", attempt.usage.reasoning}};
    for (const auto& [type, count] : counts) {
      if (count == 0) continue;
      tokens_.add(static_cast<double>(count),
                  {{"provider", attempt.provider}, {"model", attempt.model}, {"type", type}});
    }
    const MetricLabels whose = {{"provider", attempt.provider}, {"model", attempt.model}};
    if (attempt.cost) {
      spend_.add(attempt.cost->dollars(), whose);
    } else {
      unpriced_.add(1);
    }
  }
}

}  // namespace understudy
