#include "gateway/providers/http_provider.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <ctime>
#include <deque>
#include <utility>

#include "gateway/wire/count_tokens.h"
#include "gateway/wire/signatures.h"
#include "gateway/wire/wire_request.h"
#include "net/event_stream_reader.h"

namespace understudy {

namespace {

constexpr size_t kMostErrorBytes = size_t{256} << 10;
constexpr size_t kMostAnswerBytes = size_t{64} << 20;
constexpr std::chrono::seconds kKeyRest{300};
constexpr std::chrono::seconds kLongestRest{60};
constexpr std::string_view kAnthropicVersion = "2023-06-01";

std::string path_of(const Vendor& vendor, ProtocolName protocol, const std::string& model, bool stream) {
  switch (protocol) {
    case ProtocolName::kOpenAiChat:
      return "/chat/completions";
    case ProtocolName::kOpenAiCompletions:
      return "/completions";
    case ProtocolName::kOpenAiResponses:
      return "/responses";
    case ProtocolName::kOpenAiEmbeddings:
      return std::string(vendor.embeddings_path);
    case ProtocolName::kAnthropic:
      return "/v1/messages";
    case ProtocolName::kGemini:
      return fmt::format("/v1beta/models/{}:{}", model, stream ? "streamGenerateContent?alt=sse" : "generateContent");
  }
  return "";
}

// A model's name becomes part of Gemini's path.
bool is_plain_name(std::string_view model) {
  return !model.empty() && model.find_first_of("/?#%\\ \r\n") == std::string_view::npos &&
         model.find("..") == std::string_view::npos;
}

std::optional<double> seconds_of(std::string_view text) {
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size() || !(number >= 0) || number > 1e9) return std::nullopt;
  return number;
}

// "6m0s", "1.5s", "120ms" (Go's form of durations).
std::optional<double> seconds_of_duration(std::string_view text) {
  double sum = 0;
  while (!text.empty()) {
    const size_t digits = text.find_first_not_of("0123456789.");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    const std::optional<double> number = seconds_of(text.substr(0, digits));
    const size_t unit_end = std::min(text.find_first_of("0123456789.", digits), text.size());
    const std::string_view unit = text.substr(digits, unit_end - digits);
    const double factor = unit == "ms" ? 1e-3 : unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : -1;
    if (!number || factor < 0) return std::nullopt;
    sum += *number * factor;
    text.remove_prefix(unit_end);
  }
  return sum;
}

std::optional<double> seconds_until_date(std::string_view text, int64_t now_s) {
  std::tm utc{};
  if (::strptime(std::string(text).c_str(), "%a, %d %b %Y %H:%M:%S GMT", &utc) == nullptr) return std::nullopt;
  return static_cast<double>(std::max<int64_t>(0, static_cast<int64_t>(::timegm(&utc)) - now_s));
}

ProviderFailure::Kind kind_of_status(int status) {
  using Kind = ProviderFailure::Kind;
  switch (status) {
    case 400:
    case 413:
    case 422:
      return Kind::kRefused;
    case 401:
    case 403:
      return Kind::kKey;
    case 404:
      return Kind::kNoSuchModel;
    case 408:
    case 504:
      return Kind::kTimedOut;
    case 429:
      return Kind::kRateLimited;
    case 503:
    case 529:
      return Kind::kOverloaded;
    default:
      return status >= 500 ? Kind::kBroken : Kind::kRefused;
  }
}

// What a client is told: our key is not its affair.
ErrorCode code_of(ProviderFailure::Kind kind) {
  using Kind = ProviderFailure::Kind;
  switch (kind) {
    case Kind::kRefused:
      return ErrorCode::kInvalidInput;
    case Kind::kNoSuchModel:
      return ErrorCode::kNotFound;
    case Kind::kRateLimited:
      return ErrorCode::kOverloaded;
    case Kind::kOverloaded:
    case Kind::kUnavailable:
      return ErrorCode::kUnavailable;
    case Kind::kTimedOut:
      return ErrorCode::kTimedOut;
    case Kind::kCancelled:
      return ErrorCode::kCancelled;
    case Kind::kKey:
    case Kind::kBroken:
      return ErrorCode::kNetwork;
  }
  return ErrorCode::kNetwork;
}

// OpenAI's and most vendors', Anthropic's, Azure's; how long OpenAI worked.
constexpr std::string_view kTraceHeaders[] = {"x-request-id", "request-id", "apim-request-id", "openai-processing-ms"};

TraceHeaders trace_headers_of(const HttpReply& reply) {
  TraceHeaders headers;
  for (const std::string_view name : kTraceHeaders) {
    const std::string_view value = reply.header(name);
    if (!value.empty() && is_header_value(value)) headers.emplace_back(name, value);
  }
  return headers;
}

class RunningCount {
 public:
  explicit RunningCount(std::atomic<int64_t>& count) : count_(&count) { ++*count_; }
  RunningCount(RunningCount&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  RunningCount& operator=(RunningCount&&) = delete;
  ~RunningCount() {
    if (count_ != nullptr) --*count_;
  }

 private:
  std::atomic<int64_t>* count_;
};

// What an answer knows of its own making.
struct Origin {
  std::string provider;
  const Protocol* protocol = nullptr;
  bool strips_usage = false;
  bool is_translated = false;  // the client speaks another protocol
  std::vector<std::string> dropped;
  int key = 0;
};

class HttpAnswer : public AnswerStream {
 public:
  HttpAnswer(std::unique_ptr<HttpReply> reply, Origin origin, RunningCount count)
      : origin_(std::move(origin)), reply_(std::move(reply)), count_(std::move(count)) {}
  std::optional<ProtocolName> protocol() const override { return origin_.protocol->name(); }
  int key() const override { return origin_.key; }
  int status() const override { return reply_->status(); }
  std::vector<std::string> dropped() const override { return origin_.dropped; }
  TraceHeaders trace_headers() const override { return trace_headers_of(*reply_); }

 protected:
  AnswerPiece failed(ErrorCode code, std::string_view why) {
    is_over_ = true;
    AnswerPiece piece;
    piece.events.emplace_back(FailureEvent{code, fmt::format("{}: {}", origin_.provider, why), ""});
    return piece;
  }
  AnswerPiece failed(const HttpFailure& failure) {
    const bool is_late = failure.kind == HttpFailure::Kind::kTimedOut;
    const bool is_cancelled = failure.kind == HttpFailure::Kind::kCancelled;
    return failed(is_late        ? ErrorCode::kTimedOut
                  : is_cancelled ? ErrorCode::kCancelled
                                 : ErrorCode::kNetwork,
                  failure.message);
  }

  const Origin origin_;
  const std::unique_ptr<HttpReply> reply_;
  const RunningCount count_;
  bool is_over_ = false;
};

class WholeAnswer : public HttpAnswer {
 public:
  using HttpAnswer::HttpAnswer;
  Awaitable<std::optional<AnswerPiece>> next() override {
    if (std::exchange(is_over_, true)) co_return std::nullopt;
    std::variant<std::string, HttpFailure> body = co_await read_body(*reply_, kMostAnswerBytes);
    if (const auto* failure = std::get_if<HttpFailure>(&body)) co_return failed(*failure);
    co_return read(std::move(std::get<0>(body)));
  }

 private:
  AnswerPiece read(std::string body) {
    try {
      AnswerPiece piece;
      const ChatAnswer answer = origin_.protocol->read_answer(body);
      piece.events = events_of(answer);
      if (answer.usage == Usage()) piece.events.pop_back();  // not told: whoever bills it estimates
      if (origin_.is_translated) mark_signatures(origin_.protocol->name(), piece.events);
      piece.original = WireEvent{"", std::move(body)};
      return piece;
    } catch (const Error& error) {
      return failed(ErrorCode::kNetwork, "an answer that is none of its protocol: " + error.message());
    }
  }
};

class StreamedAnswer : public HttpAnswer {
 public:
  StreamedAnswer(std::unique_ptr<HttpReply> reply, Origin origin, RunningCount count)
      : HttpAnswer(std::move(reply), std::move(origin), std::move(count)), reader_(origin_.protocol->event_reader()) {}

  Awaitable<std::optional<AnswerPiece>> next() override {
    while (!is_over_) {
      if (!waiting_.empty()) co_return piece_of_next_event();
      std::variant<std::optional<std::string>, HttpFailure> bytes = co_await reply_->next();
      if (const auto* failure = std::get_if<HttpFailure>(&bytes)) co_return at_break(*failure);
      const std::optional<std::string>& more = std::get<0>(bytes);
      if (!more) co_return at_end();
      if (!feed(*more)) co_return failed(ErrorCode::kNetwork, "an event that is too long");
    }
    co_return std::nullopt;
  }

 private:
  bool feed(const std::string& bytes) {
    try {
      for (ServerSentEvent& event : events_.read(bytes)) waiting_.push_back(std::move(event));
      return true;
    } catch (const Error&) {
      return false;
    }
  }
  AnswerPiece piece_of_next_event() {
    WireEvent event{std::move(waiting_.front().name), std::move(waiting_.front().data)};
    waiting_.pop_front();
    AnswerPiece piece;
    try {
      piece.events = reader_->read(event);
    } catch (const Error& error) {
      return failed(ErrorCode::kNetwork, "an event that is none of its protocol: " + error.message());
    }
    if (origin_.is_translated) mark_signatures(origin_.protocol->name(), piece.events);
    for (const ChatEvent& said : piece.events) is_over_ = is_over_ || std::holds_alternative<FailureEvent>(said);
    if (!origin_.strips_usage) {
      piece.original = std::move(event);
    } else if (std::optional<std::string> data = without_usage(event.data)) {
      piece.original = WireEvent{std::move(event.name), std::move(*data)};
    }
    return piece;
  }
  std::optional<AnswerPiece> at_end() {
    if (!reader_->is_complete()) return failed(ErrorCode::kNetwork, "the answer was cut off");
    is_over_ = true;
    return std::nullopt;
  }
  // Some servers close a connection roughly once everything is said.
  std::optional<AnswerPiece> at_break(const HttpFailure& failure) {
    if (!reader_->is_complete() || failure.kind == HttpFailure::Kind::kCancelled) return failed(failure);
    is_over_ = true;
    return std::nullopt;
  }

  const std::unique_ptr<EventReader> reader_;
  EventStreamReader events_;
  std::deque<ServerSentEvent> waiting_;
};

// The body as it came, once it is known to be a count.
TokenCount counted(const std::string& provider, CountedTokens answer) {
  try {
    (void)count_tokens::read_count(answer.body);
    return answer;
  } catch (const Error& error) {
    const std::string message = fmt::format("{}: a count that is none: {}", provider, error.message());
    return ProviderFailure{ProviderFailure::Kind::kBroken, Error(ErrorCode::kNetwork, message), std::nullopt};
  }
}

bool is_event_stream(const HttpReply& reply) {
  return reply.header("content-type").find("text/event-stream") != std::string_view::npos;
}

}  // namespace

std::optional<std::chrono::seconds> retry_after(const HttpReply& reply, int64_t now_s) {
  std::optional<double> seconds;
  if (const auto ms = seconds_of(reply.header("retry-after-ms"))) seconds = *ms / 1000;
  const std::string_view plain = reply.header("retry-after");
  if (!seconds && !plain.empty()) seconds = seconds_of(plain);
  if (!seconds && !plain.empty()) seconds = seconds_until_date(plain, now_s);
  const std::string_view reset = reply.header("x-ratelimit-reset-requests");
  if (!seconds && !reset.empty()) seconds = seconds_of_duration(reset);
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(static_cast<int64_t>(std::ceil(*seconds)));
}

HttpProvider::HttpProvider(HttpProviderOptions options, HttpClient& client, std::function<Clock::time_point()> now)
    : options_([&options] {
        if (options.base_url.empty()) options.base_url = std::string(options.vendor->base_url);
        while (!options.base_url.empty() && options.base_url.back() == '/') options.base_url.pop_back();
        return std::move(options);
      }()),
      client_(client),
      now_(std::move(now)) {
  for (const std::string& key : options_.keys) keys_.push_back({key});
}

// The client's own protocol where the vendor speaks it, else the vendor's.
ProtocolName HttpProvider::protocol_for(ProtocolName asked) const {
  const Vendor& vendor = *options_.vendor;
  if (asked == ProtocolName::kOpenAiEmbeddings) return asked;  // no other says it
  if (vendor.protocol != ProtocolName::kOpenAiChat) return vendor.protocol;
  if (asked == ProtocolName::kOpenAiCompletions && vendor.has_completions) return asked;
  if (asked == ProtocolName::kOpenAiResponses && vendor.has_responses) return asked;
  return ProtocolName::kOpenAiChat;
}

int HttpProvider::pick_key() {
  MutexLock lock(mutex_);
  if (keys_.empty()) return 0;
  const Clock::time_point now = now_();
  const size_t first = turn_.fetch_add(1) % keys_.size();
  size_t soonest = first;
  for (size_t i = 0; i < keys_.size(); ++i) {
    const size_t at = (first + i) % keys_.size();
    if (keys_[at].rests_until <= now) return static_cast<int>(at);
    if (keys_[at].rests_until < keys_[soonest].rests_until) soonest = at;
  }
  return static_cast<int>(soonest);  // all rest: whoever has rested longest says how it is
}

void HttpProvider::rest_key(int key, std::chrono::seconds duration) {
  MutexLock lock(mutex_);
  if (static_cast<size_t>(key) < keys_.size()) keys_[static_cast<size_t>(key)].rests_until = now_() + duration;
}

void HttpProvider::authenticate(int key, Authentication how, HttpHeaders& headers) {
  MutexLock lock(mutex_);
  if (static_cast<size_t>(key) >= keys_.size()) return;
  const std::string& text = keys_[static_cast<size_t>(key)].text;
  switch (how) {
    case Authentication::kNone:
      return;
    case Authentication::kBearer:
      headers.emplace_back("Authorization", "Bearer " + text);
      return;
    case Authentication::kXApiKey:
      headers.emplace_back("x-api-key", text);
      return;
    case Authentication::kGoogApiKey:
      headers.emplace_back("x-goog-api-key", text);
      return;
    case Authentication::kApiKey:
      headers.emplace_back("api-key", text);
      return;
  }
}

int HttpProvider::sign(OutboundRequest& http, ProtocolName protocol) {
  const int key = pick_key();
  // Google's form of OpenAI's protocol takes the key as OpenAI's does.
  const bool is_foreign =
      protocol == ProtocolName::kOpenAiEmbeddings && options_.vendor->protocol == ProtocolName::kGemini;
  authenticate(key, is_foreign ? Authentication::kBearer : options_.vendor->authentication, http.headers);
  const auto is_version = [](const auto& header) { return equal_ignoring_case(header.first, "anthropic-version"); };
  if (protocol == ProtocolName::kAnthropic && std::none_of(http.headers.begin(), http.headers.end(), is_version)) {
    http.headers.emplace_back("anthropic-version", kAnthropicVersion);
  }
  http.timeouts = options_.timeouts;
  http.allow_private_address = options_.allow_private_address;
  return key;
}

HttpProvider::Outgoing HttpProvider::outgoing(const WireRequest& request, const std::string& model) {
  Outgoing out;
  const Vendor& vendor = *options_.vendor;
  const ProtocolName asked = request.protocol().name();
  const ProtocolName spoken = protocol_for(asked);
  out.protocol = &protocol_of(spoken);
  if (spoken == ProtocolName::kGemini && !is_plain_name(model)) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("model: \"{}\" cannot stand in a path", model)).about("model");
  }
  const bool asks_for_usage = request.stream() && vendor.usage_in_stream;
  if (spoken == asked) {
    out.http.body = edit_request(spoken, request.body(), model, asks_for_usage);
    if (!vendor.knows_marks) out.http.body = without_marked_thoughts(std::move(out.http.body), out.dropped);
    const bool has_option = spoken == ProtocolName::kOpenAiChat || spoken == ProtocolName::kOpenAiCompletions;
    out.strips_usage = has_option && request.stream() && !request.head().stream_usage;
    for (const auto& header : request.forwarded()) out.http.headers.push_back(header);
  } else {
    ChatRequest value = request.value();
    value.model = model;
    value.stream = request.stream();
    value.stream_usage = asks_for_usage;
    keep_signatures_of(spoken, asked, value, out.dropped);
    out.http.body = out.protocol->write_request(value, out.dropped);
  }
  out.http.url = options_.base_url + path_of(vendor, spoken, model, request.stream());
  out.http.headers.emplace_back("Content-Type", "application/json");
  out.http.headers.emplace_back("Accept", request.stream() ? "text/event-stream" : "application/json");
  return out;
}

ProviderFailure HttpProvider::failure_of(const HttpFailure& failure, int key) const {
  ProviderFailure result;
  switch (failure.kind) {
    case HttpFailure::Kind::kForbiddenAddress:
    case HttpFailure::Kind::kConnect:
      result.kind = ProviderFailure::Kind::kUnavailable;
      break;
    case HttpFailure::Kind::kTimedOut:
      result.kind = ProviderFailure::Kind::kTimedOut;
      break;
    case HttpFailure::Kind::kCancelled:
      result.kind = ProviderFailure::Kind::kCancelled;
      break;
    case HttpFailure::Kind::kBroken:
      result.kind = ProviderFailure::Kind::kBroken;
      break;
  }
  result.error = Error(code_of(result.kind), fmt::format("{}: {}", options_.name, failure.message));
  result.key = key;
  return result;
}

Awaitable<ProviderFailure> HttpProvider::failure_of_status(HttpReply& reply, const Protocol& protocol, int key) {
  ProviderFailure failure;
  failure.status = reply.status();
  failure.kind = kind_of_status(failure.status);
  failure.key = key;
  failure.trace_headers = trace_headers_of(reply);
  failure.retry_after = retry_after(reply, static_cast<int64_t>(std::time(nullptr)));
  std::variant<std::string, HttpFailure> body = co_await read_body(reply, kMostErrorBytes);
  const std::string text = std::holds_alternative<std::string>(body) ? std::get<0>(body) : std::string();
  const FailureEvent said = protocol.read_error(failure.status, text);
  // A provider may repeat the key in its refusal of it.
  const bool is_ours = failure.kind == ProviderFailure::Kind::kKey;
  const std::string message = is_ours ? "does not take the key of this gateway" : said.message;
  failure.error =
      Error(code_of(failure.kind), fmt::format("{}: status {}: {}", options_.name, failure.status, message));
  if (failure.kind == ProviderFailure::Kind::kRefused) {
    failure.body = text;
    failure.protocol = protocol.name();
  }
  if (is_ours) rest_key(key, kKeyRest);
  if (failure.kind == ProviderFailure::Kind::kRateLimited) {
    rest_key(key, std::min(failure.retry_after.value_or(std::chrono::seconds(1)), kLongestRest));
  }
  co_return failure;
}

Awaitable<Attempt> HttpProvider::start(const WireRequest& request, const std::string& model, const Call& call) {
  std::optional<Outgoing> made;
  std::optional<ProviderFailure> refused;
  try {
    made = outgoing(request, model);
  } catch (const Error& error) {
    refused = ProviderFailure{.kind = ProviderFailure::Kind::kRefused, .error = error};
  }
  if (refused) co_return Attempt(std::move(*refused));
  Outgoing& out = *made;
  out.key = sign(out.http, out.protocol->name());
  RunningCount count(running_);
  HttpOutcome outcome = co_await client_.send(std::move(out.http), call);
  if (const auto* failure = std::get_if<HttpFailure>(&outcome)) co_return Attempt(failure_of(*failure, out.key));
  std::unique_ptr<HttpReply> reply = std::move(std::get<0>(outcome));
  if (reply->status() < 200 || reply->status() > 299) {
    ProviderFailure failure = co_await failure_of_status(*reply, *out.protocol, out.key);
    co_return Attempt(std::move(failure));
  }
  const bool is_translated = out.protocol->name() != request.protocol().name();
  Origin origin{options_.name, out.protocol, out.strips_usage, is_translated, std::move(out.dropped), out.key};
  std::unique_ptr<AnswerStream> answer;
  if (request.stream() && is_event_stream(*reply)) {
    answer = std::make_unique<StreamedAnswer>(std::move(reply), std::move(origin), std::move(count));
  } else {
    answer = std::make_unique<WholeAnswer>(std::move(reply), std::move(origin), std::move(count));
  }
  co_return Attempt(std::move(answer));
}

Awaitable<std::optional<TokenCount>> HttpProvider::count_tokens(const WireRequest& request, const std::string& model,
                                                                const Call& call) {
  const Protocol& protocol = request.protocol();
  if (!options_.vendor->has_count_tokens || protocol.name() != options_.vendor->protocol) co_return std::nullopt;
  OutboundRequest http;
  http.url = options_.base_url + path_of(*options_.vendor, protocol.name(), model, false) + "/count_tokens";
  std::vector<std::string> dropped;
  http.body = without_marked_thoughts(edit_request(protocol.name(), request.body(), model, false), dropped);
  http.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  http.headers.insert(http.headers.end(), request.forwarded().begin(), request.forwarded().end());
  const int key = sign(http, protocol.name());
  HttpOutcome outcome = co_await client_.send(std::move(http), call);
  if (const auto* failure = std::get_if<HttpFailure>(&outcome)) co_return TokenCount(failure_of(*failure, key));
  const std::unique_ptr<HttpReply> reply = std::move(std::get<0>(outcome));
  if (reply->status() < 200 || reply->status() > 299) {
    ProviderFailure failure = co_await failure_of_status(*reply, protocol, key);
    co_return TokenCount(std::move(failure));
  }
  std::variant<std::string, HttpFailure> body = co_await read_body(*reply, kMostErrorBytes);
  if (const auto* failure = std::get_if<HttpFailure>(&body)) co_return TokenCount(failure_of(*failure, key));
  co_return counted(options_.name, {std::move(std::get<0>(body)), trace_headers_of(*reply)});
}

Awaitable<std::optional<ProviderFailure>> HttpProvider::probe(const Call& call) {
  OutboundRequest http;
  http.method = "GET";
  http.url = options_.base_url + std::string(options_.vendor->models_path);
  const int key = pick_key();
  authenticate(key, options_.vendor->authentication, http.headers);
  if (options_.vendor->protocol == ProtocolName::kAnthropic) {
    http.headers.emplace_back("anthropic-version", kAnthropicVersion);
  }
  http.timeouts = {options_.timeouts.connect, options_.probe_timeout, options_.probe_timeout, options_.probe_timeout};
  http.allow_private_address = options_.allow_private_address;
  HttpOutcome outcome = co_await client_.send(std::move(http), call);
  if (const auto* failure = std::get_if<HttpFailure>(&outcome)) co_return failure_of(*failure, key);
  const std::unique_ptr<HttpReply> reply = std::move(std::get<0>(outcome));
  // A host without that list is there all the same.
  if (reply->status() < 400 || reply->status() == 404) co_return std::nullopt;
  ProviderFailure failure;
  failure.status = reply->status();
  failure.kind = kind_of_status(failure.status);
  failure.key = key;
  failure.error = Error(code_of(failure.kind), fmt::format("{}: status {}", options_.name, failure.status));
  co_return failure;
}

}  // namespace understudy
