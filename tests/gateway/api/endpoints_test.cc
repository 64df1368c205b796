#include "tests/gateway/api/api_fixture.h"

namespace understudy {
namespace {

using testing::ApiTest;
using ::testing::HasSubstr;
using testing::Reply;
using EndpointsTest = ApiTest;

// What applications and operators may rely on; a change here is a change of the documentation.
TEST_F(EndpointsTest, AreThese) {
  std::vector<std::string> names;
  for (const Endpoint& endpoint : endpoints())
    names.push_back(std::string(endpoint.method) + " " + std::string(endpoint.path));
  EXPECT_THAT(names, ::testing::UnorderedElementsAre(
                         "POST /v1/chat/completions", "POST /v1/completions", "POST /v1/responses",
                         "POST /v1/embeddings", "POST /v1/messages", "POST /v1/messages/count_tokens",
                         "POST /v1beta/models/*", "GET /v1/models", "GET /v1/models/*", "POST /tokenize",
                         "POST /detokenize", "GET /healthz", "GET /readyz", "GET /metrics"));
}

TEST_F(EndpointsTest, AnswerUnknownPathsAndMethodsInOpenAisShape) {
  const Reply unknown = get("/v1/nothing");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.json()["error"]["type"], "invalid_request_error");
  const Reply method = ask("DELETE", "/v1/models");
  EXPECT_EQ(method.status, 405);
  EXPECT_THAT(method.head, HasSubstr("Allow: GET\r\n"));
  EXPECT_TRUE(method.json().contains("error"));
  EXPECT_EQ(get("/v1/chat/completions").status, 405);
  EXPECT_EQ(ask("HEAD", "/healthz").status, 200);
}

TEST_F(EndpointsTest, ModelsListsAndShowsThem) {
  EXPECT_EQ(
      get("/v1/models").body,
      R"({"object":"list","data":[{"id":"stand-in","object":"model","created":1700000000,"owned_by":"understudy"}]})");
  EXPECT_EQ(get("/v1/models/stand%2din").json()["id"], "stand-in");
  const Reply unknown = get("/v1/models/other");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.json()["error"]["code"], "model_not_found");
  EXPECT_EQ(get("/v1/models/%zz").status, 404);
}

TEST_F(EndpointsTest, HealthSaysAliveAndReady) {
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_EQ(get("/readyz").status, 200);
}

TEST_F(EndpointsTest, TokenizeAndDetokenizeAreEachOthersWayBack) {
  EXPECT_EQ(post("/tokenize", {{"content", "ab"}}).body, R"({"tokens":[97,98]})");
  EXPECT_EQ(post("/tokenize", {{"content", "ab"}, {"add_special", true}}).body, R"({"tokens":[256,97,98]})");
  EXPECT_EQ(post("/detokenize", {{"tokens", {97, 98}}, {"model", "stand-in"}}).body, R"({"content":"ab"})");
  EXPECT_EQ(post("/detokenize", {{"tokens", {97}}, {"model", "other"}}).status, 404);
}

TEST_F(EndpointsTest, MetricsCountRequestsTokensTimesAndLoad) {
  post("/v1/completions", {{"model", "stand-in"}, {"prompt", "hi"}});
  post("/v1/completions", {{"model", "other"}, {"prompt", "hi"}});
  post("/v1/completions", {{"model", "stand-in"}, {"prompt", "hi"}, {"n", 0}});
  get("/nowhere");
  const std::string text = get("/metrics").body;
  EXPECT_THAT(text, HasSubstr("understudy_requests_total{endpoint=\"/v1/completions\",status=\"200\"} 1"));
  EXPECT_THAT(text, HasSubstr("understudy_requests_total{endpoint=\"/v1/completions\",status=\"404\"} 1"));
  EXPECT_THAT(text, HasSubstr("understudy_requests_total{endpoint=\"/v1/completions\",status=\"400\"} 1"));
  EXPECT_THAT(text, HasSubstr("understudy_requests_total{endpoint=\"other\",status=\"404\"} 1"));
  EXPECT_THAT(text, HasSubstr("understudy_prompt_tokens_total 5"));
  EXPECT_THAT(text, HasSubstr("understudy_completion_tokens_total 4"));
  EXPECT_THAT(text, HasSubstr("understudy_time_to_first_token_seconds_count 1"));
  EXPECT_THAT(text, HasSubstr("understudy_waiting_requests 3"));
}

}  // namespace
}  // namespace understudy
