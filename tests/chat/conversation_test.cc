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
  message.content.push_back(ContentPart::of("two"));
  message.content.emplace_back().other = Media{};
  EXPECT_EQ(message.text(), "one two");
}

TEST(TemplateJson, PlainTextIsAString) {
  const Json json =
      to_template_json(std::vector<Message>{Message::of(Role::kSystem, "Be brief."), Message::of(Role::kUser, "Hi")});
  EXPECT_EQ(dump_json(json), R"([{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}])");
}

TEST(TemplateJson, OtherPartsSayWhatTheyAre) {
  Message message = Message::of(Role::kUser, "look");
  const Json own = {{"type", "search_result"}};
  message.content.emplace_back().other = Media{.kind = Media::Kind::kImage, .url = "https://a.example/b.png"};
  message.content.emplace_back().other = Native{ProtocolName::kAnthropic, own};
  const Json json = to_template_json(std::vector<Message>{message});
  EXPECT_EQ(json[0]["content"][0], (Json{{"type", "text"}, {"text", "look"}}));
  EXPECT_EQ(json[0]["content"][1], (Json{{"type", "image"}}));
  EXPECT_EQ(json[0]["content"][2], own);
}

TEST(TemplateJson, ToolCallsCarryTheirArgumentsAsAValue) {
  Message call = Message::of(Role::kAssistant, "");
  call.tool_calls = {{"call_1", "weather", R"({"city": "Bonn"})", ""}, {"call_2", "broken", "{not json", ""}};
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
  const Json json = to_template_json(std::vector<Tool>{{"weather", "of a city", Json{{"type", "object"}}, {}, {}, {}}});
  EXPECT_EQ(
      dump_json(json),
      R"([{"type":"function","function":{"name":"weather","description":"of a city","parameters":{"type":"object"}}}])");
}

TEST(TemplateJson, ThoughtsStandBesideTheContent) {
  Message message = Message::of(Role::kAssistant, "4");
  message.content.emplace_back().other = Reasoning{.text = "two and two"};
  const Json json = to_template_json(std::vector<Message>{message});
  EXPECT_EQ(json[0]["content"], "4");
  EXPECT_EQ(json[0]["reasoning_content"], "two and two");
}

TEST(ProtocolName, WordsGoBothWays) {
  for (const ProtocolName name :
       {ProtocolName::kOpenAiChat, ProtocolName::kOpenAiCompletions, ProtocolName::kOpenAiResponses,
        ProtocolName::kOpenAiEmbeddings, ProtocolName::kAnthropic, ProtocolName::kGemini}) {
    EXPECT_EQ(protocol_name_from(to_string(name)), name);
  }
  EXPECT_EQ(protocol_name_from("soap"), std::nullopt);
}

ChatAnswer full_answer() {
  ChatAnswer answer;
  answer.head = {"id", "m", 5};
  ChatChoice said;
  said.text = "abc";
  said.logprobs = {{{"abc", -1}, {}}};
  said.reasoning = {{.text = "hm"}, {.text = "so", .signature = "sig"}};
  ChatChoice called;
  called.reason = FinishReason::kToolCalls;
  called.tool_calls = {{"c1", "f", "{\"a\":1}", ""}, {"c2", "g", "{}", "sig"}};
  called.refusal = "no";
  called.natives = {{ProtocolName::kAnthropic, Json{{"type", "x"}}}};
  answer.choices = {said, called};
  answer.usage = {.input = 3, .cached_input = 2, .output = 7, .reasoning = 1};
  return answer;
}

TEST(Collect, EventsMakeTheAnswerThatTheyCameFrom) {
  ChatAnswer collected;
  for (const ChatEvent& event : events_of(full_answer())) collect(event, collected);
  EXPECT_EQ(collected, full_answer());
}

TEST(Collect, PutsPiecesTogetherByChoiceAndCall) {
  ChatAnswer answer;
  for (const ChatEvent& event : std::vector<ChatEvent>{
           TextEvent{1, "b", {{{"b", -1}, {}}}, false}, TextEvent{0, "a", {}, false},
           TextEvent{1, "c", {{{"c", -2}, {}}}, false}, ReasoningEvent{0, true, {.text = "h"}},
           ReasoningEvent{0, false, {.text = "m", .signature = "s"}}, ToolCallEvent{0, 1, "c2", "g", "{\"a", ""},
           ToolCallEvent{0, 1, "", "", "\":1}", ""}, FinishEvent{1, FinishReason::kLength, ""},
           FinishEvent{0, FinishReason::kToolCalls, ""}, UsageEvent{{.input = 1, .output = 2}}}) {
    collect(event, answer);
  }
  ASSERT_EQ(answer.choices.size(), 2U);
  EXPECT_EQ(answer.choices[0].text, "a");
  EXPECT_EQ(answer.choices[0].reasoning, (std::vector<Reasoning>{{.text = "hm", .signature = "s"}}));
  ASSERT_EQ(answer.choices[0].tool_calls.size(), 2U);
  EXPECT_EQ(answer.choices[0].tool_calls[1], (ToolCall{"c2", "g", "{\"a\":1}", ""}));
  EXPECT_EQ(answer.choices[1].text, "bc");
  EXPECT_EQ(answer.choices[1].logprobs.size(), 2U);
  EXPECT_EQ(answer.choices[1].reason, FinishReason::kLength);
  EXPECT_EQ(answer.usage.completion_tokens(), 2);
}

TEST(Collect, RefusesNumbersOutOfRange) {
  ChatAnswer answer;
  EXPECT_THROW(collect(TextEvent{-1, "x", {}, false}, answer), Error);
  EXPECT_THROW(collect(ToolCallEvent{0, 1 << 30, "c", "f", "", ""}, answer), Error);
  EXPECT_THROW(collect(FinishEvent{1 << 30, FinishReason::kStop, ""}, answer), Error);
}

TEST(Collect, KeepsARefusalsProbabilitiesBesideIt) {
  ChatAnswer answer;
  answer.choices = {{.logprobs = {{{"No", -0.5}, {}}}, .refusal = "No"}};
  ChatAnswer again;
  for (const ChatEvent& event : events_of(answer)) {
    if (const auto* text = std::get_if<TextEvent>(&event)) EXPECT_TRUE(text->refusal);
    collect(event, again);
  }
  EXPECT_EQ(again, answer);
}

TEST(Usage, CountsNothingTwice) {
  const Usage usage{
      .input = 1, .cached_input = 2, .cache_write = 4, .cache_write_1h = 8, .output = 16, .reasoning = 32};
  EXPECT_EQ(usage.prompt_tokens(), 15);
  EXPECT_EQ(usage.completion_tokens(), 48);
}

}  // namespace
}  // namespace understudy
