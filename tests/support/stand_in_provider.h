// A provider whose behaviour its prompt chooses, for tests of everything above it: no model, no time, no chance.
//   "fail", "busy", "odd"  no answer: broken, overloaded, refused
//   "break"                one piece, then a failure
//   "hang"                 one piece, then nothing until it is cancelled
//   anything else          "Grüße, Welt!" in four pieces, as far as max_tokens goes, for each of the n choices
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/channel.h"
#include "gateway/providers/provider.h"
#include "gateway/wire/wire_request.h"

namespace understudy::testing {

class StandInProvider : public Provider, private TokenService {  // thread-safe
 public:
  explicit StandInProvider(std::string name = "stand-in") : name_(std::move(name)) {}

  Awaitable<Attempt> start(const WireRequest& wire, const std::string&, const Call& call) override {
    const ChatRequest& request = wire.value();
    const std::string text = request.prompt ? *request.prompt : request.messages.back().text();
    if (text == "fail") co_return refusal(ProviderFailure::Kind::kBroken, ErrorCode::kUnavailable);
    if (text == "busy") co_return refusal(ProviderFailure::Kind::kOverloaded, ErrorCode::kOverloaded);
    if (text == "odd") co_return refusal(ProviderFailure::Kind::kRefused, ErrorCode::kInvalidInput);
    auto stream = std::make_unique<Stream>(*this, call);
    if (text == "hang" || text == "break") {
      stream->channel.push(TextEvent{0, "first", {}, false});
      if (text == "break") stream->channel.push(FailureEvent{ErrorCode::kInternal, "planted", ""});
    } else {
      answer(request, stream->channel);
    }
    co_return Attempt(std::unique_ptr<AnswerStream>(std::move(stream)));
  }
  std::vector<ProviderModel> models() const override { return {{name_, 1700000000}}; }
  ProviderLoad load() const override { return {3, active_}; }
  const TokenService* tokens() const override { return this; }

  int cancelled() const { return cancelled_; }
  int active() const { return active_; }

 private:
  struct Stream : AnswerStream {
    Stream(StandInProvider& owner, const Call& given) : provider(owner), call(given), stop(given.stop, Cancel{this}) {
      ++provider.active_;
    }
    ~Stream() override { --provider.active_; }
    Awaitable<std::optional<AnswerPiece>> next() override {
      std::optional<ChatEvent> event = co_await channel.next(*call.executor);
      if (!event) co_return std::nullopt;
      AnswerPiece piece;
      piece.events.push_back(std::move(*event));
      co_return piece;
    }
    struct Cancel {
      Stream* stream;
      void operator()() const {
        ++stream->provider.cancelled_;
        stream->channel.close();
      }
    };
    StandInProvider& provider;
    Call call;
    Channel<ChatEvent> channel;
    std::stop_callback<Cancel> stop;
  };

  static Attempt refusal(ProviderFailure::Kind kind, ErrorCode code) {
    ProviderFailure failure{.kind = kind, .error = Error(code, "planted")};
    if (kind == ProviderFailure::Kind::kOverloaded) failure.retry_after = std::chrono::seconds(7);
    return Attempt(std::move(failure));
  }
  static void answer(const ChatRequest& request, Channel<ChatEvent>& channel) {
    const std::vector<std::string> pieces = {"Grü", "ße", ", ", "Welt!"};
    const size_t count = std::min<size_t>(pieces.size(), static_cast<size_t>(request.max_tokens.value_or(99)));
    for (size_t i = 0; i < count; ++i) {
      for (int choice = 0; choice < request.n; ++choice) {
        TextEvent event{choice, pieces[i], {}, false};
        if (request.logprobs) event.logprobs.push_back({{pieces[i], -0.5}, {}});
        channel.push(std::move(event));
      }
    }
    const FinishReason reason = count < pieces.size() ? FinishReason::kLength : FinishReason::kStop;
    for (int choice = 0; choice < request.n; ++choice) channel.push(FinishEvent{choice, reason, ""});
    channel.push(UsageEvent{{.input = 3, .cached_input = 2, .output = static_cast<int64_t>(count) * request.n}});
    channel.close();
  }
  std::vector<int32_t> tokenize(const std::string& text, bool add_special, bool) const override {
    std::vector<int32_t> tokens(add_special ? 1 : 0, 256);
    for (const char c : text) tokens.push_back(static_cast<unsigned char>(c));
    return tokens;
  }
  std::string detokenize(const std::vector<int32_t>& tokens) const override {
    std::string text;
    for (const int32_t token : tokens) text += static_cast<char>(token);
    return text;
  }

  const std::string name_;
  std::atomic<int> active_{0};
  std::atomic<int> cancelled_{0};
};

}  // namespace understudy::testing
