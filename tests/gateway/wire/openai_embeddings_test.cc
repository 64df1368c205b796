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

const Protocol& wire() {
  return openai_embeddings();
}

std::string answer_with(const std::string& data, const std::string& more = R"(,"usage":{"prompt_tokens":8})") {
  return R"({"object":"list","model":"text-embedding-3-small","data":)" + data + more + "}";
}

Error error_of(const Json& fields) {
  Json body = {{"model", "m"}, {"input", "p"}};
  for (const auto& [key, value] : fields.items()) body[key] = value;
  try {
    (void)wire().read_request(dump_json(body));
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "accepted: " << dump_json(body);
  return Error(ErrorCode::kInternal, "");
}

TEST(OpenAiEmbeddings, ReadsBackEveryRequestThatItWrites) {
  for (const char* input : {R"("a text")", R"(["one","two"])", "[1,2,3]", "[[1,2],[3]]", R"("")"}) {
    const std::string body =
        std::string(R"({"model":"m","user":"u","dimensions":256,"encoding_format":"base64","input":)") + input +
        R"(,"output_dtype":"int8"})";
    const ChatRequest request = wire().read_request(body);
    EXPECT_EQ(request.model, "m");
    EXPECT_EQ(request.user, "u");
    EXPECT_EQ(wire().read_request(wire().write_request(request)), request);
    EXPECT_EQ(wire().write_request(request), body) << "nothing is lost";
  }
}

TEST(OpenAiEmbeddings, RefusesWithTheFieldsName) {
  for (const Json& input :
       {Json(5), Json::array(), Json(nullptr), Json::array({"a", 1}), Json::array({-1}), Json::array({1.5}),
        Json::array({Json::array()}), Json::array({Json::array({"a"})}), Json::object()}) {
    EXPECT_EQ(error_of({{"input", input}}).field(), "input") << dump_json(input);
  }
  EXPECT_EQ(error_of({{"model", 5}}).field(), "model");
  EXPECT_EQ(error_of({{"user", 5}}).field(), "user");
  EXPECT_EQ(error_of({{"dimensions", 0}}).field(), "dimensions");
  EXPECT_EQ(error_of({{"encoding_format", 1}}).field(), "encoding_format");
}

TEST(OpenAiEmbeddings, OfAnAnswerModelAndUsageBecomeAValue) {
  for (const char* data : {R"([{"object":"embedding","index":0,"embedding":[0.5,-1e-3]}])",
                           R"([{"index":0,"embedding":"AAAAPw=="},{"index":1,"embedding":"AAAAvw=="}])", "[]"}) {
    const ChatAnswer answer = wire().read_answer(answer_with(data));
    EXPECT_EQ(answer.head.model, "text-embedding-3-small");
    EXPECT_EQ(answer.usage.prompt_tokens(), 8);
    EXPECT_TRUE(answer.choices.empty()) << "vectors stay bytes";
  }
  EXPECT_EQ(wire().read_answer(answer_with("[]", R"(,"usage":{"total_tokens":5})")).usage.input, 5);
  EXPECT_EQ(wire().read_answer(answer_with("[]", "")).usage, Usage());
}

TEST(OpenAiEmbeddings, RefusesAnAnswerWithoutVectors) {
  for (const std::string& body : {std::string("{"), std::string("[]"), std::string("{}"), answer_with("{}"),
                                  answer_with("[1]"), answer_with("[{}]"), answer_with(R"([{"embedding":{}}])"),
                                  answer_with("[]", R"(,"usage":{"prompt_tokens":-1})")}) {
    EXPECT_THROW((void)wire().read_answer(body), Error) << body;
  }
}

TEST(OpenAiEmbeddings, HasNoConversationAndNoStream) {
  ChatRequest request = wire().read_request(R"({"model": "m", "input": "p"})");
  request.messages = {Message::of(Role::kUser, "hi")};
  EXPECT_THROW((void)wire().write_request(request), Error);
  EXPECT_THROW((void)wire().write_request(ChatRequest{}), Error) << "no input";
  EXPECT_THROW((void)wire().write_answer({}), Error);
  EXPECT_THROW((void)wire().event_reader(), Error);
  EXPECT_THROW((void)wire().event_writer({}, {}), Error);
  const ChatRequest asked = wire().read_request(R"({"model": "m", "input": "p"})");
  for (const Protocol* other : {&openai_chat(), &openai_responses(), &anthropic_messages(), &gemini()}) {
    EXPECT_THROW((void)other->write_request(asked), Error) << "what it asks for no other can express";
  }
}

TEST(OpenAiEmbeddings, SurvivesDamagedRequestsAndAnswers) {
  const std::string request =
      R"({"model":"m","input":[[1,2],[3]],"dimensions":2,"encoding_format":"float","user":"u"})";
  const std::string answer = answer_with(R"([{"object":"embedding","index":0,"embedding":[0.5,-1e-3]}])");
  Random random(5);
  for (int i = 0; i < testing::fuzz_count(300); ++i) {
    const std::string bytes = testing::mutated(i % 2 == 0 ? request : answer, random);
    try {
      (void)wire().read_answer(bytes);
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::kInvalidInput) << "round " << i << ": " << bytes;
    }
    try {
      const ChatRequest read = wire().read_request(bytes);
      ASSERT_EQ(wire().read_request(wire().write_request(read)), read) << "round " << i << ": " << bytes;
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::kInvalidInput) << "round " << i << ": " << bytes;
    }
  }
}

}  // namespace
}  // namespace understudy
