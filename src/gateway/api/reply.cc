#include "gateway/api/reply.h"

#include <chrono>
#include <optional>
#include <utility>

#include "gateway/providers/collect.h"

namespace understudy {

namespace {

// Times and sums of one answer for the metrics: told from its events, reported once when it ends, however it ends.
class AnswerRecord {
 public:
  explicit AnswerRecord(RequestMetrics& metrics) : metrics_(metrics) {}
  ~AnswerRecord() {
    if (begun_) metrics_.answered_after(seconds());
  }
  AnswerRecord(const AnswerRecord&) = delete;
  AnswerRecord& operator=(const AnswerRecord&) = delete;

  void note(const ChatEvent& event) {
    if (!std::exchange(begun_, true)) metrics_.first_token_after(seconds());
    if (const auto* usage = std::get_if<UsageEvent>(&event)) metrics_.add_usage(usage->usage);
  }

 private:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

  RequestMetrics& metrics_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  bool begun_ = false;
};

// Notes each event on its way.
class RecordedStream : public AnswerStream {
 public:
  RecordedStream(std::unique_ptr<AnswerStream> stream, std::unique_ptr<AnswerRecord> record)
      : stream_(std::move(stream)), record_(std::move(record)) {}
  Awaitable<std::optional<ChatEvent>> next() override {
    std::optional<ChatEvent> event = co_await stream_->next();
    if (event) record_->note(*event);
    co_return event;
  }

 private:
  std::unique_ptr<AnswerStream> stream_;
  std::unique_ptr<AnswerRecord> record_;
};

class EventBody : public ResponseStream {
 public:
  EventBody(std::unique_ptr<AnswerStream> events, ChatEvent first, std::unique_ptr<EventWriter> writer)
      : events_(std::move(events)), first_(std::move(first)), writer_(std::move(writer)) {}

  Awaitable<std::optional<std::string>> next() override {
    std::string bytes;
    while (bytes.empty() && !ended_) {
      std::optional<ChatEvent> event = std::exchange(first_, std::nullopt);
      if (!event) event = co_await events_->next();
      const bool failed = event && std::holds_alternative<FailureEvent>(*event);
      ended_ = failed || !event;
      const std::vector<std::string> payloads = event ? writer_->write(*event) : writer_->finish();
      for (const std::string& payload : payloads) bytes += server_sent_event(payload);
    }
    co_return bytes.empty() ? std::nullopt : std::optional<std::string>(std::move(bytes));
  }

 private:
  std::unique_ptr<AnswerStream> events_;
  std::optional<ChatEvent> first_;
  std::unique_ptr<EventWriter> writer_;
  bool ended_ = false;
};

HttpResponse failed(const ProviderFailure& failure) {
  HttpResponse response = Api::write_error(http_status(failure.error.code()), failure.error);
  if (failure.retry_after) response.headers.emplace_back("Retry-After", std::to_string(failure.retry_after->count()));
  return response;
}

HttpResponse stream_of(std::unique_ptr<AnswerStream> events, ChatEvent first, std::unique_ptr<EventWriter> writer) {
  HttpResponse response = HttpResponse::of(200, "text/event-stream; charset=utf-8", "");
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.headers.emplace_back("X-Accel-Buffering", "no");  // nginx would hold the events back
  response.stream = std::make_unique<EventBody>(std::move(events), std::move(first), std::move(writer));
  return response;
}

}  // namespace

Awaitable<HttpResponse> reply(Api& api, const Protocol& protocol, ChatRequest request, const Call& call) {
  auto record = std::make_unique<AnswerRecord>(api.request_metrics());
  const AnswerHead head{std::string(protocol.id_prefix()) + api.random_id(), request.model, api.now()};
  Attempt attempt = co_await api.router().start(request, call);
  if (!attempt.started()) co_return failed(attempt.failure());
  auto events = std::make_unique<RecordedStream>(attempt.take_stream(), std::move(record));
  if (!request.stream) {
    ChatAnswer answer = co_await collect(*events);
    answer.head = head;
    co_return HttpResponse::of(200, "application/json", protocol.write_answer(answer));
  }
  // The status line waits for the first event, so that what fails at once is an error with its own status.
  std::optional<ChatEvent> first = co_await events->next();
  if (!first) throw Error(ErrorCode::kInternal, "the provider's stream was empty");
  if (const auto* failure = std::get_if<FailureEvent>(&*first)) throw Error(failure->code, failure->message);
  co_return stream_of(std::move(events), std::move(*first), protocol.event_writer(request, head));
}

}  // namespace understudy
