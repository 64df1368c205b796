// What the tests of chains share: the tools, a request, targets over scripted providers.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/worker_pool.h"
#include "gateway/routing/chain_runner.h"
#include "tests/support/run_awaitable.h"
#include "tests/support/scripted_provider.h"

namespace understudy::testing {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = ProviderFailure::Kind;

inline WireRequest chat_request(const std::string& text, bool stream = true) {
  ChatRequest request;
  request.model = "small";
  request.messages.push_back(Message::of(Role::kUser, text));
  request.stream = stream;
  return WireRequest::of(openai_chat(), std::move(request));
}

// One nano-dollar a token, but for the vendor "unpriced".
inline std::optional<Price> nano_per_token(std::string_view vendor, std::string_view, int64_t, const Usage& usage) {
  if (vendor == "unpriced") return std::nullopt;
  return Price{Money::nano_dollars(usage.prompt_tokens() + usage.completion_tokens()), "test"};
}

// A stream read to its end, or the failure instead.
struct Heard {
  std::optional<ProviderFailure> failure;
  std::string text;
  bool finished = false;
  std::optional<FailureEvent> broke_off;
  std::vector<AnswerPiece> pieces;

  // What a client takes for a whole answer.
  bool looks_whole() const { return !failure && !broke_off && finished; }
};

inline void hear(Heard& heard, AnswerPiece piece) {
  for (const ChatEvent& event : piece.events) {
    EXPECT_FALSE(heard.broke_off) << "something came after a failure";
    if (const auto* text = std::get_if<TextEvent>(&event)) heard.text += text->text;
    if (std::holds_alternative<FinishEvent>(event)) heard.finished = true;
    if (const auto* failure = std::get_if<FailureEvent>(&event)) heard.broke_off = *failure;
  }
  heard.pieces.push_back(std::move(piece));
}

inline Awaitable<Heard> listen(Attempt attempt, size_t most_pieces) {
  Heard heard;
  if (!attempt.started()) {
    heard.failure = attempt.failure();
    co_return heard;
  }
  const std::unique_ptr<AnswerStream> stream = attempt.take_stream();
  while (heard.pieces.size() < most_pieces) {
    std::optional<AnswerPiece> piece = co_await stream->next();
    if (!piece) break;
    hear(heard, std::move(*piece));
  }
  co_return heard;
}

inline std::shared_ptr<Chain> new_chain() {
  auto chain = std::make_shared<Chain>();
  chain->name = "small";
  chain->price = nano_per_token;
  return chain;
}

class ChainTest : public ::testing::Test {
 protected:
  ~ChainTest() override { tasks.stop_and_wait(); }

  ChainTarget target(const std::string& name, std::shared_ptr<Provider> provider) {
    ChainTarget target;
    target.provider = std::move(provider);
    target.name = name;
    target.vendor = name;
    target.model = name + "-model";
    target.health = board.target(name, target.model, breaker);
    target.timeouts = timeouts;
    return target;
  }
  void add(const std::string& name, Script script) {
    providers.push_back(std::make_shared<ScriptedProvider>(deadlines, std::move(script)));
    chain->targets.push_back(target(name, providers.back()));
  }
  void add(const std::string& name, ScriptedProvider::Choose choose) {
    providers.push_back(std::make_shared<ScriptedProvider>(deadlines, std::move(choose)));
    chain->targets.push_back(target(name, providers.back()));
  }
  Heard ask(const WireRequest& request, size_t most_pieces = 100'000) {
    record = Exchange();
    return run(asking(request, record, most_pieces));
  }
  Heard ask() { return ask(chat_request("hello")); }
  Awaitable<Heard> asking(const WireRequest& request, Exchange& into, size_t most_pieces) {
    const Call call{&pool, stop.get_token()};
    ChainCall what{chain};
    Attempt attempt = co_await runner.start(std::move(what), request, into, call);
    Heard heard = co_await listen(std::move(attempt), most_pieces);
    co_return heard;
  }
  std::vector<std::string> asked() const {
    std::vector<std::string> names;
    for (const ExchangeAttempt& attempt : record.attempts) names.push_back(attempt.provider);
    return names;
  }

  Deadlines deadlines;
  WorkerPool pool{2};
  WorkerPool background{2};
  UsageEstimator estimator;
  HealthBoard board;
  TaskGroup tasks;
  BreakerLimits breaker;
  ChainTimeouts timeouts;
  std::vector<std::shared_ptr<ScriptedProvider>> providers;
  std::shared_ptr<Chain> chain = new_chain();
  ChainRunner runner{{deadlines, background, tasks, estimator, [] { return int64_t{1'000}; }, 7}};
  std::stop_source stop;
  Exchange record;
};

}  // namespace understudy::testing
