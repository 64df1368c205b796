#include "tests/gateway/api/api_fixture.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;

const std::string kVectors = R"({"object":"list","data":[{"embedding":"AAAAPw=="}],"usage":{"prompt_tokens":3}})";

// Says the vectors as they stand above.
class VectorProvider : public Provider {
 public:
  struct Stream : AnswerStream {
    Awaitable<std::optional<AnswerPiece>> next() override {
      if (std::exchange(is_over, true)) co_return std::nullopt;
      AnswerPiece piece;
      piece.events = events_of(openai_embeddings().read_answer(kVectors));
      piece.original = WireEvent{"", kVectors};
      co_return piece;
    }
    std::optional<ProtocolName> protocol() const override { return ProtocolName::kOpenAiEmbeddings; }
    TraceHeaders trace_headers() const override { return {{"x-request-id", "req_1"}}; }
    bool is_over = false;
  };
  Awaitable<Attempt> start(const WireRequest&, const std::string&, const Call&) override {
    co_return Attempt(std::unique_ptr<AnswerStream>(std::make_unique<Stream>()));
  }
  bool has_embeddings() const override { return true; }
  std::vector<ProviderModel> models() const override { return {{"vectors", 0}}; }
  ProviderLoad load() const override { return {}; }
};

class EmbeddingsTest : public ApiTest {
 protected:
  EmbeddingsTest() { router_.add(vectors_); }
  VectorProvider vectors_;
};

TEST_F(EmbeddingsTest, GoThroughAsTheProviderSaidThem) {
  const Reply reply = post("/v1/embeddings", {{"model", "vectors"}, {"input", "hi"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, kVectors);
  EXPECT_THAT(reply.head, HasSubstr("Content-Type: application/json"));
  EXPECT_THAT(reply.head, HasSubstr("x-request-id: req_1\r\n"));
  EXPECT_THAT(get("/metrics").body,
              HasSubstr("understudy_requests_total{endpoint=\"/v1/embeddings\",status=\"200\"} 1"));
}

TEST_F(EmbeddingsTest, AModelThatHasNoneSaysSo) {
  const Reply reply = post("/v1/embeddings", {{"model", "stand-in"}, {"input", "hi"}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.json()["error"]["type"], "invalid_request_error");
  EXPECT_EQ(reply.json()["error"]["param"], "model");
  EXPECT_THAT(reply.body, HasSubstr("embeddings"));
  EXPECT_EQ(post("/v1/embeddings", {{"model", "other"}, {"input", "hi"}}).status, 404);
  EXPECT_EQ(ask("POST", "/v1/embeddings", "{").status, 400);
  EXPECT_EQ(get("/v1/embeddings").status, 405);
}

}  // namespace
}  // namespace understudy::testing
