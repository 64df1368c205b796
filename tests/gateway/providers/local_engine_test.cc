#include "gateway/providers/local_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/worker_pool.h"
#include "gateway/providers/collect.h"
#include "gateway/wire/wire_request.h"
#include "tests/support/run_awaitable.h"
#include "tests/support/tiny_model.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using testing::run;

class LocalEngineTest : public ::testing::Test {
 protected:
  LocalEngineTest() {
    const std::filesystem::path path = testing::write_byte_model(folder_);
    model_ = Model::load(path, {.compute = Compute::kF32});
    tokenizer_ = Tokenizer::load(path);
    engine_ = std::make_unique<Engine>(model_, tokenizer_, EngineOptions{});
    provider_ = make({.name = "tiny", .created = 5, .chat_template = ChatTemplate(kTemplate, "<s>", "</s>")});
  }
  std::unique_ptr<LocalEngine> make(LocalModel model) {
    return std::make_unique<LocalEngine>(*engine_, tokenizer_, std::move(model));
  }
  static ChatRequest chat(const std::string& text) {
    ChatRequest request;
    request.model = "tiny";
    request.messages = {Message::of(Role::kUser, text)};
    request.sampling.temperature = 0;
    request.max_tokens = 6;
    return request;
  }
  static ChatRequest completion(const std::string& prompt) {
    ChatRequest request = chat("");
    request.messages.clear();
    request.prompt = prompt;
    return request;
  }
  Attempt start(const ChatRequest& request, std::stop_token stop = {}) {
    const Protocol& protocol = request.prompt ? openai_completions() : openai_chat();
    requests_.push_back(std::make_unique<WireRequest>(WireRequest::of(protocol, request)));  // outlives the stream
    return run(provider_->start(*requests_.back(), "tiny", {&workers_, std::move(stop)}));
  }
  ChatAnswer answer(const ChatRequest& request) {
    Attempt attempt = start(request);
    CHECK(attempt.started(), attempt.started() ? "" : attempt.failure().error.message());
    const std::unique_ptr<AnswerStream> stream = attempt.take_stream();
    return run(collect(*stream));
  }
  Error refusal(const ChatRequest& request) {
    const Attempt attempt = start(request);
    EXPECT_FALSE(attempt.started());
    return attempt.failure().error;
  }

  static constexpr const char* kTemplate = "{% for message in messages %}[{{ message['content'] }}]{% endfor %}";
  testing::TemporaryFolder folder_;
  WorkerPool workers_{1};
  std::shared_ptr<const Model> model_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<LocalEngine> provider_;
  std::vector<std::unique_ptr<WireRequest>> requests_;
};

TEST_F(LocalEngineTest, AnswersAChatAsThePromptThatItsTemplateMakes) {
  const ChatAnswer of_chat = answer(chat("hi"));
  const ChatAnswer of_text = answer(completion("[hi]"));
  ASSERT_EQ(of_chat.choices.size(), 1U);
  EXPECT_EQ(of_chat.choices[0].text, of_text.choices[0].text);
  EXPECT_EQ(of_chat.usage.completion_tokens(), 6);
  EXPECT_EQ(of_chat.choices[0].reason, FinishReason::kLength);
  EXPECT_EQ(of_chat.usage.prompt_tokens(), 5) << "a BOS and four bytes";
}

TEST_F(LocalEngineTest, TakesSpecialTokensInsideAMessageAsPlainText) {
  EXPECT_EQ(answer(chat("</s>")).usage.prompt_tokens(), 7) << "a BOS and six bytes, not one end token";
}

TEST_F(LocalEngineTest, GivesEveryTokensProbabilityAndItsAlternatives) {
  ChatRequest request = chat("hi");
  request.logprobs = true;
  request.top_logprobs = 2;
  const ChatAnswer given = answer(request);
  ASSERT_EQ(given.choices[0].logprobs.size(), 6U);
  for (const TokenLogprobs& token : given.choices[0].logprobs) {
    EXPECT_LE(token.chosen.logprob, 0);
    ASSERT_EQ(token.top.size(), 2U);
    EXPECT_EQ(token.top[0], token.chosen) << "greedy takes the most probable one";
  }
}

TEST_F(LocalEngineTest, DrawsChoicesThatDifferAndComeAgain) {
  ChatRequest request = chat("hi");
  request.sampling.temperature = 1;
  request.sampling.seed = 3;
  request.n = 3;
  const ChatAnswer first = answer(request);
  ASSERT_EQ(first.choices.size(), 3U);
  EXPECT_NE(first.choices[0].text, first.choices[1].text);
  EXPECT_GT(first.usage.completion_tokens(), first.usage.prompt_tokens());
  const ChatAnswer again = answer(request);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(again.choices[i].text, first.choices[i].text);
}

TEST_F(LocalEngineTest, EchoesThePrompt) {
  ChatRequest request = completion("Once");
  const std::string text = answer(request).choices[0].text;
  request.echo = true;
  EXPECT_EQ(answer(request).choices[0].text, "Once" + text);
}

TEST_F(LocalEngineTest, RefusesWithAReason) {
  const Error too_long = refusal(completion(std::string(300, 'x')));
  EXPECT_EQ(too_long.reason(), "context_length_exceeded");
  EXPECT_THAT(too_long.message(), HasSubstr("the context holds 256 tokens; the prompt has 301"));
  ChatRequest picture = chat("hi");
  picture.messages[0].content.emplace_back().other = Media{.url = "https://a.example/b.png"};
  EXPECT_EQ(refusal(picture).field(), "messages[0].content[1]");
  provider_ = make({.name = "bare"});
  EXPECT_EQ(refusal(chat("hi")).field(), "messages");
  EXPECT_EQ(answer(completion("hi")).usage.completion_tokens(), 6);
}

TEST_F(LocalEngineTest, RefusesWhatItCannotDo) {
  const auto field_of = [this](const std::function<void(ChatRequest&)>& change) {
    ChatRequest request = chat("hi");
    change(request);
    return refusal(request).field();
  };
  const Tool tool{.name = "f", .parameters = Json::object()};
  EXPECT_EQ(field_of([](ChatRequest& r) { r.response_format.kind = ResponseFormat::Kind::kJsonObject; }),
            "response_format");
  EXPECT_EQ(field_of([](ChatRequest& r) { r.tool_choice.mode = ToolChoice::Mode::kRequired; }), "tool_choice");
  EXPECT_EQ(field_of([&tool](ChatRequest& r) {
              r.tools = {tool};
              r.tools[0].strict = true;
            }),
            "tools[0].strict");
  EXPECT_EQ(field_of([&tool](ChatRequest& r) {
              r.tools = {tool};
              r.parallel_tool_calls = false;
            }),
            "parallel_tool_calls");
  EXPECT_EQ(field_of([](ChatRequest& r) { r.reasoning.effort = "high"; }), "reasoning_effort");
  EXPECT_EQ(field_of([](ChatRequest& r) { r.extras["verbosity"] = {ProtocolName::kOpenAiChat, "low"}; }), "verbosity");
  ChatRequest harmless = chat("hi");
  harmless.user = "u";
  harmless.extras["store"] = {ProtocolName::kOpenAiChat, false};
  EXPECT_EQ(answer(harmless).choices.size(), 1U);
}

TEST_F(LocalEngineTest, FreesWhatIsCancelledOrDropped) {
  ChatRequest request = chat("hi");
  request.max_tokens = 240;
  ChatAnswer cut;
  // On a busy machine the engine may have said all before it is told to stop: then once more.
  for (int i = 0; i < 100 && (i == 0 || cut.choices[0].reason != FinishReason::kCancelled); ++i) {
    std::stop_source stop;
    Attempt attempt = start(request, stop.get_token());
    ASSERT_TRUE(attempt.started());
    const std::unique_ptr<AnswerStream> stream = attempt.take_stream();
    stop.request_stop();
    cut = run(collect(*stream));
  }
  EXPECT_EQ(cut.choices[0].reason, FinishReason::kCancelled);
  EXPECT_LT(cut.usage.completion_tokens(), 240);
  { const Attempt dropped = start(request); }
  answer(chat("next"));
  for (int i = 0; i < 500 && provider_->load().active > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(provider_->load().active, 0);
}

TEST_F(LocalEngineTest, SpeaksItsModelsWords) {
  const TokenService& tokens = *provider_->tokens();
  EXPECT_EQ(tokens.tokenize("a</s>", true, true), (std::vector<int32_t>{256, 'a', 257}));
  EXPECT_EQ(tokens.tokenize("</s>", false, false).size(), 4U);
  EXPECT_EQ(tokens.detokenize({'a', 'b'}), "ab");
  EXPECT_THROW((void)tokens.detokenize({258}), Error);
}

}  // namespace
}  // namespace understudy
