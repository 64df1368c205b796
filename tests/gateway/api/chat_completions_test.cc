#include <future>

#include "tests/gateway/api/api_fixture.h"

namespace understudy {
namespace {

using testing::ApiTest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::RawClient;
using testing::Reply;

class ChatCompletionsTest : public ApiTest {
 protected:
  static Json request(const std::string& text, const Json& more = Json::object()) {
    Json body = {{"model", "stand-in"}, {"messages", {{{"role", "user"}, {"content", text}}}}};
    for (const auto& [key, value] : more.items()) body[key] = value;
    return body;
  }
  Reply chat(const std::string& text, const Json& more = Json::object()) {
    return post("/v1/chat/completions", request(text, more));
  }
};

TEST_F(ChatCompletionsTest, AnswersInOnePiece) {
  const Reply reply = chat("hi");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.head, HasSubstr("Content-Type: application/json"));
  EXPECT_EQ(reply.body,
            R"({"id":"chatcmpl-id1","object":"chat.completion","created":1800000000,"model":"stand-in","choices":[)"
            R"({"index":0,"message":{"role":"assistant","content":"Grüße, Welt!","refusal":null},"logprobs":null,)"
            R"("finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":4,"total_tokens":9,)"
            R"("prompt_tokens_details":{"cached_tokens":2}}})");
}

TEST_F(ChatCompletionsTest, KeepsSeveralChoicesApart) {
  const Json json = chat("hi", {{"n", 3}, {"max_tokens", 2}, {"logprobs", true}}).json();
  ASSERT_EQ(json["choices"].size(), 3U);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(json["choices"][i]["index"], i);
    EXPECT_EQ(json["choices"][i]["message"]["content"], "Grüße");
    EXPECT_EQ(json["choices"][i]["finish_reason"], "length");
    EXPECT_EQ(json["choices"][i]["logprobs"]["content"].size(), 2U);
  }
  EXPECT_EQ(json["usage"]["completion_tokens"], 6);
}

TEST_F(ChatCompletionsTest, StreamsRoleTextFinishUsageDoneInThisOrder) {
  const Reply reply = chat("hi", {{"stream", true}, {"stream_options", {{"include_usage", true}}}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.head, HasSubstr("Content-Type: text/event-stream"));
  const std::vector<std::string> events = reply.events();
  ASSERT_EQ(events.size(), 8U);
  EXPECT_THAT(events[0], HasSubstr(R"("delta":{"role":"assistant","content":"","refusal":null})"));
  EXPECT_THAT(events[1], HasSubstr(R"("delta":{"content":"Grü"})"));
  EXPECT_THAT(events[4], HasSubstr(R"("delta":{"content":"Welt!"})"));
  EXPECT_THAT(events[5], HasSubstr(R"("delta":{},"logprobs":null,"finish_reason":"stop")"));
  EXPECT_THAT(events[6], HasSubstr(R"("choices":[],"usage":{"prompt_tokens":5)"));
  EXPECT_EQ(events[7], "[DONE]");
}

TEST_F(ChatCompletionsTest, RefusesWithStatusAndOpenAisErrorObject) {
  const Reply unknown =
      post("/v1/chat/completions", {{"model", "gpt-9"}, {"messages", {{{"role", "user"}, {"content", "x"}}}}});
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.json()["error"]["code"], "model_not_found");
  EXPECT_EQ(unknown.json()["error"]["param"], "model");
  const Reply wrong = chat("hi", {{"temperature", 9}});
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.json()["error"]["type"], "invalid_request_error");
  EXPECT_EQ(wrong.json()["error"]["param"], "temperature");
  const Reply no_json = ask("POST", "/v1/chat/completions", "{");
  EXPECT_EQ(no_json.status, 400);
  EXPECT_THAT(no_json.json()["error"]["message"].get<std::string>(), HasSubstr("not valid JSON"));
}

TEST_F(ChatCompletionsTest, TellsAProvidersFailureByItsStatusAlsoWhereAStreamWasAskedFor) {
  for (const bool stream : {false, true}) {
    EXPECT_EQ(chat("fail", {{"stream", stream}}).status, 503);
    const Reply busy = chat("busy", {{"stream", stream}});
    EXPECT_EQ(busy.status, 429);
    EXPECT_THAT(busy.head, HasSubstr("Retry-After: 7\r\n"));
    EXPECT_EQ(busy.json()["error"]["type"], "rate_limit_error");
    EXPECT_EQ(chat("odd", {{"stream", stream}}).status, 400);
  }
}

TEST_F(ChatCompletionsTest, TellsAFailureInTheMiddleOfAStreamAsItsLastEvent) {
  const std::vector<std::string> events = chat("break", {{"stream", true}}).events();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_THAT(events[1], HasSubstr("first"));
  EXPECT_THAT(events[2], HasSubstr(R"({"error":{"message":"planted","type":"server_error")"));
  EXPECT_EQ(chat("break").status, 500) << "in one piece it is an error as a whole";
}

TEST_F(ChatCompletionsTest, CancelsWhatAClientThatLeftHadAskedFor) {
  for (const bool stream : {false, true}) {
    const int before = provider_.cancelled();
    RawClient client = send("POST", "/v1/chat/completions", dump_json(request("hang", {{"stream", stream}})));
    if (stream) {
      client.read_until("first");
    } else {
      ASSERT_TRUE(eventually([this] { return provider_.active() == 1; }));
    }
    EXPECT_EQ(provider_.cancelled(), before);
    client.close();
    EXPECT_TRUE(eventually([&] { return provider_.cancelled() == before + 1 && provider_.active() == 0; }))
        << "stream: " << stream;
  }
}

TEST_F(ChatCompletionsTest, AnswersOthersWhileSomeWait) {
  std::vector<RawClient> waiting;
  for (int i = 0; i < 8; ++i) {
    waiting.push_back(send("POST", "/v1/chat/completions", dump_json(request("hang", {{"stream", true}}))));
  }
  std::vector<std::future<std::string>> answers;
  for (int i = 0; i < 8; ++i) {
    answers.push_back(std::async(std::launch::async, [this] { return chat("hi").body; }));
  }
  for (auto& answer : answers) EXPECT_THAT(answer.get(), HasSubstr("Grüße, Welt!"));
  for (RawClient& client : waiting) EXPECT_THAT(client.read_until("first"), HasSubstr("first"));
}

}  // namespace
}  // namespace understudy
