// A provider that does what a script says, for tests of routing: which failure, which pieces, how long before each, and
// what happens at any event. No network, no model. A script is chosen per request by a function of the test's.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/channel.h"
#include "base/deadlines.h"
#include "gateway/providers/provider.h"
#include "gateway/wire/wire_request.h"

namespace understudy::testing {

struct Script {
  std::chrono::milliseconds before_start{0};
  std::optional<ProviderFailure> failure;  // instead of a stream
  struct Step {
    std::chrono::milliseconds before{0};
    AnswerPiece piece;
  };
  std::vector<Step> steps;
  // What happens after the steps: a proper end, a stall until it is stopped, or a cut connection's FailureEvent.
  enum class End { kProper, kStall, kCut } end = End::kProper;

  Script& then(ChatEvent event, std::chrono::milliseconds before = {}) & {
    Step step;
    step.before = before;
    step.piece.events.push_back(std::move(event));
    steps.push_back(std::move(step));
    return *this;
  }
  static Script failing(ProviderFailure::Kind kind, int status = 0, std::optional<std::chrono::seconds> after = {}) {
    Script script;
    script.failure = ProviderFailure{kind, Error(ErrorCode::kUnavailable, "planted"), after, status};
    return script;
  }
  // A head, the words one by one, a finish and the usage.
  static Script answering(const std::vector<std::string>& words, std::chrono::milliseconds first = {},
                          std::chrono::milliseconds between = {}) {
    Script script;
    script.then(HeadEvent{{"id", "model", 1}});
    for (size_t i = 0; i < words.size(); ++i) script.then(TextEvent{0, words[i], {}}, i == 0 ? first : between);
    script.then(FinishEvent{});
    Usage usage;
    usage.input = 100;
    usage.output = static_cast<int64_t>(words.size());
    script.then(UsageEvent{usage});
    return script;
  }
};

class ScriptedProvider : public Provider {  // thread-safe
 public:
  using Choose = std::function<Script(const WireRequest& request, int nth)>;

  ScriptedProvider(Deadlines& deadlines, Choose choose) : deadlines_(deadlines), choose_(std::move(choose)) {}
  ScriptedProvider(Deadlines& deadlines, Script script)
      : ScriptedProvider(deadlines, [script](const WireRequest&, int) { return script; }) {}

  Awaitable<Attempt> start(const WireRequest& request, const std::string&, const Call& call) override {
    Script script = choose_(request, asked_++);
    if (script.before_start.count() > 0) {
      const bool passed = co_await sleep_for(deadlines_, script.before_start, call);
      if (!passed) co_return Attempt(cancelled());
    }
    if (script.failure) co_return Attempt(*script.failure);
    std::unique_ptr<AnswerStream> stream = std::make_unique<Stream>(*this, std::move(script), call);
    co_return Attempt(std::move(stream));
  }
  Awaitable<std::optional<TokenCount>> count_tokens(const WireRequest&, const std::string&, const Call&) override {
    ++counted_;
    co_return count_;
  }
  bool has_embeddings() const override { return has_embeddings_; }
  std::vector<ProviderModel> models() const override { return {}; }
  ProviderLoad load() const override { return {0, open_}; }
  Awaitable<std::optional<ProviderFailure>> probe(const Call&) override {
    ++probed_;
    std::optional<ProviderFailure> failure;
    if (is_dead_)
      failure = ProviderFailure{ProviderFailure::Kind::kUnavailable, Error(ErrorCode::kNetwork, "dead"), {}};
    co_return failure;
  }

  int asked() const { return asked_; }
  int open() const { return open_; }  // streams that are not destroyed yet
  int probed() const { return probed_; }
  void set_dead(bool is_dead) { is_dead_ = is_dead; }
  void set_embeddings(bool has) { has_embeddings_ = has; }
  int counted() const { return counted_; }
  void set_count(std::optional<TokenCount> count) { count_ = std::move(count); }  // before anybody asks

 private:
  struct Stream : AnswerStream {
    Stream(ScriptedProvider& owner, Script given, const Call& of)
        : provider(owner), script(std::move(given)), call(of) {
      ++provider.open_;
    }
    ~Stream() override { --provider.open_; }
    Awaitable<std::optional<AnswerPiece>> next() override {
      if (at < script.steps.size()) {
        Script::Step& step = script.steps[at++];
        if (step.before.count() > 0) {
          const bool passed = co_await sleep_for(provider.deadlines_, step.before, call);
          if (!passed) co_return stopped();
        }
        if (call.stop.stop_requested()) co_return stopped();
        co_return std::move(step.piece);
      }
      if (script.end == Script::End::kStall) {
        const bool passed = co_await sleep_for(provider.deadlines_, std::chrono::hours(1), call);
        co_return passed ? std::nullopt : stopped();
      }
      if (script.end == Script::End::kCut && !cut) {
        cut = true;
        AnswerPiece piece;
        piece.events.push_back(FailureEvent{ErrorCode::kNetwork, "the connection was cut"});
        co_return piece;
      }
      co_return std::nullopt;
    }
    static std::optional<AnswerPiece> stopped() {
      AnswerPiece piece;
      piece.events.push_back(FailureEvent{ErrorCode::kCancelled, "stopped"});
      return piece;
    }
    ScriptedProvider& provider;
    Script script;
    const Call call;
    size_t at = 0;
    bool cut = false;
  };
  static ProviderFailure cancelled() {
    return {ProviderFailure::Kind::kCancelled, Error(ErrorCode::kCancelled, "stopped"), std::nullopt};
  }

  Deadlines& deadlines_;
  const Choose choose_;
  std::atomic<int> asked_{0};
  std::atomic<int> counted_{0};
  std::optional<TokenCount> count_;
  std::atomic<int> open_{0};
  std::atomic<int> probed_{0};
  std::atomic<bool> is_dead_{false};
  std::atomic<bool> has_embeddings_{false};
};

}  // namespace understudy::testing
