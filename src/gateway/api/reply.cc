#include "gateway/api/reply.h"

#include <chrono>
#include <optional>
#include <utility>

#include "gateway/providers/collect.h"
#include "gateway/wire/wire_request.h"

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
  Awaitable<std::optional<AnswerPiece>> next() override {
    std::optional<AnswerPiece> piece = co_await stream_->next();
    if (piece) {
      for (const ChatEvent& event : piece->events) record_->note(event);
    }
    co_return piece;
  }
  std::optional<ProtocolName> protocol() const override { return stream_->protocol(); }

 private:
  std::unique_ptr<AnswerStream> stream_;
  std::unique_ptr<AnswerRecord> record_;
};

// What belongs together while one answer is on its way: the request outlives its stream.
struct Conversation {
  Conversation(WireRequest given, Caller who) : request(std::move(given)), caller(std::move(who)) {}
  const WireRequest request;
  const Caller caller;
  Exchange record;
  AnswerHead head;
  std::unique_ptr<AnswerStream> answer;  // dies first
};

std::string bytes_of(const WireEvent& event) {
  return server_sent_event(event.data);
}

class EventBody : public ResponseStream {
 public:
  EventBody(std::unique_ptr<Conversation> conversation, AnswerPiece first, std::unique_ptr<EventWriter> writer)
      : conversation_(std::move(conversation)), first_(std::move(first)), writer_(std::move(writer)) {}

  Awaitable<std::optional<std::string>> next() override {
    std::string bytes;
    while (bytes.empty() && !ended_) {
      std::optional<AnswerPiece> piece = std::exchange(first_, std::nullopt);
      if (!piece) piece = co_await conversation_->answer->next();
      bytes = piece ? bytes_of_piece(*piece) : bytes_of_end();
    }
    co_return bytes.empty() ? std::nullopt : std::optional<std::string>(std::move(bytes));
  }

 private:
  std::string bytes_of_piece(const AnswerPiece& piece) {
    std::string bytes;
    for (const ChatEvent& event : piece.events) {
      ended_ = ended_ || std::holds_alternative<FailureEvent>(event);
      for (const WireEvent& written : writer_->write(event)) bytes += bytes_of(written);
    }
    return bytes;
  }
  std::string bytes_of_end() {
    std::string bytes;
    for (const WireEvent& written : writer_->finish()) bytes += bytes_of(written);
    ended_ = true;
    return bytes;
  }

  std::unique_ptr<Conversation> conversation_;
  std::optional<AnswerPiece> first_;
  std::unique_ptr<EventWriter> writer_;
  bool ended_ = false;
};

HttpResponse failed(const ProviderFailure& failure) {
  HttpResponse response = Api::write_error(http_status(failure.error.code()), failure.error);
  if (failure.retry_after) response.headers.emplace_back("Retry-After", std::to_string(failure.retry_after->count()));
  return response;
}

HttpResponse stream_of(std::unique_ptr<Conversation> conversation, AnswerPiece first) {
  HttpResponse response = HttpResponse::of(200, "text/event-stream; charset=utf-8", "");
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.headers.emplace_back("X-Accel-Buffering", "no");  // nginx would hold the events back
  const WireRequest& request = conversation->request;
  auto writer = request.protocol().event_writer(request.value(), conversation->head);
  response.stream = std::make_unique<EventBody>(std::move(conversation), std::move(first), std::move(writer));
  return response;
}

}  // namespace

Awaitable<HttpResponse> reply(Api& api, const Protocol& protocol, const HttpRequest& http) {
  auto record = std::make_unique<AnswerRecord>(api.request_metrics());
  auto conversation = std::make_unique<Conversation>(WireRequest(protocol, {.body = http.body}), Caller());
  const WireRequest& request = conversation->request;
  conversation->head = {std::string(protocol.id_prefix()) + api.random_id(), request.head().model, api.now()};
  Attempt attempt =
      co_await api.router().start(request, conversation->caller, conversation->record, http.call);
  if (!attempt.started()) co_return failed(attempt.failure());
  conversation->answer = std::make_unique<RecordedStream>(attempt.take_stream(), std::move(record));
  if (!request.stream()) {
    ChatAnswer answer = co_await collect(*conversation->answer);
    answer.head = conversation->head;
    co_return HttpResponse::of(200, "application/json", protocol.write_answer(answer));
  }
  // The status line waits for the first event, so that what fails at once is an error with its own status.
  std::optional<AnswerPiece> first = co_await conversation->answer->next();
  if (!first || first->events.empty()) throw Error(ErrorCode::kInternal, "the provider's stream was empty");
  if (const auto* failure = std::get_if<FailureEvent>(&first->events.front())) {
    throw Error(failure->code, failure->message);
  }
  co_return stream_of(std::move(conversation), std::move(*first));
}

}  // namespace understudy
