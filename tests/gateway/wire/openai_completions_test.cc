#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "gateway/wire/protocol.h"
#include "tests/support/fuzz_count.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;

ChatRequest full_request() {
  ChatRequest request;
  request.model = "m";
  request.prompt = "Once \"upon\"\n";
  request.sampling.temperature = 0;
  request.sampling.seed = 1;
  request.max_tokens = 3;
  request.stop = {"."};
  request.logprobs = true;
  request.top_logprobs = 2;
  request.stream = request.stream_usage = true;
  request.n = 2;
  return request;
}

std::vector<TokenLogprobs> some_logprobs() {
  return {{{"\xC3\xA4", -0.5}, {{"\xC3\xA4", -0.5}, {"\xE2\x82", -1.25}}}, {{"b", -2}, {}}, {{"\xE2\x82", -3}, {}}};
}

Error error_of(const Json& fields) {
  Json body = {{"model", "m"}, {"prompt", "p"}};
  for (const auto& [key, value] : fields.items()) body[key] = value;
  try {
    (void)openai_completions().read_request(dump_json(body));
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "accepted: " << dump_json(body);
  return Error(ErrorCode::kInternal, "");
}

TEST(OpenAiCompletions, ReadsBackEveryRequestThatItWrites) {
  const ChatRequest request = full_request();
  EXPECT_EQ(openai_completions().read_request(openai_completions().write_request(request)), request);
  ChatRequest echo = full_request();
  echo.logprobs = false;
  echo.top_logprobs = 0;
  echo.echo = true;
  EXPECT_EQ(openai_completions().read_request(openai_completions().write_request(echo)), echo);
}

TEST(OpenAiCompletions, TakesSixteenTokensAndAListOfOnePromptAsOpenAiDoes) {
  const ChatRequest request = openai_completions().read_request(R"({"model": "m", "prompt": ["p"]})");
  EXPECT_EQ(request.max_tokens, 16);
  EXPECT_EQ(request.prompt, "p");
  EXPECT_FALSE(request.logprobs);
  EXPECT_TRUE(openai_completions().read_request(R"({"model": "m", "prompt": "p", "logprobs": 0})").logprobs);
}

TEST(OpenAiCompletions, ReadsBackEveryAnswerThatItWrites) {
  ChatAnswer answer;
  answer.head = {"cmpl-1", "m", 1700000000};
  answer.choices = {{.text = "äb", .logprobs = some_logprobs()}, {.reason = FinishReason::kLength}};
  answer.usage = {.input = 5, .cached_input = 5, .output = 20};
  EXPECT_EQ(openai_completions().read_answer(openai_completions().write_answer(answer)), answer);
}

TEST(OpenAiCompletions, WritesLogprobsAsFourListsWithOffsetsInCharacters) {
  ChatAnswer answer;
  answer.choices = {{.text = "äb", .logprobs = some_logprobs()}};
  EXPECT_THAT(openai_completions().write_answer(answer),
              HasSubstr(R"("logprobs":{"tokens":["ä","b","bytes:\\xe2\\x82"],"token_logprobs":[-0.5,-2.0,-3.0],)"
                        R"("top_logprobs":[{"ä":-0.5,"bytes:\\xe2\\x82":-1.25},{},{}],"text_offset":[0,1,2]})"));
}

TEST(OpenAiCompletions, ReadsBackEveryStreamThatItWrites) {
  const std::vector<ChatEvent> events = {HeadEvent{{"cmpl-1", "m", 5}},
                                         TextEvent{0, "äb", some_logprobs(), false},
                                         TextEvent{1, "x", {}, false},
                                         TextEvent{0, "y", {{{"y", -1}, {}}}, false},
                                         FinishEvent{0, FinishReason::kStop, ""},
                                         FinishEvent{1, FinishReason::kLength, ""},
                                         UsageEvent{{.input = 1, .output = 2}}};
  const auto writer = openai_completions().event_writer(full_request(), {"cmpl-1", "m", 5});
  const auto reader = openai_completions().event_reader();
  std::vector<ChatEvent> read;
  std::string all;
  const auto read_all = [&](const std::vector<WireEvent>& payloads) {
    for (const WireEvent& payload : payloads) {
      all += payload.data + "\n";
      for (ChatEvent& back : reader->read(payload)) read.push_back(std::move(back));
    }
  };
  for (const ChatEvent& event : events) read_all(writer->write(event));
  EXPECT_TRUE(reader->is_complete()) << "every choice said why it ended";
  read_all(writer->finish());
  EXPECT_EQ(read, events);
  EXPECT_THAT(all, HasSubstr(R"("tokens":["y"],"token_logprobs":[-1.0],"top_logprobs":[{}],"text_offset":[3])"))
      << "offsets go on from piece to piece";
  EXPECT_THAT(all, ::testing::EndsWith("[DONE]\n"));
}

TEST(OpenAiCompletions, RefusesWithTheFieldsName) {
  EXPECT_EQ(error_of({{"prompt", nullptr}}).field(), "prompt");
  EXPECT_EQ(error_of({{"prompt", Json::array()}}).field(), "prompt");
  EXPECT_EQ(error_of({{"prompt", 5}}).field(), "prompt");
  EXPECT_EQ(error_of({{"logprobs", true}}).field(), "logprobs");
  EXPECT_EQ(error_of({{"best_of", 0}}).field(), "best_of");
  EXPECT_EQ(error_of({{"messages", Json::array()}}).field(), "messages");
}

TEST(OpenAiCompletions, KeepsWhatOnlyThisProtocolKnows) {
  const ChatRequest request =
      openai_completions().read_request(R"({"model": "m", "prompt": "p", "suffix": "x", "best_of": 3, "store": true})");
  EXPECT_EQ(request.extras.size(), 3U);
  EXPECT_EQ(openai_completions().read_request(openai_completions().write_request(request)), request);
  for (const char* body : {R"({"model": "m", "prompt": ["a", "b"], "max_tokens": 1})",
                           R"({"model": "m", "prompt": [1, 2], "echo": true, "logprobs": 1, "max_tokens": 1})"}) {
    const ChatRequest several = openai_completions().read_request(body);
    EXPECT_FALSE(several.prompt);
    EXPECT_EQ(parse_json(openai_completions().write_request(several), "written").at("prompt"),
              parse_json(body, "body").at("prompt"));
    EXPECT_EQ(openai_completions().read_request(openai_completions().write_request(several)), several);
  }
}

TEST(OpenAiCompletions, SurvivesDamagedRequestsAnswersAndStreams) {
  ChatAnswer answer;
  answer.choices = {{.text = "äb", .logprobs = some_logprobs()}};
  const std::string request = openai_completions().write_request(full_request());
  const std::string whole = openai_completions().write_answer(answer);
  const std::string chunk = openai_completions()
                                .event_writer(full_request(), {"a", "m", 1})
                                ->write(TextEvent{0, "b", some_logprobs()})[0]
                                .data;
  Random random(5);
  for (int i = 0; i < testing::fuzz_count(200); ++i) {
    for (const std::string& seed : {request, whole, chunk}) {
      const std::string bytes = testing::mutated(seed, random);
      try {
        (void)openai_completions().event_reader()->read({"", bytes});
        (void)openai_completions().write_answer(openai_completions().read_answer(bytes));
      } catch (const Error& error) {
        ASSERT_EQ(error.code(), ErrorCode::kInvalidInput) << "round " << i << ": " << bytes;
      }
      try {
        const ChatRequest read = openai_completions().read_request(bytes);
        ASSERT_EQ(openai_completions().read_request(openai_completions().write_request(read)), read)
            << "round " << i << ": " << bytes;
      } catch (const Error& error) {
        ASSERT_EQ(error.code(), ErrorCode::kInvalidInput) << "round " << i << ": " << bytes;
      }
    }
  }
}

TEST(OpenAiCompletions, RefusesAConversation) {
  ChatRequest request;
  request.messages = {Message::of(Role::kUser, "hi")};
  EXPECT_THROW((void)openai_completions().write_request(request), Error);
}

}  // namespace
}  // namespace understudy
