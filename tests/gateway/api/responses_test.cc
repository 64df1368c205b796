#include "tests/gateway/api/api_fixture.h"
#include "tests/support/stream_grammar.h"

namespace understudy {
namespace {

using testing::ApiTest;
using testing::check_stream;
using ::testing::HasSubstr;
using testing::Reply;

class ResponsesTest : public ApiTest {
 protected:
  Reply ask_for(const std::string& text, const Json& more = Json::object()) {
    Json body = {{"model", "stand-in"}, {"input", text}};
    for (const auto& [key, value] : more.items()) body[key] = value;
    return post("/v1/responses", body);
  }
  // A stream's events as a client reads them.
  static std::vector<WireEvent> events_of(const Reply& reply) {
    std::vector<WireEvent> events;
    for (const std::string& data : reply.events()) events.push_back({parse_json(data, "").value("type", ""), data});
    return events;
  }
};

TEST_F(ResponsesTest, AnswersInOnePiece) {
  const Reply reply = ask_for("hi");
  EXPECT_EQ(reply.status, 200);
  const Json body = reply.json();
  EXPECT_EQ(body["id"], "resp_id1");
  EXPECT_EQ(body["status"], "completed");
  EXPECT_EQ(body["created_at"], 1800000000);
  EXPECT_EQ(body["output"][0]["content"][0]["text"], "Grüße, Welt!");
  EXPECT_EQ(body["usage"]["input_tokens"], 5);
  EXPECT_EQ(body["usage"]["input_tokens_details"]["cached_tokens"], 2);
  EXPECT_EQ(body["usage"]["output_tokens_details"]["reasoning_tokens"], 0);
}

TEST_F(ResponsesTest, SaysWhyAnAnswerIsIncomplete) {
  const Json body = ask_for("hi", {{"max_output_tokens", 2}}).json();
  EXPECT_EQ(body["status"], "incomplete");
  EXPECT_EQ(body["incomplete_details"]["reason"], "max_output_tokens");
}

TEST_F(ResponsesTest, StreamsWhatItWouldAnswerInOnePiece) {
  const Reply reply = ask_for("hi", {{"stream", true}});
  EXPECT_THAT(reply.head, HasSubstr("Content-Type: text/event-stream"));
  EXPECT_THAT(reply.body, HasSubstr("event: response.created\n"));
  const std::vector<WireEvent> events = events_of(reply);
  const auto verdict = check_stream(ProtocolName::kOpenAiResponses, events);
  EXPECT_EQ(verdict.fault, "");
  EXPECT_TRUE(verdict.is_complete);
  Json whole = ask_for("hi").json();
  const Json streamed = parse_json(events.back().data, "")["response"];
  EXPECT_EQ(streamed["output"][0]["content"], whole["output"][0]["content"]);
  EXPECT_EQ(streamed["usage"], whole["usage"]);
}

TEST_F(ResponsesTest, AStreamThatBreaksSaysSo) {
  const std::vector<WireEvent> events = events_of(ask_for("break", {{"stream", true}}));
  const auto verdict = check_stream(ProtocolName::kOpenAiResponses, events);
  EXPECT_EQ(verdict.fault, "");
  EXPECT_TRUE(verdict.has_failed);
  EXPECT_THAT(events.back().data, HasSubstr("planted"));
}

TEST_F(ResponsesTest, RefusesWithStatusAndOpenAisErrorObject) {
  const Reply wrong = ask_for("hi", {{"temperature", 9}});
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.json()["error"]["param"], "temperature");
  EXPECT_EQ(post("/v1/responses", {{"model", "stand-in"}}).json()["error"]["param"], "input");
  const Reply unknown = post("/v1/responses", {{"model", "other"}, {"input", "hi"}});
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.json()["error"]["code"], "model_not_found");
  const Reply busy = ask_for("busy");
  EXPECT_EQ(busy.status, 429);
  EXPECT_THAT(busy.head, HasSubstr("Retry-After: 7\r\n"));
}

}  // namespace
}  // namespace understudy
