#include "gateway/wire/wire_request.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(WireRequest, KeepsTheBytesAndReadsTheWholeOnlyWhenAsked) {
  const std::string body = R"({"model": "m", "messages": "no list", "stream": true})";
  const WireRequest request(openai_chat(), {.body = body});
  EXPECT_EQ(request.body(), body);
  EXPECT_EQ(request.head().model, "m");
  EXPECT_TRUE(request.stream());
  EXPECT_THROW((void)request.value(), Error);
}

TEST(WireRequest, TakesModelAndStreamFromGeminisPath) {
  const WireRequest request(gemini(), {"gemini-pro", true, R"({"contents": [{"parts": [{"text": "hi"}]}]})"});
  EXPECT_EQ(request.head().model, "gemini-pro");
  EXPECT_TRUE(request.stream());
  EXPECT_EQ(request.value().model, "gemini-pro");
  EXPECT_TRUE(request.value().stream);
  EXPECT_EQ(request.value().messages.front().text(), "hi");
}

TEST(WireRequest, IsMadeOfAValue) {
  ChatRequest value;
  value.model = "m";
  value.messages = {Message::of(Role::kSystem, "Be brief."), Message::of(Role::kUser, "hi")};
  value.stream = true;
  for (const Protocol* protocol : {&openai_chat(), &gemini()}) {
    const WireRequest request = WireRequest::of(*protocol, value);
    EXPECT_EQ(request.value(), value);
    EXPECT_EQ(request.head().model, "m");
    EXPECT_EQ(request.head().system, "Be brief.");
    EXPECT_TRUE(request.stream());
    EXPECT_EQ(protocol->read_request(request.body()).messages, value.messages);
  }
}

TEST(WireRequest, RefusesWhatIsNestedTooDeeply) {
  const std::string body = R"({"model": "m", "a": [[[[]]]]})";
  EXPECT_EQ(WireRequest(openai_chat(), {.body = body}, 5).head().model, "m");
  EXPECT_THROW(WireRequest(openai_chat(), {.body = body}, 4), Error);
}

}  // namespace
}  // namespace understudy
