// The room's page. gateway/providers is who can answer: the built-in engine, and later any vendor. To the rest of the
// gateway a rented teacher and an owned specialist are the same thing, a Provider: asked with a ChatRequest, it answers
// with a stream of ChatEvents, or says why there is none. It never throws for a fault of its own or of the request:
// what a router chooses on is a value.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/awaitable.h"
#include "base/error.h"
#include "base/executor.h"
#include "chat/conversation.h"

namespace understudy {

// Events of one answer, in the order that chat/conversation.h promises. Destroying it cancels the answer and frees what
// it held.
class AnswerStream {
 public:
  virtual ~AnswerStream() = default;
  // The next event; nothing at the end, and nothing more after a FailureEvent. Where it has to wait, the coroutine goes
  // on on the call's executor.
  virtual Awaitable<std::optional<ChatEvent>> next() = 0;
};

struct ProviderFailure {
  enum class Kind {
    kRefused,      // the request's own fault: nobody else should be tried
    kOverloaded,   // to be tried again, or elsewhere
    kUnavailable,  // not there now
    kCancelled,    // by the call's stop token
    kBroken,       // the provider failed
  };
  Kind kind = Kind::kBroken;
  Error error{ErrorCode::kInternal, ""};  // what to tell a client
  std::optional<std::chrono::seconds> retry_after;
};

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

class Provider {  // thread-safe
 public:
  virtual ~Provider() = default;
  // Called on a thread that may take its time (rendering and tokenising a long prompt), but not wait for anything.
  virtual Awaitable<Attempt> start(const ChatRequest& request, const Call& call) = 0;
  virtual std::vector<ProviderModel> models() const = 0;
  virtual ProviderLoad load() const = 0;
  virtual const TokenService* tokens() const { return nullptr; }  // of those that have their model at hand
};

}  // namespace understudy
