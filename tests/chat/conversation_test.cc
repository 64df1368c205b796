#include "chat/conversation.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(Role, WordsGoBothWays) {
  for (const Role role : {Role::kSystem, Role::kDeveloper, Role::kUser, Role::kAssistant, Role::kTool}) {
    EXPECT_EQ(role_from(to_string(role)), role);
  }
  EXPECT_EQ(role_from("human"), std::nullopt);
}

TEST(FinishReason, HasOpenAisWords) {
  EXPECT_EQ(to_string(FinishReason::kStop), "stop");
  EXPECT_EQ(to_string(FinishReason::kLength), "length");
  EXPECT_EQ(to_string(FinishReason::kToolCalls), "tool_calls");
  EXPECT_EQ(to_string(FinishReason::kContentFilter), "content_filter");
}

TEST(Message, TextIsThatOfAllTextParts) {
  Message message = Message::of(Role::kUser, "one ");
  message.content.push_back({"two", std::nullopt});
  message.content.push_back({"", Json{{"type", "image_url"}}});
  EXPECT_EQ(message.text(), "one two");
}

TEST(TemplateJson, PlainTextIsAString) {
  const Json json =
      to_template_json(std::vector<Message>{Message::of(Role::kSystem, "Be brief."), Message::of(Role::kUser, "Hi")});
  EXPECT_EQ(dump_json(json), R"([{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}])");
}

TEST(TemplateJson, OtherPartsStayAsTheyCame) {
  Message message = Message::of(Role::kUser, "look");
  const Json image = {{"type", "image_url"}, {"image_url", {{"url", "data:x"}}}};
  message.content.push_back({"", image});
  const Json json = to_template_json(std::vector<Message>{message});
  EXPECT_EQ(json[0]["content"][0], (Json{{"type", "text"}, {"text", "look"}}));
  EXPECT_EQ(json[0]["content"][1], image);
}

TEST(TemplateJson, ToolCallsCarryTheirArgumentsAsAValue) {
  Message call = Message::of(Role::kAssistant, "");
  call.tool_calls = {{"call_1", "weather", R"({"city": "Bonn"})"}, {"call_2", "broken", "{not json"}};
  Message result = Message::of(Role::kTool, "sunny");
  result.tool_call_id = "call_1";
  result.name = "weather";
  const Json json = to_template_json(std::vector<Message>{call, result});
  EXPECT_EQ(json[0]["tool_calls"][0]["function"]["arguments"]["city"], "Bonn");
  EXPECT_EQ(json[0]["tool_calls"][1]["function"]["arguments"], "{not json") << "text where it is no JSON";
  EXPECT_EQ(json[1]["tool_call_id"], "call_1");
  EXPECT_EQ(json[1]["name"], "weather");
}

TEST(TemplateJson, ToolsAreFunctions) {
  const Json json = to_template_json(std::vector<Tool>{{"weather", "of a city", Json{{"type", "object"}}}});
  EXPECT_EQ(
      dump_json(json),
      R"([{"type":"function","function":{"name":"weather","description":"of a city","parameters":{"type":"object"}}}])");
}

}  // namespace
}  // namespace understudy
