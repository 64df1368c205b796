#include "engine/inference/engine_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <set>

#include "tests/engine/inference/scripted_model.h"

namespace understudy {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What one request got; thread-safe.
class Answer {
 public:
  void connect(GenerationRequest& request) {
    request.on_token = [this, also = std::move(request.on_token)](const GeneratedToken& token) {
      {
        const std::lock_guard lock(mutex_);
        tokens_.push_back(token);
        changed_.notify_all();
      }
      if (also) also(token);
    };
    request.on_finish = [this](const GenerationResult& result) {
      const std::lock_guard lock(mutex_);
      EXPECT_FALSE(result_) << "on_finish came twice";
      result_ = result;
      changed_.notify_all();
    };
  }
  GenerationResult wait() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(60), [this] { return result_.has_value(); }));
    return result_.value_or(GenerationResult{});
  }
  void wait_for_tokens(size_t n) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(60), [&] { return tokens_.size() >= n; }));
  }
  bool is_finished() {
    const std::lock_guard lock(mutex_);
    return result_.has_value();
  }
  std::vector<GeneratedToken> tokens() {
    const std::lock_guard lock(mutex_);
    return tokens_;
  }
  std::vector<TokenId> ids() {
    std::vector<TokenId> ids;
    for (const GeneratedToken& token : tokens()) ids.push_back(token.id);
    return ids;
  }
  std::string text() {
    const std::string rest = wait().rest;
    std::string text;
    for (const GeneratedToken& token : tokens()) text += token.text;
    return text + rest;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<GeneratedToken> tokens_;
  std::optional<GenerationResult> result_;
};

std::unique_ptr<EngineLoop> loop_over(ScriptedModel::Script script, const EngineOptions& options = {},
                                      std::function<void(std::span<const BatchEntry>)> before_forward = {}) {
  return std::make_unique<EngineLoop>(std::make_unique<ScriptedModel>(std::move(script), std::move(before_forward)),
                                      std::make_shared<ByteTokenizer>(), options);
}

GenerationRequest asking(std::string_view prompt) {
  return {.prompt = byte_tokens(prompt), .sampling = {.temperature = 0}, .stop_tokens = {kEndToken}};
}

GenerationId submit(EngineLoop& loop, GenerationRequest request, Answer& answer) {
  answer.connect(request);
  return loop.submit(std::move(request));
}

// Runs one request by itself.
std::vector<TokenId> ids_of(EngineLoop& loop, GenerationRequest request) {
  Answer answer;
  submit(loop, std::move(request), answer);
  answer.wait();
  return answer.ids();
}

TEST(EngineLoop, StreamsTheAnswerAndKeepsTheStopToken) {
  const auto loop = loop_over(saying("yes."));
  Answer answer;
  submit(*loop, asking("is it?>"), answer);
  const GenerationResult result = answer.wait();
  EXPECT_EQ(result.reason, StopReason::kStopToken);
  EXPECT_EQ(result.prompt_tokens, 7);
  EXPECT_EQ(result.generated_tokens, 5);
  EXPECT_EQ(answer.ids(), byte_tokens("yes."));
  EXPECT_EQ(answer.tokens().at(1).text, "e");
  EXPECT_EQ(answer.text(), "yes.");
  EXPECT_EQ(loop->statistics().prompt_tokens, 7);
  EXPECT_EQ(loop->statistics().generated_tokens, 5);
}

TEST(EngineLoop, EndsAtMaxTokensAtTheContextOrAtOnce) {
  const auto loop = loop_over(saying(std::string(500, 'a')), {.context = 40});
  GenerationRequest three = asking("q>");
  three.max_tokens = 3;
  Answer answer;
  submit(*loop, three, answer);
  EXPECT_EQ(answer.wait().reason, StopReason::kLength);
  EXPECT_EQ(answer.text(), "aaa");
  EXPECT_EQ(ids_of(*loop, asking("q>")).size(), 38u);
  GenerationRequest none = asking("q>");
  none.max_tokens = 0;
  Answer nothing;
  submit(*loop, none, nothing);
  EXPECT_EQ(nothing.wait().reason, StopReason::kLength);
  EXPECT_EQ(nothing.wait().generated_tokens, 0);
  EXPECT_EQ(loop->statistics().waiting, 0);
}

TEST(EngineLoop, WithoutStopTokensTheEndTokenIsOneLikeOthersButShowsNoText) {
  const auto loop = loop_over(saying("ab"));
  GenerationRequest request = asking(">");
  request.stop_tokens.clear();
  request.max_tokens = 4;
  Answer answer;
  submit(*loop, request, answer);
  EXPECT_EQ(answer.wait().reason, StopReason::kLength);
  EXPECT_THAT(answer.ids(), ElementsAre('a', 'b', kEndToken, kEndToken));
  EXPECT_EQ(answer.text(), "ab");
}

TEST(EngineLoop, StopsAtAStopStringAcrossTokensAndNeverShowsIt) {
  const auto loop = loop_over(saying("one\n\nEnough"));
  GenerationRequest request = asking(">");
  request.stop = {"\n\nEnd", "\n\nEno"};
  Answer answer;
  submit(*loop, request, answer);
  const GenerationResult result = answer.wait();
  EXPECT_EQ(result.reason, StopReason::kStopString);
  EXPECT_EQ(result.generated_tokens, 8);
  EXPECT_EQ(answer.text(), "one");
}

TEST(EngineLoop, TextThatWasHeldBackComesAtTheEnd) {
  const auto loop = loop_over(saying("one\n\nEn"));
  GenerationRequest request = asking(">");
  request.stop = {"\n\nEnd"};
  Answer answer;
  submit(*loop, request, answer);
  EXPECT_EQ(answer.wait().reason, StopReason::kStopToken);
  EXPECT_EQ(answer.wait().rest, "\n\nEn");
  EXPECT_EQ(answer.text(), "one\n\nEn");
}

TEST(EngineLoop, NeverShowsHalfACharacter) {
  const auto loop = loop_over(saying("5\xE2\x82\xAC!"));
  Answer whole;
  submit(*loop, asking(">"), whole);
  whole.wait();
  std::vector<std::string> pieces;
  for (const GeneratedToken& token : whole.tokens()) pieces.push_back(token.text);
  EXPECT_THAT(pieces, ElementsAre("5", "", "", "\xE2\x82\xAC", "!"));
  GenerationRequest cut = asking(">");
  cut.max_tokens = 3;
  Answer half;
  submit(*loop, cut, half);
  half.wait();
  EXPECT_THAT(half.text(), testing::StartsWith("5\xEF\xBF\xBD"));
}

TEST(EngineLoop, TokensThatTheTokenizerLacksHaveNoText) {
  const auto loop = loop_over([](std::span<const TokenId>, std::span<float> logits) { logits[kTextlessToken] = 9; });
  GenerationRequest request = asking(">");
  request.max_tokens = 2;
  Answer answer;
  submit(*loop, request, answer);
  EXPECT_EQ(answer.wait().reason, StopReason::kLength);
  EXPECT_EQ(answer.text(), "");
  EXPECT_THAT(answer.ids(), Each(kTextlessToken));
}

TEST(EngineLoop, GivesLogProbabilitiesWhereAsked) {
  const auto loop = loop_over([](std::span<const TokenId>, std::span<float> logits) {
    std::fill(logits.begin(), logits.end(), -1000.0F);
    logits['a'] = std::log(0.7F);
    logits['b'] = std::log(0.3F);
  });
  GenerationRequest request = asking(">");
  request.max_tokens = 1;
  request.logprobs = true;
  request.top_logprobs = 2;
  Answer answer;
  submit(*loop, request, answer);
  answer.wait();
  const GeneratedToken token = answer.tokens().at(0);
  EXPECT_NEAR(token.logprob, std::log(0.7), 1e-6);
  ASSERT_EQ(token.top.size(), 2u);
  EXPECT_EQ(token.top[1].id, 'b');
  EXPECT_NEAR(token.top[1].logprob, std::log(0.3), 1e-6);
}

// The heart of it: a request's tokens are its own, whoever else is there, however its prompt is cut, and also when it
// had to give its pages back and was computed again.
TEST(EngineLoop, TokensAreTheSameAloneInABatchAndWithTooLittleCache) {
  std::vector<GenerationRequest> requests;
  for (int i = 0; i < 12; ++i) {
    GenerationRequest request = asking(std::string(static_cast<size_t>(1 + 13 * i), static_cast<char>('A' + i)));
    request.sampling = {.temperature = 1, .top_p = 0.9, .presence_penalty = 0.2, .seed = 100 + i};
    request.max_tokens = 60 + i;
    requests.push_back(request);
  }
  std::vector<std::vector<TokenId>> alone;
  const auto roomy = loop_over(rambling(), {.context = 256});
  for (const GenerationRequest& request : requests) alone.push_back(ids_of(*roomy, request));
  EXPECT_EQ(std::set<std::vector<TokenId>>(alone.begin(), alone.end()).size(), alone.size());

  const EngineOptions tight{.context = 256, .cache_tokens = 384, .max_parallel = 8, .prompt_chunk = 7};
  std::atomic<int> most_at_once = 0;
  std::atomic<int64_t> computed = 0;
  const auto crowded = loop_over(rambling(), tight, [&](std::span<const BatchEntry> batch) {
    most_at_once = std::max(most_at_once.load(), static_cast<int>(batch.size()));
    for (const BatchEntry& entry : batch) computed += static_cast<int64_t>(entry.tokens.size());
  });
  std::vector<Answer> answers(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) submit(*crowded, requests[i], answers[i]);
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(answers[i].wait().reason, StopReason::kLength);
    EXPECT_EQ(answers[i].ids(), alone[i]) << "request " << i;
  }
  int64_t needed = 0;
  for (const GenerationRequest& request : requests) {
    needed += static_cast<int64_t>(request.prompt.size()) + request.max_tokens - 1;
  }
  EXPECT_GE(most_at_once, 3);
  EXPECT_GT(computed, needed) << "nobody was set back, so this test would not notice a fault there";
  EXPECT_EQ(crowded->statistics().cache_tokens_used, 0);
}

TEST(EngineLoop, WithoutASeedAnswersDiffer) {
  const auto loop = loop_over(rambling());
  GenerationRequest request = asking(">");
  request.sampling.temperature = 1;
  request.max_tokens = 30;  // 26^30 possible answers
  EXPECT_NE(ids_of(*loop, request), ids_of(*loop, request));
}

TEST(EngineLoop, EveryClientGetsTokensWhileTheOthersRun) {
  std::latch all_submitted(1);
  const auto loop =
      loop_over(saying(std::string(200, 'x')), {}, [&](std::span<const BatchEntry>) { all_submitted.wait(); });
  std::vector<Answer> answers(4);
  std::latch all_started(4);
  for (Answer& answer : answers) {
    GenerationRequest request = asking("go>");
    // The engine's thread may not be held up; each takes note of its third token, and nobody may be finished by then.
    request.on_token = [&, n = 0](const GeneratedToken&) mutable {
      if (++n != 3) return;
      for (Answer& other : answers) EXPECT_FALSE(other.is_finished());
      all_started.count_down();
    };
    submit(*loop, request, answer);
  }
  all_submitted.count_down();
  all_started.wait();
  for (Answer& answer : answers) EXPECT_EQ(answer.text(), std::string(200, 'x'));
}

TEST(EngineLoop, ACancelledRequestFreesItsPlaceAndTheOthersGoOn) {
  std::latch was_cancelled(1);
  const auto loop =
      loop_over(saying(std::string(3000, 'x')), {.context = 4096}, [&, n = 0](std::span<const BatchEntry>) mutable {
        if (++n > 20) was_cancelled.wait();
      });
  Answer cancelled;
  Answer other;
  const GenerationId id = submit(*loop, asking("one>"), cancelled);
  GenerationRequest short_one = asking("two>");
  short_one.max_tokens = 400;
  submit(*loop, short_one, other);
  cancelled.wait_for_tokens(5);
  loop->cancel(id);
  was_cancelled.count_down();
  const GenerationResult result = cancelled.wait();
  EXPECT_EQ(result.reason, StopReason::kCancelled);
  EXPECT_LE(result.generated_tokens, 21);
  EXPECT_EQ(other.wait().reason, StopReason::kLength);
  EXPECT_EQ(other.text().size(), 400u);
  EXPECT_EQ(loop->statistics().active, 0);
  EXPECT_EQ(loop->statistics().cache_tokens_used, 0);
  loop->cancel(id);
  loop->cancel(123456);
}

TEST(EngineLoop, ARequestMayBeCancelledFromItsOwnCallback) {
  const auto loop = loop_over(saying(std::string(1000, 'x')));
  std::atomic<GenerationId> id = 0;
  Answer answer;
  GenerationRequest request = asking(">");
  request.on_token = [&](const GeneratedToken&) { loop->cancel(id); };
  id = submit(*loop, request, answer);
  EXPECT_EQ(answer.wait().reason, StopReason::kCancelled);
}

TEST(EngineLoop, RefusesWhenTooManyWaitAndCancelsThoseToo) {
  std::latch open(1);
  const auto loop =
      loop_over(saying("ok"), {.max_parallel = 1, .queue = 2}, [&](std::span<const BatchEntry>) { open.wait(); });
  std::vector<Answer> answers(3);
  submit(*loop, asking("1>"), answers[0]);
  while (loop->statistics().active == 0) std::this_thread::yield();
  const GenerationId second = submit(*loop, asking("2>"), answers[1]);
  submit(*loop, asking("3>"), answers[2]);
  EXPECT_EQ(loop->statistics().waiting, 2);
  try {
    loop->submit(asking("4>"));
    FAIL() << "a fourth was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOverloaded);
  }
  loop->cancel(second);
  open.count_down();
  EXPECT_EQ(answers[0].text(), "ok");
  EXPECT_EQ(answers[1].wait().reason, StopReason::kCancelled);
  EXPECT_EQ(answers[2].text(), "ok");
  Answer again;
  submit(*loop, asking("5>"), again);
  EXPECT_EQ(again.text(), "ok");
}

TEST(EngineLoop, AFaultInTheModelFailsTheRequestThatCausedIt) {
  const auto loop = loop_over(
      [](std::span<const TokenId> history, std::span<float> logits) {
        const bool is_poisoned = history.size() == 9 && history[0] == '!';
        if (is_poisoned) throw Error(ErrorCode::kInvalidInput, "this one has no continuation");
        saying("fine, thank you")(history, logits);
      },
      {.prompt_chunk = 3});
  std::vector<Answer> answers(3);
  submit(*loop, asking("how>"), answers[0]);
  submit(*loop, asking("!ow>"), answers[1]);
  submit(*loop, asking("and how are you>"), answers[2]);
  const GenerationResult failed = answers[1].wait();
  EXPECT_EQ(failed.reason, StopReason::kFailed);
  ASSERT_TRUE(failed.error.has_value());
  EXPECT_EQ(failed.error->message(), "this one has no continuation");
  EXPECT_EQ(answers[1].ids(), byte_tokens("fine,"));
  for (const size_t i : {0, 2}) {
    EXPECT_EQ(answers[i].wait().reason, StopReason::kStopToken);
    EXPECT_EQ(answers[i].text(), "fine, thank you");
  }
  EXPECT_EQ(loop->statistics().cache_tokens_used, 0);
}

TEST(EngineLoop, LogitsThatAreNoNumbersFailTheirRequest) {
  const auto loop = loop_over([](std::span<const TokenId> history, std::span<float> logits) {
    saying("ok")(history, logits);
    if (history[0] == '!') logits[5] = std::nanf("");
  });
  Answer bad;
  Answer good;
  submit(*loop, asking("!>"), bad);
  submit(*loop, asking("?>"), good);
  EXPECT_EQ(bad.wait().reason, StopReason::kFailed);
  EXPECT_EQ(good.text(), "ok");
}

TEST(EngineLoop, ACallbackThatThrowsFailsItsRequest) {
  const auto loop = loop_over(saying("ok"));
  Answer bad;
  Answer good;
  GenerationRequest request = asking(">");
  request.on_token = [](const GeneratedToken&) { throw std::runtime_error("the client's buffer is full"); };
  submit(*loop, request, bad);
  submit(*loop, asking(">"), good);
  EXPECT_EQ(bad.wait().reason, StopReason::kFailed);
  EXPECT_THAT(bad.wait().error->message(), HasSubstr("buffer is full"));
  EXPECT_EQ(good.text(), "ok");
}

TEST(EngineLoop, TheDestructorCancelsWhatRunsAndWhatWaits) {
  std::vector<Answer> answers(5);
  {
    const auto loop =
        loop_over(saying(std::string(4000, 'x')), {.context = 4096, .max_parallel = 2},
                  [](std::span<const BatchEntry>) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); });
    for (Answer& answer : answers) submit(*loop, asking(">"), answer);
    answers[0].wait_for_tokens(2);
  }
  for (Answer& answer : answers) {
    ASSERT_TRUE(answer.is_finished());
    EXPECT_EQ(answer.wait().reason, StopReason::kCancelled);
  }
}

std::string refusal(const EngineOptions& options, const GenerationRequest& request) {
  const auto loop = loop_over(saying("ok"), options);
  try {
    loop->submit(request);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
    return error.message();
  }
  return "taken";
}

TEST(EngineLoop, RefusesWhatCannotBeServedAndSaysWhy) {
  GenerationRequest request = asking("12345678");
  EXPECT_EQ(refusal({.context = 10}, request), "taken");
  request.max_tokens = 3;
  EXPECT_THAT(refusal({.context = 10}, request),
              HasSubstr("8 tokens and max_tokens 3 are more than the context of 10"));
  request.max_tokens = INT64_MAX;
  EXPECT_THAT(refusal({}, request), HasSubstr("more than the context of 4096"));
  request.max_tokens = -2;
  EXPECT_THAT(refusal({}, request), HasSubstr("max_tokens: expected 0 or more, got -2"));
  request = asking("");
  EXPECT_THAT(refusal({}, request), HasSubstr("prompt is empty"));
  request.prompt = {1, 300};
  EXPECT_THAT(refusal({}, request), HasSubstr("token 300: the model's go from 0 to 299"));
  request = asking("a");
  request.stop = {""};
  EXPECT_THAT(refusal({}, request), HasSubstr("stop string is empty"));
  request = asking("a");
  request.top_logprobs = -1;
  EXPECT_THAT(refusal({}, request), HasSubstr("top_logprobs"));
  request = asking("a");
  request.sampling.top_p = 7;
  EXPECT_THAT(refusal({}, request), HasSubstr("top_p"));
}

TEST(EngineLoop, RefusesOptionsThatContradictEachOther) {
  EXPECT_THROW(loop_over(saying(""), {.context = 5000}), Error);
  EXPECT_THROW(loop_over(saying(""), {.context = 100, .cache_tokens = 64}), Error);
  EXPECT_THROW(loop_over(saying(""), {.max_parallel = 0}), Error);
  EXPECT_THROW(loop_over(saying(""), {.prompt_chunk = 0}), Error);
  EXPECT_EQ(loop_over(saying(""), {.cache_tokens = 64})->context(), 64);
  EXPECT_EQ(loop_over(saying(""))->context(), 4096);
}

// Many threads at once; the thread sanitizer watches.
TEST(EngineLoop, ManyThreadsSubmitAndCancel) {
  const auto loop = loop_over(rambling(), {.context = 128, .cache_tokens = 512, .max_parallel = 4, .queue = 64});
  std::vector<std::thread> clients;
  for (uint64_t client = 0; client < 4; ++client) {
    clients.emplace_back([&loop, client] {
      Random random(client);
      for (int i = 0; i < 15; ++i) {
        Answer answer;
        GenerationRequest request = asking(std::string(random.below(40) + 1, 'q'));
        request.max_tokens = static_cast<int64_t>(random.below(80));
        const bool leaves = random.chance(0.4);
        const GenerationId id = submit(*loop, request, answer);
        if (leaves) loop->cancel(id);
        const GenerationResult result = answer.wait();
        EXPECT_TRUE(leaves || result.generated_tokens == request.max_tokens);
        EXPECT_GE(loop->statistics().active, 0);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(loop->statistics().active, 0);
  EXPECT_EQ(loop->statistics().waiting, 0);
  EXPECT_EQ(loop->statistics().cache_tokens_used, 0);
}

}  // namespace
}  // namespace understudy
