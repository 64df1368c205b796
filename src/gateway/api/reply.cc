#include "gateway/api/reply.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "gateway/api/exchange_keeper.h"
#include "gateway/providers/collect.h"

namespace understudy {

namespace {

// A key of ours that was not taken is no fault of the client's (502). What nobody answered has the meaning's status.
int status_of(const ProviderFailure& failure) {
  const bool tells = failure.kind != ProviderFailure::Kind::kKey && failure.status >= 400 && failure.status <= 599;
  return tells ? failure.status : http_status(failure.error.code());
}

// Times and sums of one answer for the metrics: told from its events, reported once when it ends, however it ends.
class AnswerRecord {
 public:
  explicit AnswerRecord(RequestMetrics& metrics) : metrics_(metrics) {}
  ~AnswerRecord() {
    if (begun_) metrics_.answered_after(seconds());
  }
  AnswerRecord(const AnswerRecord&) = delete;
  AnswerRecord& operator=(const AnswerRecord&) = delete;

  void note(const std::vector<ChatEvent>& events) {
    for (const ChatEvent& event : events) {
      if (!std::exchange(begun_, true)) metrics_.first_token_after(seconds());
      if (const auto* usage = std::get_if<UsageEvent>(&event)) metrics_.add_usage(usage->usage);
    }
  }

 private:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

  RequestMetrics& metrics_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  bool begun_ = false;
};

// What belongs together while one answer is on its way: request and record outlive the stream and the keeper.
struct Conversation {
  Conversation(RequestMetrics& metrics, WireRequest given) : request(std::move(given)), metrics_record(metrics) {}

  // The next piece, noted by all who want to know.
  Awaitable<std::optional<AnswerPiece>> next() {
    std::optional<AnswerPiece> piece = co_await answer->next();
    if (piece) {
      metrics_record.note(piece->events);
      if (keeper) keeper->note(piece->events);
    }
    co_return piece;
  }
  bool forwards_originals() const { return answer->protocol() == request.protocol().name(); }
  std::string written(const ChatAnswer& collected) const {
    ChatAnswer whole = collected;
    if (whole.head.id.empty()) whole.head = head;
    return request.protocol().write_answer(whole);
  }

  WireRequest request;
  Caller caller;
  Exchange record;
  AnswerHead head;
  AnswerRecord metrics_record;
  std::optional<ExchangeKeeper> keeper;
  std::unique_ptr<AnswerStream> answer;  // dies first
};

bool is_failure(const ChatEvent& event) {
  return std::holds_alternative<FailureEvent>(event);
}

class EventBody : public ResponseStream {
 public:
  EventBody(std::unique_ptr<Conversation> conversation, AnswerPiece first, std::unique_ptr<EventWriter> writer,
            Executor& executor)
      : conversation_(std::move(conversation)),
        first_(std::move(first)),
        writer_(std::move(writer)),
        executor_(executor) {}

  // The last bytes wait until the exchange is in the log.
  Awaitable<std::optional<std::string>> next() override {
    std::string bytes;
    while (bytes.empty() && !ended_) {
      std::optional<AnswerPiece> piece = std::exchange(first_, std::nullopt);
      if (!piece) piece = co_await conversation_->next();
      bytes = piece ? bytes_of(*piece) : bytes_of_end();
    }
    if (ended_ && conversation_->keeper) {
      std::string body = conversation_->written(conversation_->keeper->answer());
      co_await conversation_->keeper->end(body, executor_);
    }
    co_return bytes.empty() ? std::nullopt : std::optional<std::string>(std::move(bytes));
  }

 private:
  std::string bytes_of(const AnswerPiece& piece) {
    const bool has_failed = std::any_of(piece.events.begin(), piece.events.end(), is_failure);
    ended_ = ended_ || has_failed;
    if (conversation_->forwards_originals() && piece.original) return bytes_of(*piece.original);
    std::string bytes;
    for (const ChatEvent& event : piece.events) {
      if (conversation_->forwards_originals() && !is_failure(event))
        continue;  // an original that the client is not to see
      for (const WireEvent& written : writer_->write(event)) bytes += bytes_of(written);
    }
    return bytes;
  }
  std::string bytes_of_end() {
    ended_ = true;
    std::string bytes;
    if (conversation_->forwards_originals()) return bytes;  // the end was among them
    for (const WireEvent& written : writer_->finish()) bytes += bytes_of(written);
    return bytes;
  }
  static std::string bytes_of(const WireEvent& event) {
    return event.name.empty() ? server_sent_event(event.data) : server_sent_event(event.name, event.data);
  }

  std::unique_ptr<Conversation> conversation_;
  std::optional<AnswerPiece> first_;
  std::unique_ptr<EventWriter> writer_;
  Executor& executor_;
  bool ended_ = false;
};

void add_headers(const Conversation& conversation, HttpResponse& response) {
  if (conversation.answer) add_trace_headers(conversation.answer->trace_headers(), response);
  const Exchange& record = conversation.record;
  if (record.id.empty()) return;
  response.headers.emplace_back("X-Understudy-Exchange", record.id);
  const std::string& provider =
      record.provider.empty() && !record.attempts.empty() ? record.attempts.back().provider : record.provider;
  if (!provider.empty()) response.headers.emplace_back("X-Understudy-Provider", provider);
  if (!conversation.answer) return;
  std::string dropped;
  for (const std::string& field : conversation.answer->dropped()) dropped += (dropped.empty() ? "" : ", ") + field;
  if (!dropped.empty()) response.headers.emplace_back("X-Understudy-Dropped", dropped);
}

HttpResponse stream_of(std::unique_ptr<Conversation> conversation, AnswerPiece first, Executor& executor) {
  HttpResponse response = HttpResponse::of(200, "text/event-stream; charset=utf-8", "");
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.headers.emplace_back("X-Accel-Buffering", "no");  // nginx would hold the events back
  add_headers(*conversation, response);
  const WireRequest& request = conversation->request;
  // Of a request that is forwarded as it came nobody has read the whole.
  ChatRequest asked;
  asked.stream = true;
  asked.stream_usage = request.head().stream_usage;
  if (!conversation->forwards_originals()) asked = request.value();
  auto writer = request.protocol().event_writer(asked, conversation->head);
  response.stream = std::make_unique<EventBody>(std::move(conversation), std::move(first), std::move(writer), executor);
  return response;
}

// The answer that is no stream: the provider's own body where it is of the client's protocol.
Awaitable<HttpResponse> whole_answer(Conversation& conversation, Executor& executor) {
  ChatAnswer collected;
  std::optional<std::string> original;
  while (true) {
    std::optional<AnswerPiece> piece = co_await conversation.next();
    if (!piece) break;
    for (const ChatEvent& event : piece->events) {
      if (const auto* failure = std::get_if<FailureEvent>(&event)) throw Error(failure->code, failure->message);
      collect(event, collected);
    }
    if (piece->original && conversation.forwards_originals()) original = std::move(piece->original->data);
  }
  if (!original) collected.head = conversation.head;
  std::string body = original ? std::move(*original) : conversation.request.protocol().write_answer(collected);
  // Vectors are worth nothing to whoever reads exchanges, and are the greatest part of them.
  std::string_view kept = body;
  if (conversation.request.protocol().name() == ProtocolName::kOpenAiEmbeddings) kept = {};
  if (conversation.keeper) co_await conversation.keeper->end(kept, executor);
  HttpResponse response = HttpResponse::of(200, "application/json", std::move(body));
  add_headers(conversation, response);
  co_return response;
}

void fill_record(Api& api, const HttpRequest& http, Conversation& conversation) {
  Exchange& record = conversation.record;
  const WireRequest& request = conversation.request;
  record.id = "x-" + api.random_id();
  record.at_ms = api.now_ms();
  record.endpoint = http.path;
  record.protocol = request.protocol().name();
  record.model = request.head().model;
  record.stream = request.stream();
  record.key = conversation.caller.key;
  record.tags = conversation.caller.tags;
  for (const auto& [name, value] : request.head().metadata) record.tags.emplace(name, value);
}

// Ends an exchange that nobody could answer.
Awaitable<HttpResponse> end_failed(Conversation& conversation, HttpResponse response, Executor& executor) {
  conversation.record.status = response.status;
  if (conversation.keeper) co_await conversation.keeper->end(response.body, executor);
  add_headers(conversation, response);
  co_return response;
}

Awaitable<HttpResponse> answer_with(Api& api, std::unique_ptr<Conversation> conversation, const Call& call) {
  Conversation& talk = *conversation;
  const Protocol& protocol = talk.request.protocol();
  std::optional<HttpResponse> failure;
  std::optional<AnswerPiece> first;
  try {
    Attempt attempt = co_await api.router().start(talk.request, talk.caller, talk.record, call);
    if (attempt.started()) {
      talk.answer = attempt.take_stream();
      talk.record.status = 200;
      if (!talk.request.stream()) {
        HttpResponse whole = co_await whole_answer(talk, *call.executor);
        co_return whole;
      }
      // The status line waits for the first event, so that what fails at once is an error with its own status.
      first = co_await talk.next();
      if (!first) throw Error(ErrorCode::kInternal, "the provider's stream was empty");
      for (const ChatEvent& event : first->events) {
        if (const auto* broken = std::get_if<FailureEvent>(&event)) throw Error(broken->code, broken->message);
      }
    } else {
      failure = failure_response(protocol, attempt.failure());
    }
  } catch (const Error& error) {
    if (talk.record.error.empty()) talk.record.error = error.message();
    failure = error_response(protocol, http_status(error.code()), error);
  }
  if (failure) {
    HttpResponse response = co_await end_failed(talk, std::move(*failure), *call.executor);
    co_return response;
  }
  co_return stream_of(std::move(conversation), std::move(*first), *call.executor);
}

}  // namespace

WireRequest::Headers forwarded_headers(const HttpRequest& http) {
  WireRequest::Headers headers;
  for (const auto& [name, value] : http.headers) {
    for (const std::string_view known : {"anthropic-version", "anthropic-beta", "openai-beta"}) {
      if (equal_ignoring_case(name, known)) headers.emplace_back(known, value);
    }
  }
  return headers;
}

void add_trace_headers(const TraceHeaders& headers, HttpResponse& response) {
  response.headers.insert(response.headers.end(), headers.begin(), headers.end());
}

HttpResponse error_response(const Protocol& protocol, int status, const Error& error) {
  HttpResponse response = HttpResponse::of(status, "application/json", protocol.write_error(status, error));
  // Clients of OpenAI's library would ask again and again.
  if (error.reason() == "insufficient_quota") response.headers.emplace_back("x-should-retry", "false");
  return response;
}

HttpResponse failure_response(const Protocol& protocol, const ProviderFailure& failure) {
  const int status = status_of(failure);
  const bool passes_on = !failure.body.empty() && failure.protocol == protocol.name();
  HttpResponse response = passes_on ? HttpResponse::of(status, "application/json", failure.body)
                                    : error_response(protocol, status, failure.error);
  add_trace_headers(failure.trace_headers, response);
  if (failure.retry_after) response.headers.emplace_back("Retry-After", std::to_string(failure.retry_after->count()));
  return response;
}

Awaitable<HttpResponse> reply(Api& api, const Protocol& protocol, const HttpRequest& http, WireRequestBytes bytes) {
  std::optional<Error> fault;
  int status = 0;
  try {
    Caller caller = api.identify(http);
    auto conversation =
        std::make_unique<Conversation>(api.request_metrics(), WireRequest(protocol, std::move(bytes), api.nesting()));
    Conversation& talk = *conversation;
    talk.caller = std::move(caller);
    talk.request.forward(forwarded_headers(http));
    talk.head = {std::string(protocol.id_prefix()) + api.random_id(), talk.request.head().model, api.now()};
    if (api.keeper_tools() != nullptr) {
      fill_record(api, http, talk);
      const CapturePolicy policy = api.router().prepare(talk.request, talk.caller, talk.record);
      talk.keeper.emplace(*api.keeper_tools(), talk.record, parse_traceparent(http.header("traceparent")));
      talk.keeper->write_answers_with([&talk](const ChatAnswer& answer) { return talk.written(answer); });
      co_await talk.keeper->begin(talk.request.body(), policy, *http.call.executor);
    }
    HttpResponse response = co_await answer_with(api, std::move(conversation), http.call);
    co_return response;
  } catch (const Error& error) {
    fault = error;
    status = http_status(error.code());
  }
  co_return error_response(protocol, status, *fault);
}

}  // namespace understudy
