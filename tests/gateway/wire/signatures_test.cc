#include "gateway/wire/signatures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/json.h"
#include "gateway/wire/protocol.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr ProtocolName kAll[] = {ProtocolName::kOpenAiChat, ProtocolName::kOpenAiResponses, ProtocolName::kAnthropic,
                                 ProtocolName::kGemini};

std::string forwarded_of(const std::string& body) {
  std::vector<std::string> dropped;
  std::string forwarded = without_marked_thoughts(body, dropped);
  EXPECT_EQ(dropped, forwarded == body ? std::vector<std::string>() : std::vector<std::string>{"reasoning"});
  return forwarded;
}

// The answer of a provider that signs, as a client of `client` gets it, in one piece or streamed.
ChatAnswer answer_signed_by(ProtocolName origin) {
  std::vector<ChatEvent> events = {ReasoningEvent{0, true, {.text = "I need the weather."}},
                                   ReasoningEvent{0, false, {.signature = "EqoB+/=="}}};
  mark_signatures(origin, events);
  ChatAnswer answer;
  for (const ChatEvent& event : events) collect(event, answer);
  ToolCall call{"call_1", "weather", R"({"city":"Rome"})", ""};
  if (origin == ProtocolName::kGemini) call.signature = "CiQB:signed/==";
  answer.choices.at(0).tool_calls = {call};
  answer.choices.at(0).reason = FinishReason::kToolCalls;
  return answer;
}

// What a client puts together of the answer and sends back with a question.
ChatAnswer received(const Protocol& client, const ChatAnswer& answer, bool streamed) {
  if (!streamed) return client.read_answer(client.write_answer(answer));
  const auto writer = client.event_writer(ChatRequest{}, answer.head);
  const auto reader = client.event_reader();
  ChatAnswer collected;
  const auto read = [&](const std::vector<WireEvent>& events) {
    for (const WireEvent& event : events) {
      for (const ChatEvent& said : reader->read(event)) collect(said, collected);
    }
  };
  for (const ChatEvent& event : events_of(answer)) read(writer->write(event));
  read(writer->finish());
  return collected;
}

ChatRequest next_turn(const ChatAnswer& answer) {
  ChatRequest request;
  request.model = "m";
  request.max_tokens = 5;
  Message said;
  said.role = Role::kAssistant;
  for (const Reasoning& thought : answer.choices.at(0).reasoning) {
    said.content.emplace_back();
    said.content.back().other = thought;
  }
  said.tool_calls = answer.choices.at(0).tool_calls;
  Message result = Message::of(Role::kTool, "7 degrees");
  result.tool_call_id = "call_1";
  request.messages = {Message::of(Role::kUser, "How is it?"), said, result};
  return request;
}

std::vector<std::string> signatures_in(const ChatRequest& request) {
  std::vector<std::string> found;
  for (const Message& message : request.messages) {
    for (const ContentPart& part : message.content) {
      const auto* thought = std::get_if<Reasoning>(&part.other);
      if (thought != nullptr) found.push_back(thought->signature);
    }
  }
  return found;
}

TEST(Signatures, GoBackToWhoSignedByWayOfAnyClientAndToNobodyElse) {
  for (const ProtocolName origin : {ProtocolName::kAnthropic, ProtocolName::kGemini}) {
    for (const ProtocolName client : kAll) {
      if (client == origin) continue;  // that hop is of bytes
      for (const bool streamed : {false, true}) {
        const ChatAnswer answer = received(protocol_of(client), answer_signed_by(origin), streamed);
        for (const ProtocolName target : kAll) {
          if (target == client) continue;
          ChatRequest request = next_turn(answer);
          std::vector<std::string> dropped;
          keep_signatures_of(target, client, request, dropped);
          const std::string what = std::string(to_string(origin)) + " by " + std::string(to_string(client)) + " to " +
                                   std::string(to_string(target)) + (streamed ? ", streamed" : "");
          if (target == origin) {
            EXPECT_THAT(signatures_in(request), ElementsAre("EqoB+/==")) << what;
            EXPECT_THAT(dropped, IsEmpty()) << what;
            EXPECT_THAT(protocol_of(target).write_request(request), HasSubstr("EqoB+/==")) << what;
          } else {
            EXPECT_THAT(signatures_in(request), IsEmpty()) << what;
            EXPECT_THAT(dropped, ElementsAre("reasoning")) << what;
          }
        }
      }
    }
  }
}

TEST(Signatures, OneWithoutAMarkIsOfTheClientsOwnProtocol) {
  ChatAnswer answer;
  answer.choices = {{.reasoning = {{.text = "t", .signature = "s"}}}};
  std::vector<std::string> dropped;
  ChatRequest request = next_turn(answer);
  keep_signatures_of(ProtocolName::kGemini, ProtocolName::kAnthropic, request, dropped);
  EXPECT_THAT(signatures_in(request), IsEmpty()) << "a failover from Anthropic to Gemini";
  EXPECT_THAT(dropped, ElementsAre("reasoning"));
  request = next_turn(answer);
  keep_signatures_of(ProtocolName::kAnthropic, ProtocolName::kGemini, request, dropped);
  EXPECT_THAT(signatures_in(request), IsEmpty()) << "and the other way";
  EXPECT_THAT(dropped, ElementsAre("reasoning")) << "told once";
  answer.choices.at(0).reasoning = {{.text = "t"}};
  request = next_turn(answer);
  keep_signatures_of(ProtocolName::kGemini, ProtocolName::kAnthropic, request, dropped);
  EXPECT_EQ(signatures_in(request).size(), 1U) << "nobody signed";
  answer.choices.at(0).reasoning = {{.text = "t", .signature = "s"}};
  request = next_turn(answer);
  keep_signatures_of(ProtocolName::kGemini, ProtocolName::kAnthropic, request, dropped);
  EXPECT_EQ(request.messages.size(), 2U) << "a message that was nothing else is gone";
}

// A client's own protocol is spoken by the next target: its bytes go through, but for what others signed.
TEST(Signatures, BytesThatAreForwardedLoseWhatOthersSigned) {
  for (const ProtocolName client : kAll) {
    const ProtocolName origin = client == ProtocolName::kGemini ? ProtocolName::kAnthropic : ProtocolName::kGemini;
    const Protocol& protocol = protocol_of(client);
    const ChatAnswer answer = received(protocol, answer_signed_by(origin), false);
    const Json said = parse_json(protocol.write_answer(answer), "answer");
    Json body;
    if (client == ProtocolName::kOpenAiChat) {
      body = {{"messages", Json::array({said["choices"][0]["message"]})}};
    } else if (client == ProtocolName::kOpenAiResponses) {
      body = {{"input", said["output"]}};
    } else if (client == ProtocolName::kAnthropic) {
      body = {{"messages", Json::array({{{"role", "assistant"}, {"content", said["content"]}}})}};
    } else {
      body = {{"contents", Json::array({said["candidates"][0]["content"]})}};
    }
    const std::string sent = dump_json(body);
    ASSERT_THAT(sent, HasSubstr(kSignatureMark)) << to_string(client);
    const std::string forwarded = forwarded_of(sent);
    EXPECT_THAT(forwarded, Not(HasSubstr("understudy"))) << to_string(client) << ": " << forwarded;
    EXPECT_THAT(forwarded, HasSubstr("weather")) << "the call stays";
  }
  const std::string own =
      R"({"messages": [{"content":[{"type":"thinking","thinking":"a","signature":"s"}]}], "x":1.50})";
  EXPECT_EQ(forwarded_of(own), own) << "byte for byte";
  const std::string talk =
      R"({"messages": [{"role":"user","content":"what is understudy:signed:gemini:x ?"}], "x":1.50})";
  EXPECT_EQ(forwarded_of(talk), talk) << "who only talks of it";
}

TEST(Signatures, AMessageOfWhichNothingIsLeftGoesAndATextKeepsItsText) {
  const std::string mark = marked_signature(ProtocolName::kGemini, "s");
  EXPECT_EQ(forwarded_of(R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[)"
                         R"({"type":"thinking","thinking":"t","signature":")" +
                         mark + R"("}]}]})"),
            R"({"messages":[{"role":"user","content":"a"}]})");
  EXPECT_EQ(forwarded_of(R"({"contents":[{"parts":[{"text":"a","thoughtSignature":")" + mark + R"("}]}]})"),
            R"({"contents":[{"parts":[{"text":"a"}]}]})");
}

// Anthropic's client gets a thought that nobody signed, and sends it back to Anthropic, who would refuse it.
TEST(Signatures, AThoughtThatNobodySignedIsKnownAgain) {
  ChatAnswer answer;
  answer.choices = {{.text = "hello", .reasoning = {{.text = "hm"}, {.text = "and", .signature = "EqoB"}}}};
  for (const bool streamed : {false, true}) {
    const ChatAnswer read = received(anthropic_messages(), answer, streamed);
    EXPECT_EQ(read.choices.at(0).reasoning, answer.choices[0].reasoning) << streamed;
  }
  const Json content = parse_json(anthropic_messages().write_answer(answer), "answer")["content"];
  const std::string body = dump_json({{"messages", Json::array({{{"role", "assistant"}, {"content", content}}})}});
  const std::string forwarded = forwarded_of(body);
  EXPECT_THAT(forwarded, Not(HasSubstr("\"hm\"")));
  EXPECT_THAT(forwarded, HasSubstr("EqoB"));
  EXPECT_THAT(forwarded, HasSubstr("hello"));
}

TEST(Signatures, TheSignatureOfACallSurvivesEveryClient) {
  for (const ProtocolName client : kAll) {
    const Protocol& protocol = protocol_of(client);
    for (const bool streamed : {false, true}) {
      ChatAnswer answer;
      answer.choices = {{.reason = FinishReason::kToolCalls}};
      answer.choices[0].tool_calls = {
          {"call:1", "a", "{}", "CiQB:7/=="}, {"call:2", "b", "{}", ""}, {"call:3", "c", "{}", "DiQB"}};
      const ChatAnswer read = received(protocol, answer, streamed);
      EXPECT_EQ(read.choices.at(0).tool_calls, answer.choices[0].tool_calls) << to_string(client) << streamed;
      EXPECT_THAT(read.choices.at(0).reasoning, IsEmpty());
    }
  }
}

// As Anthropic's client sends it back.
TEST(Signatures, TheSignatureOfACallComesBackInAnthropicsRequest) {
  ChatAnswer answer;
  answer.choices = {{.reason = FinishReason::kToolCalls}};
  answer.choices[0].tool_calls = {{"call_1", "weather", R"({"city":"Rome"})", "CiQB/=="}};
  const Json content = parse_json(anthropic_messages().write_answer(answer), "answer")["content"];
  const Json body = {
      {"model", "m"},
      {"max_tokens", 5},
      {"messages",
       {{{"role", "user"}, {"content", "a"}},
        {{"role", "assistant"}, {"content", content}},
        {{"role", "user"}, {"content", {{{"type", "tool_result"}, {"tool_use_id", "call_1"}, {"content", "7"}}}}}}}};
  const ChatRequest request = anthropic_messages().read_request(dump_json(body));
  ASSERT_EQ(request.messages.at(1).tool_calls.size(), 1U);
  EXPECT_EQ(request.messages[1].tool_calls[0].signature, "CiQB/==");
  EXPECT_THAT(request.messages[1].content, IsEmpty());
  EXPECT_THAT(gemini().write_request(request), HasSubstr(R"("thoughtSignature":"CiQB/==")"));
}

TEST(Signatures, ADamagedMarkIsNobodys) {
  const std::string mark(kSignatureMark);
  for (const std::string& signature :
       {mark, mark + "nobody:s", mark + "anthropic", mark + ":s", mark + "gemini:call:9"}) {
    ChatAnswer answer;
    answer.choices = {{.reasoning = {{.text = "t", .signature = signature}}}};
    ChatRequest request = next_turn(answer);
    std::vector<std::string> dropped;
    keep_signatures_of(ProtocolName::kAnthropic, ProtocolName::kAnthropic, request, dropped);
    EXPECT_THAT(signatures_in(request), IsEmpty()) << signature;
  }
}

}  // namespace
}  // namespace understudy
