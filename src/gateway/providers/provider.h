// The room's page. gateway/providers is who can answer: the built-in engine, and any vendor that speaks a protocol of
// gateway/wire. To the rest of the gateway a rented teacher and an owned specialist are the same thing, a Provider:
// asked with a request, it answers with a stream of pieces, or says why there is none. It never throws for a fault of
// its own or of the request: what a router chooses on is a value.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/awaitable.h"
#include "base/error.h"
#include "base/executor.h"
#include "chat/conversation.h"
#include "gateway/wire/protocol.h"

namespace understudy {

class WireRequest;

// Headers by which a provider finds a request again when it is asked about it: x-request-id, request-id, ... A client's
// library shows them, so that they go out with the answer as they came.
using TraceHeaders = std::vector<std::pair<std::string, std::string>>;

// One step of an answer. Of a stream: what one event of the provider's said, and the event itself, so that an endpoint
// of the same protocol sends on the very bytes. Of an answer that is no stream: the one piece that holds all of it; its
// original is the body.
struct AnswerPiece {
  std::vector<ChatEvent> events;      // in the order that chat/conversation.h promises; none for a ping
  std::optional<WireEvent> original;  // of the protocol of AnswerStream::protocol(); the built-in engine has none
};

// Destroying it cancels the answer and frees what it held.
class AnswerStream {
 public:
  virtual ~AnswerStream() = default;
  // The next piece; nothing at the end, and nothing more after a FailureEvent. A connection that ends before the
  // protocol's own end gives a FailureEvent. Where it has to wait, the coroutine goes on on the call's executor.
  virtual Awaitable<std::optional<AnswerPiece>> next() = 0;
  // What the originals are written in; nothing where there are none.
  virtual std::optional<ProtocolName> protocol() const { return std::nullopt; }
  virtual int key() const { return 0; }       // the place of the key that was used in the provider's list
  virtual int status() const { return 200; }  // HTTP's
  // Harmless fields of the request that the provider's protocol could not express.
  virtual std::vector<std::string> dropped() const { return {}; }
  virtual TraceHeaders trace_headers() const { return {}; }
};

struct ProviderFailure {
  enum class Kind {
    kRefused,      // the request's own fault (400, 413, 422): nobody else should be tried
    kKey,          // our key was not taken (401, 403): another key or another provider
    kNoSuchModel,  // 404: this host does not have the model
    kRateLimited,  // 429: to be tried again, or elsewhere
    kOverloaded,   // 503, 529, a full queue: to be tried again, or elsewhere
    kUnavailable,  // not there now: connection refused, reset, an address that is not allowed
    kTimedOut,     // connect, first token, between tokens, total, 408
    kCancelled,    // by the call's stop token
    kBroken,       // the provider failed: 5xx, an answer that is none of its protocol
  };
  Kind kind = Kind::kBroken;
  Error error{ErrorCode::kInternal, ""};  // what to tell a client; never holds a key
  std::optional<std::chrono::seconds> retry_after;
  int status = 0;                        // the provider's; 0 where it gave none
  int key = 0;                           // the place of the key that was used in the provider's list
  std::string body;                      // of the provider's error, for a client of the same protocol (kRefused only)
  std::optional<ProtocolName> protocol;  // of `body`
  TraceHeaders trace_headers;            // of the provider's answer that says so
};
std::string_view to_string(ProviderFailure::Kind kind);  // "refused", "rate_limited", ...

// A stream that began, or the reason why none did.
class [[nodiscard]] Attempt {
 public:
  explicit Attempt(std::unique_ptr<AnswerStream> stream) : outcome_(std::move(stream)) {}
  explicit Attempt(ProviderFailure failure) : outcome_(std::move(failure)) {}

  bool started() const { return outcome_.index() == 0; }
  const ProviderFailure& failure() const { return std::get<1>(outcome_); }
  std::unique_ptr<AnswerStream> take_stream() { return std::move(std::get<0>(outcome_)); }

 private:
  std::variant<std::unique_ptr<AnswerStream>, ProviderFailure> outcome_;
};

// What a provider says of itself for GET /v1/models.
struct ProviderModel {
  std::string name;
  int64_t created = 0;  // seconds since 1970, UTC
};

// Requests that wait and that run, for /metrics.
struct ProviderLoad {
  int64_t waiting = 0;
  int64_t active = 0;
};

// The words of a model: for /tokenize and /detokenize. Thread-safe.
class TokenService {
 public:
  virtual ~TokenService() = default;
  virtual std::vector<int32_t> tokenize(const std::string& text, bool add_special, bool parse_special) const = 0;
  // Throws kInvalidInput for an id outside the vocabulary.
  virtual std::string detokenize(const std::vector<int32_t>& tokens) const = 0;
};

// A provider's own count of a prompt's tokens: its answer, or why there is none.
struct CountedTokens {
  std::string body;
  TraceHeaders trace_headers = {};
};
using TokenCount = std::variant<CountedTokens, ProviderFailure>;

class Provider {  // thread-safe
 public:
  virtual ~Provider() = default;
  // Called where some milliseconds may be taken (a body above 16 kB comes on a worker's thread, for rendering and
  // tokenising a long prompt), but nothing may be waited for. The request outlives the stream. `model` is the
  // provider's own name of the model; what the request says does not count.
  virtual Awaitable<Attempt> start(const WireRequest& request, const std::string& model, const Call& call) = 0;
  // Counts the tokens of a Messages request, as Anthropic's POST /v1/messages/count_tokens does. Nothing where it has
  // no such endpoint.
  virtual Awaitable<std::optional<TokenCount>> count_tokens(const WireRequest&, const std::string& /*model*/,
                                                            const Call&) {
    co_return std::nullopt;
  }
  // Whether it takes OpenAI's embeddings; one that does not is never started with a request for them.
  virtual bool has_embeddings() const { return false; }
  virtual std::vector<ProviderModel> models() const = 0;
  virtual ProviderLoad load() const = 0;
  virtual const TokenService* tokens() const { return nullptr; }  // of those that have their model at hand
  // Whether it can be asked at all, found out cheaply (a vendor's list of models): why not, or nothing. A key that is
  // not taken or a rate limit shows that it is there. One that is at hand always is.
  virtual Awaitable<std::optional<ProviderFailure>> probe(const Call&) { co_return std::nullopt; }
};

}  // namespace understudy
