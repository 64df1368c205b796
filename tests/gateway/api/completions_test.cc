#include "tests/gateway/api/api_fixture.h"

namespace understudy {
namespace {

using testing::ApiTest;
using ::testing::HasSubstr;
using testing::Reply;
using CompletionsTest = ApiTest;

TEST_F(CompletionsTest, ContinuesAPrompt) {
  const Reply reply = post("/v1/completions", {{"model", "stand-in"}, {"prompt", "hi"}, {"logprobs", 0}});
  EXPECT_EQ(reply.status, 200);
  const Json json = reply.json();
  EXPECT_EQ(json["object"], "text_completion");
  EXPECT_EQ(json["id"], "cmpl-id1");
  EXPECT_EQ(json["choices"][0]["text"], "Grüße, Welt!");
  EXPECT_EQ(json["choices"][0]["logprobs"]["text_offset"], Json({0, 3, 5, 7}));
}

TEST_F(CompletionsTest, StreamsPieces) {
  const std::vector<std::string> events =
      post("/v1/completions", {{"model", "stand-in"}, {"prompt", "hi"}, {"stream", true}, {"max_tokens", 1}}).events();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_THAT(events[0], HasSubstr(R"("choices":[{"text":"Grü","index":0,"logprobs":null,"finish_reason":null}])"));
  EXPECT_THAT(events[1], HasSubstr(R"("choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"length"}])"));
  EXPECT_EQ(events[2], "[DONE]");
}

}  // namespace
}  // namespace understudy
