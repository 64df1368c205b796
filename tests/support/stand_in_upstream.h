// A rented provider's stand-in on a real port: speaks OpenAI's chat completions and embeddings, Anthropic's Messages
// and Gemini's generateContent as they are published, written by hand here so that it does not share a mistake with
// gateway/wire. A script, chosen per request by the test, says how late, how fast and what goes wrong at which event.
// It writes an invoice: what it counted for the answers as far as it sent them.
//
//   POST {base_url of the vendor}/chat/completions, /embeddings (one vector), /v1/messages,
//   /v1beta/models/{model}:generateContent and :streamGenerateContent; GET of any path: an empty list of models
//
// It asks for no key; `requests()` shows what came. Thread-safe.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/deadlines.h"
#include "base/json.h"
#include "base/mutex.h"
#include "chat/conversation.h"
#include "net/http_server.h"

namespace understudy::testing {

struct UpstreamScript {
  enum class Fault {
    kNone,
    kReset,       // the connection is cut
    kTruncate,    // HTTP ends properly, the answer does not
    kStall,       // nothing more comes until the client leaves
    kGarbage,     // what is none of the protocol's, and the rest behind it
    kErrorEvent,  // the protocol's error inside a 200
  };
  std::chrono::milliseconds before_head{0};
  std::chrono::milliseconds between_events{0};
  int status = 200;         // another one: the protocol's error object, and nothing is billed
  std::string retry_after;  // empty: no such header
  std::vector<std::string> words = {"Grüße", ", ", "Welt", "!"};  // a token each
  Usage prompt{.input = 10};  // and reasoning, which comes before the first word; its output does not count
  Fault fault = Fault::kNone;
  size_t fault_at = 0;  // before which event of a stream (from 0); an answer that is no stream fails as a whole

  static UpstreamScript failing(int status, std::string retry_after = "") {
    UpstreamScript script;
    script.status = status;
    script.retry_after = std::move(retry_after);
    return script;
  }
  static UpstreamScript faulty(Fault fault, size_t at = 0) {
    UpstreamScript script;
    script.fault = fault;
    script.fault_at = at;
    return script;
  }
};

struct UpstreamInvoice {
  int64_t answers = 0;  // begun
  Usage usage;
};

class StandInUpstream {
 public:
  using Choose =
      std::function<UpstreamScript(const HttpRequest& request, int nth)>;  // nth from 0; on the server's thread
  struct Seen {
    std::string path;  // with the query
    HttpHeaders headers;
    std::string body;
  };

  explicit StandInUpstream(Choose choose) : choose_(std::move(choose)) {
    HttpServerOptions options;
    options.listen = {"127.0.0.1", 0};
    options.threads = 1;
    server_ = std::make_unique<HttpServer>(
        options, [this](const HttpRequest& request) { return answer(request); },
        [](int status, const Error& error) { return HttpResponse::of(status, "text/plain", error.message()); });
    server_->start();
  }
  explicit StandInUpstream(UpstreamScript script = {})
      : StandInUpstream([script](const HttpRequest&, int) { return script; }) {}
  ~StandInUpstream() { stop(); }

  // "http://127.0.0.1:4711"; OpenAI's protocol wants "/v1" behind it.
  std::string url() const { return "http://" + server_->address().text(); }
  void stop() { server_->stop(std::chrono::milliseconds(0)); }  // a dead provider: connections are refused

  int asked() const { return asked_; }  // conversations
  UpstreamInvoice invoice() const {
    MutexLock lock(mutex_);
    return invoice_;
  }
  std::vector<Seen> requests() const {
    MutexLock lock(mutex_);
    return requests_;
  }

 private:
  enum class Dialect { kOpenAi, kEmbeddings, kAnthropic, kGemini };
  using Fault = UpstreamScript::Fault;

  // One event as it stands on the wire, and what it adds to the invoice.
  struct Event {
    std::string text;
    Usage usage;
  };

  class Stream : public ResponseStream {
   public:
    Stream(StandInUpstream& owner, UpstreamScript script, Dialect dialect, std::vector<Event> events, const Call& call)
        : owner_(owner), script_(std::move(script)), dialect_(dialect), events_(std::move(events)), call_(call) {}

    Awaitable<std::optional<std::string>> next() override {
      if (is_over_ || at_ == events_.size()) co_return std::nullopt;
      if (at_ > 0 && script_.between_events.count() > 0) {
        const bool passed = co_await sleep_for(owner_.deadlines_, script_.between_events, call_);
        if (!passed) co_return std::nullopt;
      }
      if (script_.fault != Fault::kNone && !has_failed_ && at_ == script_.fault_at) {
        has_failed_ = true;
        if (script_.fault == Fault::kStall) co_await sleep_for(owner_.deadlines_, std::chrono::hours(1), call_);
        co_return fail();
      }
      const Event& event = events_[at_++];
      owner_.bill(event.usage);
      co_return event.text;
    }

   private:
    std::optional<std::string> fail() {
      if (script_.fault == Fault::kReset) throw Error(ErrorCode::kInternal, "planted");
      if (script_.fault == Fault::kGarbage) return "data: {nonsense\n\n";
      is_over_ = true;
      if (script_.fault == Fault::kErrorEvent) return error_event(dialect_);
      return std::nullopt;
    }

    StandInUpstream& owner_;
    const UpstreamScript script_;
    const Dialect dialect_;
    const std::vector<Event> events_;
    const Call call_;
    size_t at_ = 0;
    bool has_failed_ = false;
    bool is_over_ = false;
  };

  Awaitable<HttpResponse> answer(const HttpRequest& request) {
    note(request);
    if (request.method == "GET") co_return HttpResponse::of(200, "application/json", R"({"object":"list","data":[]})");
    const std::optional<Dialect> dialect = dialect_of(request.path);
    if (!dialect) co_return HttpResponse::of(404, "application/json", error_body(Dialect::kOpenAi, 404));
    UpstreamScript script = choose_(request, asked_++);
    const Call call = request.call;
    const Json body = parse_json(request.body, "request");
    const bool streams = is_stream(*dialect, request.path, body);
    if (script.before_head.count() > 0) co_await sleep_for(deadlines_, script.before_head, call);
    if (script.status != 200) co_return failure(*dialect, script);
    {
      MutexLock lock(mutex_);
      ++invoice_.answers;
    }
    if (streams) {
      std::vector<Event> events = events_of(*dialect, script, body);
      HttpResponse response = HttpResponse::of(200, "text/event-stream", "");
      response.stream = std::make_unique<Stream>(*this, std::move(script), *dialect, std::move(events), call);
      co_return response;
    }
    if (script.fault == Fault::kStall) co_await sleep_for(deadlines_, std::chrono::hours(1), call);
    co_return whole(*dialect, script, call);
  }

  static HttpResponse failure(Dialect dialect, const UpstreamScript& script) {
    HttpResponse response = HttpResponse::of(script.status, "application/json", error_body(dialect, script.status));
    if (!script.retry_after.empty()) response.headers.emplace_back("Retry-After", script.retry_after);
    return response;
  }

  // An answer that is no stream, or how it fails.
  HttpResponse whole(Dialect dialect, const UpstreamScript& script, const Call& call) {
    const std::string body = body_of(dialect, script);
    if (script.fault == Fault::kGarbage) return HttpResponse::of(200, "application/json", "<html>busy</html>");
    if (script.fault == Fault::kErrorEvent) return HttpResponse::of(200, "application/json", error_body(dialect, 529));
    if (script.fault == Fault::kTruncate) {
      return HttpResponse::of(200, "application/json", body.substr(0, body.size() / 2));
    }
    HttpResponse response = HttpResponse::of(200, "application/json", body);
    if (script.fault == Fault::kReset) {
      UpstreamScript cut = script;
      cut.fault_at = 1;
      std::vector<Event> halves = {{body.substr(0, body.size() / 2), {}}, {}};
      response.body.clear();
      response.stream = std::make_unique<Stream>(*this, std::move(cut), dialect, std::move(halves), call);
      return response;
    }
    bill(dialect == Dialect::kEmbeddings ? script.prompt : all_of(script));
    return response;
  }

  void note(const HttpRequest& request) {
    MutexLock lock(mutex_);
    requests_.push_back(
        {request.query.empty() ? request.path : request.path + "?" + request.query, request.headers, request.body});
  }
  void bill(const Usage& usage) {
    MutexLock lock(mutex_);
    invoice_.usage.input += usage.input;
    invoice_.usage.cached_input += usage.cached_input;
    invoice_.usage.cache_write += usage.cache_write;
    invoice_.usage.output += usage.output;
    invoice_.usage.reasoning += usage.reasoning;
  }

  static std::optional<Dialect> dialect_of(const std::string& path) {
    if (path.ends_with("/chat/completions")) return Dialect::kOpenAi;
    if (path.ends_with("/embeddings")) return Dialect::kEmbeddings;
    if (path.ends_with("/v1/messages")) return Dialect::kAnthropic;
    if (path.ends_with(":generateContent") || path.ends_with(":streamGenerateContent")) return Dialect::kGemini;
    return std::nullopt;
  }
  static bool is_stream(Dialect dialect, const std::string& path, const Json& body) {
    if (dialect == Dialect::kEmbeddings) return false;
    if (dialect == Dialect::kGemini) return path.ends_with(":streamGenerateContent");
    return body.value("stream", false);
  }
  static Usage all_of(const UpstreamScript& script) {
    Usage usage = script.prompt;
    usage.output = static_cast<int64_t>(script.words.size());
    return usage;
  }
  static std::string text_of(const UpstreamScript& script) {
    std::string text;
    for (const std::string& word : script.words) text += word;
    return text;
  }

  static Json usage_of(Dialect dialect, const Usage& usage) {
    const int64_t prompt = usage.input + usage.cached_input + usage.cache_write;
    const int64_t made = usage.output + usage.reasoning;
    switch (dialect) {
      case Dialect::kAnthropic:
        return {{"input_tokens", usage.input},
                {"cache_read_input_tokens", usage.cached_input},
                {"cache_creation_input_tokens", usage.cache_write},
                {"output_tokens", made}};
      case Dialect::kGemini:
        return {{"promptTokenCount", prompt},
                {"cachedContentTokenCount", usage.cached_input},
                {"candidatesTokenCount", usage.output},
                {"thoughtsTokenCount", usage.reasoning},
                {"totalTokenCount", prompt + made}};
      case Dialect::kEmbeddings:
        return {{"prompt_tokens", prompt}, {"total_tokens", prompt}};
      case Dialect::kOpenAi:
        break;
    }
    return {{"prompt_tokens", prompt},
            {"completion_tokens", made},
            {"total_tokens", prompt + made},
            {"prompt_tokens_details", {{"cached_tokens", usage.cached_input}}},
            {"completion_tokens_details", {{"reasoning_tokens", usage.reasoning}}}};
  }

  static std::string body_of(Dialect dialect, const UpstreamScript& script) {
    const Json usage = usage_of(dialect, all_of(script));
    const std::string text = text_of(script);
    Json body;
    switch (dialect) {
      case Dialect::kOpenAi:
        body = {{"id", "chatcmpl-1"}, {"object", "chat.completion"}, {"created", 1700000000}, {"model", "stand-in"}};
        body["choices"] = Json::array({{{"index", 0},
                                        {"message", {{"role", "assistant"}, {"content", text}}},
                                        {"logprobs", nullptr},
                                        {"finish_reason", "stop"}}});
        body["usage"] = usage;
        break;
      case Dialect::kEmbeddings:
        body = {{"object", "list"}, {"model", "stand-in"}, {"usage", usage}};
        body["data"] = Json::array({{{"object", "embedding"}, {"index", 0}, {"embedding", {0.5, -0.25}}}});
        break;
      case Dialect::kAnthropic:
        body = {{"id", "msg_1"}, {"type", "message"}, {"role", "assistant"}, {"model", "stand-in"}};
        body["content"] = Json::array({{{"type", "text"}, {"text", text}}});
        body["stop_reason"] = "end_turn";
        body["stop_sequence"] = nullptr;
        body["usage"] = usage;
        break;
      case Dialect::kGemini:
        body["candidates"] = Json::array({candidate(text, true)});
        body["usageMetadata"] = usage;
        body["modelVersion"] = "stand-in";
        body["responseId"] = "r1";
        break;
    }
    return body.dump();
  }
  static Json candidate(const std::string& text, bool is_last) {
    Json result = {{"content", {{"parts", Json::array({{{"text", text}}})}, {"role", "model"}}}, {"index", 0}};
    if (is_last) result["finishReason"] = "STOP";
    return result;
  }

  static std::vector<Event> events_of(Dialect dialect, const UpstreamScript& script, const Json& request) {
    switch (dialect) {
      case Dialect::kAnthropic:
        return anthropic_events(script);
      case Dialect::kGemini:
        return gemini_events(script);
      case Dialect::kEmbeddings:
        return {};  // has no streams
      case Dialect::kOpenAi:
        break;
    }
    const Json options = request.value("stream_options", Json::object());
    return openai_events(script, options.is_object() && options.value("include_usage", false));
  }

  // Role, a chunk for each word, finish, usage where it was asked for, [DONE].
  static std::vector<Event> openai_events(const UpstreamScript& script, bool with_usage) {
    const auto chunk = [with_usage](const Json& choices, const Json& usage) {
      Json body = {
          {"id", "chatcmpl-1"}, {"object", "chat.completion.chunk"}, {"created", 1700000000}, {"model", "stand-in"}};
      body["choices"] = choices;
      if (with_usage) body["usage"] = usage;
      return "data: " + body.dump() + "\n\n";
    };
    const auto choice = [](const Json& delta, const Json& finish) {
      return Json::array({{{"index", 0}, {"delta", delta}, {"finish_reason", finish}}});
    };
    std::vector<Event> events;
    events.push_back({chunk(choice({{"role", "assistant"}, {"content", ""}}, nullptr), nullptr), before_words(script)});
    for (const std::string& word : script.words) {
      events.push_back({chunk(choice({{"content", word}}, nullptr), nullptr), one_word()});
    }
    events.push_back({chunk(choice(Json::object(), "stop"), nullptr), {}});
    if (with_usage) events.push_back({chunk(Json::array(), usage_of(Dialect::kOpenAi, all_of(script))), {}});
    events.push_back({"data: [DONE]\n\n", {}});
    return events;
  }

  static std::vector<Event> anthropic_events(const UpstreamScript& script) {
    const auto event = [](const Json& body) {
      return fmt::format("event: {}\ndata: {}\n\n", body["type"].get<std::string>(), body.dump());
    };
    Json message = {{"id", "msg_1"}, {"type", "message"}, {"role", "assistant"}, {"model", "stand-in"}};
    message["content"] = Json::array();
    message["stop_reason"] = nullptr;
    message["stop_sequence"] = nullptr;
    Usage prompt = script.prompt;
    prompt.reasoning = 0;
    message["usage"] = usage_of(Dialect::kAnthropic, prompt);
    const Json block = {{"type", "text"}, {"text", ""}};
    std::vector<Event> events;
    events.push_back({event({{"type", "message_start"}, {"message", message}}), before_words(script)});
    events.push_back({event({{"type", "content_block_start"}, {"index", 0}, {"content_block", block}}), {}});
    events.push_back({event({{"type", "ping"}}), {}});
    for (const std::string& word : script.words) {
      const Json delta = {{"type", "text_delta"}, {"text", word}};
      events.push_back({event({{"type", "content_block_delta"}, {"index", 0}, {"delta", delta}}), one_word()});
    }
    events.push_back({event({{"type", "content_block_stop"}, {"index", 0}}), {}});
    const Json made = {{"output_tokens", all_of(script).output + script.prompt.reasoning}};
    const Json stop = {{"stop_reason", "end_turn"}, {"stop_sequence", nullptr}};
    events.push_back({event({{"type", "message_delta"}, {"delta", stop}, {"usage", made}}), {}});
    events.push_back({event({{"type", "message_stop"}}), {}});
    return events;
  }

  // A chunk for each word; the last one finishes.
  static std::vector<Event> gemini_events(const UpstreamScript& script) {
    std::vector<Event> events;
    for (size_t i = 0; i < script.words.size(); ++i) {
      const bool is_last = i + 1 == script.words.size();
      Json body = {{"modelVersion", "stand-in"}, {"responseId", "r1"}};
      body["candidates"] = Json::array({candidate(script.words[i], is_last)});
      Usage usage = one_word();
      if (i == 0) {
        usage = before_words(script);
        usage.output = 1;
      }
      if (is_last) body["usageMetadata"] = usage_of(Dialect::kGemini, all_of(script));
      events.push_back({"data: " + body.dump() + "\n\n", usage});
    }
    return events;
  }
  static Usage before_words(const UpstreamScript& script) {
    Usage usage = script.prompt;
    usage.output = 0;
    return usage;
  }
  static Usage one_word() {
    Usage usage;
    usage.output = 1;
    return usage;
  }

  static std::string error_body(Dialect dialect, int status) {
    const std::string why = fmt::format("planted {}", status);
    Json error = {{"message", why}};
    switch (dialect) {
      case Dialect::kAnthropic:
        error["type"] = status == 429   ? "rate_limit_error"
                        : status >= 500 ? "overloaded_error"
                                        : "invalid_request_error";
        return Json{{"type", "error"}, {"error", error}}.dump();
      case Dialect::kGemini:
        error["code"] = status;
        error["status"] = status == 429 ? "RESOURCE_EXHAUSTED" : status >= 500 ? "UNAVAILABLE" : "INVALID_ARGUMENT";
        return Json{{"error", error}}.dump();
      case Dialect::kEmbeddings:
      case Dialect::kOpenAi:
        break;
    }
    error["type"] = status >= 500 ? "server_error" : "invalid_request_error";
    error["param"] = nullptr;
    error["code"] = nullptr;
    return Json{{"error", error}}.dump();
  }
  static std::string error_event(Dialect dialect) {
    const char* name = dialect == Dialect::kAnthropic ? "event: error\n" : "";
    return fmt::format("{}data: {}\n\n", name, error_body(dialect, 529));
  }

  const Choose choose_;
  Deadlines deadlines_;
  std::atomic<int> asked_{0};
  mutable Mutex mutex_;
  UpstreamInvoice invoice_ GUARDED_BY(mutex_);
  std::vector<Seen> requests_ GUARDED_BY(mutex_);
  std::unique_ptr<HttpServer> server_;  // last: its threads use the rest
};

}  // namespace understudy::testing
