#include "gateway/routing/held_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/worker_pool.h"
#include "tests/support/run_awaitable.h"
#include "tests/support/scripted_provider.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::Script;
using testing::ScriptedProvider;

WireRequest request_of(const Protocol& protocol, bool logprobs = false) {
  ChatRequest request;
  request.model = "small";
  request.max_tokens = 10;
  request.logprobs = logprobs;
  request.messages.push_back(Message::of(Role::kSystem, "Read the invoice."));
  request.messages.push_back(Message::of(Role::kUser, "Rechnung 17"));
  request.messages.push_back(Message::of(Role::kAssistant, "{}"));
  request.messages.push_back(Message::of(Role::kUser, "and Rechnung 18"));
  return WireRequest::of(protocol, std::move(request));
}

class HeldAnswerTest : public ::testing::Test {
 protected:
  HeldAnswer hold(Script script) {
    ScriptedProvider provider(deadlines_, std::move(script));
    return testing::run(holding(provider));
  }
  Awaitable<HeldAnswer> holding(ScriptedProvider& provider) {
    const Call call{&pool_, {}};
    Attempt attempt = co_await provider.start(request_, "m", call);
    HeldAnswer held = co_await hold_answer(attempt.take_stream());
    co_return held;
  }
  static Awaitable<std::vector<AnswerPiece>> all_of(std::unique_ptr<AnswerStream> stream) {
    std::vector<AnswerPiece> pieces;
    while (true) {
      std::optional<AnswerPiece> piece = co_await stream->next();
      if (!piece) break;
      pieces.push_back(std::move(*piece));
    }
    co_return pieces;
  }
  Deadlines deadlines_;
  WorkerPool pool_{1};
  const WireRequest request_ = request_of(openai_chat());
};

TEST_F(HeldAnswerTest, IsTheWholeStreamAndGivesItOutAgain) {
  const Script script = Script::answering({"{\"total\":", "17}"});
  HeldAnswer held = hold(script);
  EXPECT_TRUE(held.is_whole());
  ASSERT_EQ(held.answer.choices.size(), 1U);
  EXPECT_EQ(held.answer.choices[0].text, "{\"total\":17}");
  EXPECT_EQ(held.answer.usage.input, 100);
  const std::vector<AnswerPiece> pieces = testing::run(all_of(release(std::move(held))));
  ASSERT_EQ(pieces.size(), script.steps.size());
  for (size_t i = 0; i < pieces.size(); ++i) EXPECT_EQ(pieces[i].events, script.steps[i].piece.events) << i;
}

TEST_F(HeldAnswerTest, OneThatBrokeOffIsNotWhole) {
  Script script = Script::answering({"half"});
  script.steps.resize(2);
  script.end = Script::End::kCut;
  const HeldAnswer held = hold(script);
  EXPECT_FALSE(held.is_whole());
  EXPECT_EQ(held.broke_off->code, ErrorCode::kNetwork);
  EXPECT_EQ(held.answer.choices.at(0).text, "half");
}

TEST_F(HeldAnswerTest, LogProbabilitiesThatTheClientDidNotAskForLeaveNoTrace) {
  Script script;
  script.then(HeadEvent{{"id", "model", 1}});
  script.then(TextEvent{0, "17", {{{"17", -0.1}, {}}}});
  script.then(FinishEvent{});
  script.steps[1].piece.original = WireEvent{"", R"({"choices":[{"logprobs":{}}]})"};
  HeldAnswer held = hold(script);
  held.protocol = ProtocolName::kOpenAiChat;
  ASSERT_EQ(held.answer.choices.at(0).logprobs.size(), 1U) << "the gate needs them";
  strip_logprobs(held);
  EXPECT_TRUE(held.answer.choices[0].logprobs.empty());
  EXPECT_FALSE(held.protocol);
  const std::unique_ptr<AnswerStream> stream = release(std::move(held));
  EXPECT_FALSE(stream->protocol()) << "the provider's bytes hold them: they are written anew";
}

TEST_F(HeldAnswerTest, ReleasedPiecesHoldNoneEither) {
  Script script;
  script.then(TextEvent{0, "17", {{{"17", -0.1}, {}}}});
  HeldAnswer held = hold(script);
  strip_logprobs(held);
  const std::vector<AnswerPiece> pieces = testing::run(all_of(release(std::move(held))));
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_EQ(pieces[0].events, (std::vector<ChatEvent>{TextEvent{0, "17", {}}}));
  EXPECT_FALSE(pieces[0].original);
}

TEST_F(HeldAnswerTest, AsksForLogProbabilitiesInAProtocolThatHasThem) {
  const auto chat = with_logprobs(request_);
  ASSERT_TRUE(chat);
  EXPECT_TRUE(chat->value().logprobs);
  EXPECT_EQ(chat->value().messages, request_.value().messages);
  EXPECT_FALSE(with_logprobs(request_of(openai_chat(), true))) << "it asks already";
  const auto messages = with_logprobs(request_of(anthropic_messages()));
  ASSERT_TRUE(messages);
  EXPECT_EQ(messages->protocol().name(), ProtocolName::kOpenAiChat) << "Anthropic's has none";
}

TEST_F(HeldAnswerTest, TheStaticPromptCanBeLeftOut) {
  for (const Protocol* protocol : {&openai_chat(), &anthropic_messages()}) {
    const auto pruned = without_static_prompt(request_of(*protocol));
    ASSERT_TRUE(pruned);
    EXPECT_EQ(pruned->protocol().name(), protocol->name());
    EXPECT_THAT(pruned->body(), Not(HasSubstr("Read the invoice.")));
    EXPECT_EQ(pruned->head().system, "");
    EXPECT_EQ(pruned->head().last_user, "and Rechnung 18");
    EXPECT_EQ(pruned->value().max_tokens, 10) << "the rest stays";
  }
}

TEST_F(HeldAnswerTest, BodyAndInputAreInWords) {
  const HeldAnswer held = hold(Script::answering({"17"}));
  EXPECT_THAT(answer_body(request_of(anthropic_messages()), held.answer), HasSubstr(R"("type":"message")"));
  EXPECT_THAT(answer_body(request_, held.answer), HasSubstr("chat.completion"));
  EXPECT_EQ(input_text(request_.value()), "Rechnung 17\nand Rechnung 18") << "what users said, nothing else";
}

}  // namespace
}  // namespace understudy
