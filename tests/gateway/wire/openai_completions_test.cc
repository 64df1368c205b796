#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "gateway/wire/protocol.h"

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
  for (const ChatEvent& event : events) {
    for (const WireEvent& payload : writer->write(event)) {
      all += payload.data + "\n";
      for (ChatEvent& back : reader->read(payload)) read.push_back(std::move(back));
    }
  }
  EXPECT_EQ(read, events);
  EXPECT_THAT(all, HasSubstr(R"("tokens":["y"],"token_logprobs":[-1.0],"top_logprobs":[{}],"text_offset":[3])"))
      << "offsets go on from piece to piece";
  EXPECT_TRUE(reader->is_complete()) << "every choice said why it ended";
  EXPECT_EQ(writer->finish(), (std::vector<WireEvent>{{"", "[DONE]"}}));
}

TEST(OpenAiCompletions, RefusesWithTheFieldsName) {
  EXPECT_EQ(error_of({{"prompt", nullptr}}).field(), "prompt");
  EXPECT_EQ(error_of({{"prompt", {"a", "b"}}}).field(), "prompt");
  EXPECT_EQ(error_of({{"prompt", {1, 2}}}).field(), "prompt");
  EXPECT_EQ(error_of({{"logprobs", true}}).field(), "logprobs");
  EXPECT_EQ(error_of({{"best_of", 0}}).field(), "best_of");
  EXPECT_EQ(error_of({{"messages", Json::array()}}).field(), "messages");
}

TEST(OpenAiCompletions, KeepsWhatOnlyThisProtocolKnows) {
  const ChatRequest request = openai_completions().read_request(
      R"({"model": "m", "prompt": "p", "suffix": "x", "best_of": 3, "store": true})");
  EXPECT_EQ(request.extras.size(), 3U);
  EXPECT_EQ(openai_completions().read_request(openai_completions().write_request(request)), request);
}

TEST(OpenAiCompletions, RefusesAConversation) {
  ChatRequest request;
  request.messages = {Message::of(Role::kUser, "hi")};
  EXPECT_THROW((void)openai_completions().write_request(request), Error);
}

}  // namespace
}  // namespace understudy
