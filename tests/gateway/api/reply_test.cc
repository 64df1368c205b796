#include "gateway/api/reply.h"

#include "tests/gateway/api/api_fixture.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Kind = ProviderFailure::Kind;

// Fails, and counts or does not, as it is told.
class FailingProvider : public Provider {
 public:
  Awaitable<Attempt> start(const WireRequest&, const std::string&, const Call&) override { co_return Attempt(failure); }
  Awaitable<std::optional<TokenCount>> count_tokens(const WireRequest&, const std::string&, const Call&) override {
    co_return count;
  }
  std::vector<ProviderModel> models() const override { return {{"failing", 0}}; }
  ProviderLoad load() const override { return {}; }

  ProviderFailure failure;
  std::optional<TokenCount> count;
};

ProviderFailure failure_of(Kind kind, int status, ErrorCode code) {
  ProviderFailure failure{kind, Error(code, "planted"), std::nullopt};
  failure.status = status;
  return failure;
}

class ReplyTest : public ApiTest {
 protected:
  ReplyTest() { router_.add(failing_); }
  Reply chat() { return post("/v1/chat/completions", body()); }
  Reply count() { return post("/v1/messages/count_tokens", body()); }
  static Json body() { return {{"model", "failing"}, {"messages", {{{"role", "user"}, {"content", "hello"}}}}}; }

  FailingProvider failing_;
};

TEST_F(ReplyTest, AProvidersFailureKeepsItsStatusButForAKeyOfOurs) {
  failing_.failure = failure_of(Kind::kBroken, 500, ErrorCode::kNetwork);
  EXPECT_EQ(chat().status, 500);
  failing_.failure = failure_of(Kind::kOverloaded, 529, ErrorCode::kUnavailable);
  EXPECT_EQ(chat().status, 529);
  failing_.failure = failure_of(Kind::kTimedOut, 408, ErrorCode::kTimedOut);
  EXPECT_EQ(chat().status, 408);
  failing_.failure = failure_of(Kind::kKey, 401, ErrorCode::kNetwork);
  EXPECT_EQ(chat().status, 502);
  failing_.failure = failure_of(Kind::kBroken, 0, ErrorCode::kNetwork);
  EXPECT_EQ(chat().status, 502) << "nobody gave a status";
  failing_.failure = failure_of(Kind::kRefused, 302, ErrorCode::kInvalidInput);
  EXPECT_EQ(chat().status, 400) << "a redirection is no answer";
}

TEST_F(ReplyTest, ARefusalIsToldInTheProvidersWordsToItsOwnProtocolOnly) {
  failing_.failure = failure_of(Kind::kRefused, 422, ErrorCode::kInvalidInput);
  failing_.failure.body = R"({"error": "theirs"})";
  failing_.failure.protocol = ProtocolName::kOpenAiChat;
  EXPECT_EQ(chat().status, 422);
  EXPECT_EQ(chat().body, R"({"error": "theirs"})");
  failing_.failure.protocol = ProtocolName::kGemini;
  EXPECT_EQ(chat().status, 422);
  EXPECT_EQ(chat().json()["error"]["message"], "planted");
}

TEST_F(ReplyTest, AProvidersOwnIdOfTheRequestGoesOutWithItsFailure) {
  failing_.failure = failure_of(Kind::kBroken, 500, ErrorCode::kNetwork);
  failing_.failure.trace_headers = {{"request-id", "req_011"}};
  EXPECT_THAT(chat().head, HasSubstr("request-id: req_011\r\n"));
}

TEST_F(ReplyTest, TokensAreCountedByTheProviderElseEstimatedAndMarkedSo) {
  failing_.count = CountedTokens{R"({"input_tokens": 2095, "theirs": 1})", {{"request-id", "req_1"}}};
  const Reply counted = count();
  EXPECT_EQ(counted.body, R"({"input_tokens": 2095, "theirs": 1})");
  EXPECT_THAT(counted.head, Not(HasSubstr("X-Understudy-Estimated")));
  EXPECT_THAT(counted.head, HasSubstr("request-id: req_1\r\n"));
  failing_.count.reset();
  const Reply estimated = count();
  EXPECT_EQ(estimated.status, 200);
  EXPECT_GT(estimated.json()["input_tokens"], 0);
  EXPECT_THAT(estimated.head, HasSubstr("X-Understudy-Estimated: true"));
}

TEST_F(ReplyTest, ACountsFailureIsAnthropicsError) {
  failing_.count = failure_of(Kind::kOverloaded, 529, ErrorCode::kUnavailable);
  const Reply overloaded = count();
  EXPECT_EQ(overloaded.status, 529);
  EXPECT_EQ(overloaded.json()["error"]["type"], "overloaded_error");
  const Reply unknown = post("/v1/messages/count_tokens", {{"model", "other"}, {"messages", Json::array()}});
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.json()["error"]["type"], "not_found_error");
  const Reply invalid = ask("POST", "/v1/messages/count_tokens", "{");
  EXPECT_EQ(invalid.status, 400);
  EXPECT_EQ(invalid.json()["type"], "error");
}

}  // namespace
}  // namespace understudy::testing
