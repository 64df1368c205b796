#include "net/otlp_exporter.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <thread>

#include "base/json.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/version.h"
#include "base/worker_pool.h"

namespace understudy {

namespace {

template <size_t N>
std::string hex(const std::array<uint8_t, N>& bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

Json string_value(const std::string& text) {
  return {{"stringValue", text}};
}

Json attribute_json(const std::string& key, const std::variant<std::string, int64_t, double>& value) {
  Json typed;
  if (const auto* text = std::get_if<std::string>(&value)) typed = string_value(*text);
  if (const auto* number = std::get_if<int64_t>(&value)) typed = {{"intValue", std::to_string(*number)}};
  if (const auto* real = std::get_if<double>(&value)) typed = {{"doubleValue", *real}};
  return {{"key", key}, {"value", std::move(typed)}};
}

Json span_json(const Span& span) {
  constexpr int kServer = 2;  // SpanKind of opentelemetry-proto
  constexpr int kClient = 3;
  constexpr int kErrorStatus = 2;
  Json json = {{"traceId", hex(span.trace)}, {"spanId", hex(span.id)}};
  if (span.parent) json["parentSpanId"] = hex(*span.parent);
  json["name"] = span.name;
  json["kind"] = span.kind == SpanKind::kServer ? kServer : kClient;
  json["startTimeUnixNano"] = std::to_string(span.start_ns);
  json["endTimeUnixNano"] = std::to_string(span.end_ns);
  json["attributes"] = Json::array();
  for (const auto& [key, value] : span.attributes) json["attributes"].push_back(attribute_json(key, value));
  if (!span.error.empty()) json["status"] = {{"code", kErrorStatus}, {"message", span.error}};
  return json;
}

}  // namespace

std::string otlp_json(const std::vector<Span>& spans, const std::string& service_name) {
  Json list = Json::array();
  for (const Span& span : spans) list.push_back(span_json(span));
  Json resource = {{"attributes", Json::array({{{"key", "service.name"}, {"value", string_value(service_name)}},
                                               {{"key", "service.version"}, {"value", string_value(kVersion)}}})}};
  Json scope = {{"scope", {{"name", "understudy"}, {"version", kVersion}}}, {"spans", std::move(list)}};
  return dump_json(
      {{"resourceSpans", Json::array({{{"resource", std::move(resource)}, {"scopeSpans", Json::array({scope})}}})}});
}

struct OtlpExporter::Sender {
  Sender(OtlpOptions given, HttpClient& http, Metrics& metrics)
      : options(std::move(given)),
        client(http),
        exported(metrics.counter("understudy_spans_exported_total", "Spans that the collector took.")),
        dropped(metrics.counter("understudy_spans_dropped_total", "Spans that nobody took in time.")) {
    exported.add(0);
    dropped.add(0);
    thread = std::thread([this] { run(); });
  }

  void run() {
    for (;;) {
      std::vector<Span> group = next_group();
      if (group.empty()) return;
      send(group);
    }
  }

  // Waits for spans and then for the interval, so that a group is worth its request. Empty once it is over.
  std::vector<Span> next_group() EXCLUDES(mutex) {
    MutexLock lock(mutex);
    while (waiting.empty() && !ending) ready.wait(mutex);
    if (!ending) ready.wait_for(mutex, options.every);
    return std::exchange(waiting, {});
  }

  void send(const std::vector<Span>& spans) {
    OutboundRequest request;
    request.url = options.endpoint + "/v1/traces";
    request.headers = {{"Content-Type", "application/json"}};
    request.body = otlp_json(spans, options.service_name);
    request.timeouts.total = std::chrono::milliseconds(2000);
    request.timeouts.first_byte = request.timeouts.total;
    request.allow_private_address = true;  // the operator's own address, from the config
    const auto told = std::make_shared<std::promise<int>>();
    std::future<int> answered = told->get_future();
    start_detached(post(std::move(request), told), [](const std::exception_ptr&) {});
    const int status = answered.get();
    const bool is_taken = status >= 200 && status < 300;
    (is_taken ? exported : dropped).add(static_cast<double>(spans.size()));
    if (!is_taken && !std::exchange(has_warned, true)) {
      log_warning(fmt::format("telemetry.traces: {} does not take spans ({}); they are dropped and counted",
                              options.endpoint, status == 0 ? "no answer" : fmt::format("status {}", status)));
    }
  }

  Awaitable<void> post(OutboundRequest request, std::shared_ptr<std::promise<int>> told) {
    int status = 0;
    try {
      const HttpOutcome outcome = co_await client.send(std::move(request), {.executor = &executor, .stop = {}});
      if (const auto* reply = std::get_if<std::unique_ptr<HttpReply>>(&outcome)) status = (*reply)->status();
    } catch (const Error&) {
      status = 0;  // counted as dropped like every other way not to arrive
    }
    told->set_value(status);
  }

  const OtlpOptions options;
  HttpClient& client;
  CounterMetric& exported;
  CounterMetric& dropped;
  WorkerPool executor{1};
  bool has_warned = false;  // used by the thread only

  Mutex mutex;
  CondVar ready;
  std::vector<Span> waiting GUARDED_BY(mutex);
  bool ending GUARDED_BY(mutex) = false;
  std::thread thread;
};

OtlpExporter::OtlpExporter(OtlpOptions options, HttpClient& client, Metrics& metrics)
    : sender_(std::make_unique<Sender>(std::move(options), client, metrics)) {}

OtlpExporter::~OtlpExporter() {
  {
    MutexLock lock(sender_->mutex);
    sender_->ending = true;
  }
  sender_->ready.notify_all();
  sender_->thread.join();
}

void OtlpExporter::add(std::vector<Span> spans) {
  size_t taken = 0;
  bool is_first = false;  // the thread sleeps until there is something, then for the interval
  {
    MutexLock lock(sender_->mutex);
    is_first = sender_->waiting.empty();
    const size_t room =
        sender_->options.most_waiting - std::min(sender_->options.most_waiting, sender_->waiting.size());
    taken = std::min(room, spans.size());
    std::move(spans.begin(), spans.begin() + static_cast<std::ptrdiff_t>(taken), std::back_inserter(sender_->waiting));
  }
  if (taken < spans.size()) sender_->dropped.add(static_cast<double>(spans.size() - taken));
  if (is_first) sender_->ready.notify_all();
}

}  // namespace understudy
