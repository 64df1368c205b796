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

// A request with `fields` in place of, or beside, the usual model and messages.
std::string request_with(const Json& fields) {
  Json body = {{"model", "m"}, {"messages", {{{"role", "user"}, {"content", "hi"}}}}};
  for (const auto& [key, value] : fields.items()) body[key] = value;
  return dump_json(body);
}

Error error_of(const std::string& body) {
  try {
    (void)openai_chat().read_request(body);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "accepted: " << body;
  return Error(ErrorCode::kInternal, "");
}

ChatRequest full_request() {
  ChatRequest request;
  request.model = "invoices";
  request.messages = {Message::of(Role::kSystem, "Be brief."), Message::of(Role::kUser, "Grüße \"x\"\n"),
                      Message::of(Role::kAssistant, "")};
  Message call;
  call.role = Role::kAssistant;
  call.tool_calls = {{"call_1", "weather", "{\"city\": \"Rome\"}", ""}};
  Message result = Message::of(Role::kTool, "sunny");
  result.tool_call_id = "call_1";
  Message picture;
  picture.content = {ContentPart::of("what is it?")};
  const Media media[] = {
      {.kind = Media::Kind::kImage, .url = "https://a.example/b.png", .detail = "low"},
      {.kind = Media::Kind::kImage, .media_type = "image/png", .data = "AAAA"},
      {.kind = Media::Kind::kAudio, .media_type = "audio/wav", .data = "BBBB"},
      {.kind = Media::Kind::kDocument, .file_id = "file-1"},
      {.kind = Media::Kind::kDocument, .media_type = "application/pdf", .data = "CC", .name = "a.pdf"}};
  for (const Media& part : media) picture.content.emplace_back().other = part;
  picture.content.emplace_back().other = Native{ProtocolName::kOpenAiChat, {{"type", "new_kind"}, {"x", 1}}};
  picture.name = "ann";
  request.messages.insert(request.messages.end(), {call, result, picture});
  request.tools = {{.name = "weather",
                    .description = "tells it",
                    .parameters = {{"type", "object"}, {"properties", Json::object()}},
                    .strict = true},
                   {.native = Native{ProtocolName::kOpenAiChat, {{"type", "custom"}, {"custom", {{"name", "c"}}}}}}};
  request.tool_choice = {ToolChoice::Mode::kNamed, "weather"};
  request.parallel_tool_calls = false;
  request.response_format = {.kind = ResponseFormat::Kind::kJsonSchema,
                             .name = "invoice",
                             .description = "of a sale",
                             .schema = {{"type", "object"}},
                             .strict = true};
  request.reasoning.effort = "high";
  request.user = "u1";
  request.metadata = {{"a", "b"}};
  request.extras["verbosity"] = {ProtocolName::kOpenAiChat, "low"};
  request.extras["store"] = {ProtocolName::kOpenAiChat, true};
  request.sampling = {.temperature = 0.25,
                      .top_p = 0.5,
                      .top_k = 7,
                      .min_p = 0.125,
                      .presence_penalty = -1,
                      .frequency_penalty = 1.5,
                      .seed = static_cast<uint64_t>(-5),
                      .logit_bias = {{17, -100.0F}, {18, 0.5F}}};
  request.max_tokens = 99;
  request.stop = {"\n\n", "END"};
  request.logprobs = true;
  request.top_logprobs = 3;
  request.stream = true;
  request.stream_usage = true;
  request.n = 2;
  return request;
}

std::vector<TokenLogprobs> some_logprobs() {
  return {{{"a", -0.5}, {{"a", -0.5}, {"\xE2\x82", -1.25}}}, {{"\xE2\x82", -2}, {}}};
}

TEST(OpenAiChat, ReadsBackEveryRequestThatItWrites) {
  const ChatRequest request = full_request();
  EXPECT_EQ(openai_chat().read_request(openai_chat().write_request(request)), request);
  ChatRequest plain;
  plain.model = "m";
  plain.messages = {Message::of(Role::kUser, "hi")};
  EXPECT_EQ(openai_chat().read_request(openai_chat().write_request(plain)), plain);
}

TEST(OpenAiChat, ReadsBackEveryAnswerThatItWrites) {
  ChatAnswer answer;
  answer.head = {"chatcmpl-1", "invoices", 1700000000};
  answer.choices = {{.text = "Grüße", .logprobs = some_logprobs(), .reasoning = {{.text = "hm"}}},
                    {.reason = FinishReason::kLength},
                    {.reason = FinishReason::kToolCalls, .tool_calls = {{"c1", "f", "{}", ""}, {"c2", "g", "[1]", ""}}},
                    {.refusal = "I will not."}};
  answer.usage = {.input = 5, .cached_input = 5, .output = 12, .reasoning = 8};
  EXPECT_EQ(openai_chat().read_answer(openai_chat().write_answer(answer)), answer);
}

TEST(OpenAiChat, ReadsBackEveryStreamThatItWrites) {
  const std::vector<ChatEvent> events = {HeadEvent{{"chatcmpl-1", "m", 5}},
                                         ReasoningEvent{0, true, {.text = "h"}},
                                         ReasoningEvent{0, false, {.text = "m"}},
                                         TextEvent{0, "a", some_logprobs(), false},
                                         TextEvent{1, "b", {}, false},
                                         TextEvent{1, "no", {}, true},
                                         FinishEvent{1, FinishReason::kLength, ""},
                                         TextEvent{0, "c", {}, false},
                                         ToolCallEvent{0, 0, "c1", "f", "", ""},
                                         ToolCallEvent{0, 0, "", "", "{\"a\"", ""},
                                         ToolCallEvent{0, 1, "c2", "g", "{}", ""},
                                         FinishEvent{0, FinishReason::kToolCalls, ""},
                                         UsageEvent{{.input = 4, .cached_input = 3, .output = 8}}};
  const auto writer = openai_chat().event_writer(full_request(), {"chatcmpl-1", "m", 5});
  const auto reader = openai_chat().event_reader();
  std::vector<ChatEvent> read;
  const auto read_all = [&](const std::vector<WireEvent>& payloads) {
    for (const WireEvent& payload : payloads) {
      for (ChatEvent& back : reader->read(payload)) read.push_back(std::move(back));
    }
  };
  for (const ChatEvent& event : events) read_all(writer->write(event));
  read_all(writer->finish());
  EXPECT_EQ(read, events);
  EXPECT_TRUE(reader->is_complete());
  const FailureEvent failure{ErrorCode::kOverloaded, "too much", "rate_limit_error"};
  const std::vector<WireEvent> told = writer->write(failure);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(reader->read(told.front()), std::vector<ChatEvent>{failure});
}

TEST(OpenAiChat, WritesChunksInOpenAisOrder) {
  ChatRequest request;
  request.stream = request.stream_usage = true;
  const auto writer = openai_chat().event_writer(request, {"chatcmpl-1", "m", 5});
  std::vector<std::string> payloads;
  const auto add = [&](const std::vector<WireEvent>& more) {
    for (const WireEvent& event : more) payloads.push_back(event.data);
  };
  add(writer->write(TextEvent{0, "Hel", {}, false}));
  add(writer->write(TextEvent{0, "lo", {}, false}));
  add(writer->write(FinishEvent{0, FinishReason::kStop, ""}));
  add(writer->write(UsageEvent{{.input = 2, .cached_input = 1, .output = 2}}));
  add(writer->finish());
  const std::string head = R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":)";
  EXPECT_EQ(
      payloads,
      (std::vector<std::string>{
          head +
              R"([{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null})",
          head + R"([{"index":0,"delta":{"content":"Hel"},"logprobs":null,"finish_reason":null}],"usage":null})",
          head + R"([{"index":0,"delta":{"content":"lo"},"logprobs":null,"finish_reason":null}],"usage":null})",
          head + R"([{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null})",
          head +
              R"([],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":1}}})",
          "[DONE]"}));
}

TEST(OpenAiChat, LeavesUsageOutOfAStreamThatDidNotAskForIt) {
  const auto writer = openai_chat().event_writer({}, {"id", "m", 5});
  EXPECT_TRUE(writer->write(UsageEvent{{.input = 3, .output = 2}}).empty());
  EXPECT_THAT(writer->write(TextEvent{0, "x", {}, false}).back().data, ::testing::Not(HasSubstr("usage")));
}

TEST(OpenAiChat, WritesLogprobsWithBytesSoThatHalfACharacterSurvives) {
  ChatAnswer answer;
  answer.choices = {{.logprobs = {{{"\xE2\x82", -1.5}, {}}}}};
  EXPECT_THAT(openai_chat().write_answer(answer), HasSubstr(R"("logprob":-1.5,"bytes":[226,130],"top_logprobs":[])"));
}

TEST(OpenAiChat, AcceptsWhatChangesNothingInTheAnswer) {
  const ChatRequest request = openai_chat().read_request(request_with({{"user", "u"},
                                                                       {"metadata", {{"a", "b"}}},
                                                                       {"store", false},
                                                                       {"service_tier", "auto"},
                                                                       {"response_format", {{"type", "text"}}},
                                                                       {"parallel_tool_calls", true},
                                                                       {"modalities", {"text"}},
                                                                       {"logit_bias", nullptr},
                                                                       {"functions", nullptr},
                                                                       {"tools", Json::array()},
                                                                       {"stop", nullptr},
                                                                       {"max_tokens", 5},
                                                                       {"max_completion_tokens", 5}}));
  EXPECT_EQ(request.max_tokens, 5);
  EXPECT_EQ(openai_chat().read_request(request_with({{"stop", "x"}})).stop, std::vector<std::string>{"x"});
  const Json again = {
      {{"role", "assistant"},
       {"content", "hi"},
       {"refusal", nullptr},
       {"annotations", Json::array()},
       {"parsed", {{"greeting", "hi"}}},
       {"tool_calls",
        {{{"id", "c"},
          {"type", "function"},
          {"function", {{"name", "f"}, {"arguments", "{\"a\":1}"}, {"parsed_arguments", {{"a", 1}}}}}}}}},
      {{"role", "user"}, {"content", {{{"type", "text"}, {"text", "a"}}, {{"type", "text"}, {"text", "b"}}}}}};
  EXPECT_EQ(openai_chat().read_request(request_with({{"messages", again}})).messages[1].text(), "ab");
}

struct Refused {
  Json fields;
  std::string field;
  std::string says;
};

TEST(OpenAiChat, RefusesWithTheFieldsName) {
  const Json message = {{"role", "user"}, {"content", "x"}};
  const std::vector<Refused> cases = {
      {{{"model", nullptr}}, "model", "is missing"},
      {{{"model", 5}}, "model", "a string"},
      {{{"messages", Json::array()}}, "messages", "at least one message"},
      {{{"messages", "hi"}}, "messages", "a list"},
      {{{"messages", {5}}}, "messages[0]", "an object"},
      {{{"messages", {message, {{"role", "boss"}, {"content", "x"}}}}}, "messages[1].role", "got \"boss\""},
      {{{"messages", {{{"role", "user"}}}}}, "messages[0].content", "is missing"},
      {{{"messages", {{{"role", "user"}, {"content", 5}}}}}, "messages[0].content", "a string or a list"},
      {{{"messages", {{{"role", "user"}, {"content", {{{"type", "text"}}}}}}}},
       "messages[0].content[0].text",
       "is missing"},
      {{{"messages", {{{"role", "tool"}, {"content", "x"}}}}}, "messages[0].tool_call_id", "is missing"},
      {{{"messages", {{{"role", "user"}, {"content", "x"}, {"contents", "y"}}}}},
       "messages[0].contents",
       "did you mean content?"},
      {{{"temperature", 2.5}}, "temperature", "from 0 to 2, got 2.5"},
      {{{"temperature", "hot"}}, "temperature", "a number"},
      {{{"top_p", -0.1}}, "top_p", "from 0 to 1"},
      {{{"max_tokens", 0}}, "max_tokens", "from 1"},
      {{{"max_tokens", 1.5}}, "max_tokens", "a whole number"},
      {{{"max_tokens", 1}, {"max_completion_tokens", 2}}, "max_tokens", "differs"},
      {{{"n", 0}}, "n", "from 1 to 128"},
      {{{"stop", {"a", "b", "c", "d", "e"}}}, "stop", "up to 4"},
      {{{"stop", ""}}, "stop", "none empty"},
      {{{"stop", {5}}}, "stop", "strings"},
      {{{"seed", 18446744073709551615ULL}}, "seed", "a whole number"},
      {{{"logit_bias", {{"x", 1}}}}, "logit_bias", "token ids"},
      {{{"logit_bias", {{"5", 101}}}}, "logit_bias", "from -100 to 100"},
      {{{"logprobs", 1}}, "logprobs", "true or false"},
      {{{"top_logprobs", 2}}, "top_logprobs", "only allowed with"},
      {{{"logprobs", true}, {"top_logprobs", 21}}, "top_logprobs", "to 20"},
      {{{"stream", "yes"}}, "stream", "true or false"},
      {{{"stream_options", {{"include_usage", true}}}}, "stream_options", "only allowed with"},
      {{{"stream", true}, {"stream_options", {{"usage", true}}}}, "stream_options.usage", "unknown field"},
      {{{"response_format", {{"type", "json_schema"}}}}, "response_format.json_schema", "is missing"},
      {{{"response_format", {{"type", "xml"}}}}, "response_format.type", "text"},
      {{{"tool_choice", "perhaps"}}, "tool_choice", "required"},
      {{{"tools", {{{"type", "function"}, {"function", {{"name", "f"}, {"strict", "yes"}}}}}}},
       "tools[0].function.strict",
       "true or false"},
      {{{"metadata", {{"a", 1}}}}, "metadata", "strings"},
      {{{"temprature", 1}}, "temprature", "did you mean temperature?"},
  };
  for (const Refused& entry : cases) {
    const Error error = error_of(request_with(entry.fields));
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
    EXPECT_EQ(error.field(), entry.field) << error.message();
    EXPECT_THAT(error.message() + error.hint(), HasSubstr(entry.says));
  }
}

TEST(OpenAiChat, RefusesBodiesThatAreNoRequest) {
  for (const std::string body :
       {"", "{", "[]", "5", "{\"model\": \"m\"", "{\"model\":\"a\",\"model\":\"b\"}", "\xff"}) {
    EXPECT_EQ(error_of(body).code(), ErrorCode::kInvalidInput);
  }
  EXPECT_THAT(error_of("{\"a\":" + std::string(300, '[') + std::string(300, ']') + "}").message(),
              HasSubstr("levels deep"));
  EXPECT_LT(error_of(request_with({{std::string(1000000, 'k'), 1}})).message().size(), 200U) << "errors stay short";
}

// Damaged requests are read or refused with an Error, and what is read can be written and read again.
TEST(OpenAiChat, SurvivesDamagedRequests) {
  const std::string seed = openai_chat().write_request(full_request());
  Random random(7);
  for (int i = 0; i < testing::fuzz_count(400); ++i) {
    const std::string body = testing::mutated(seed, random);
    try {
      const ChatRequest request = openai_chat().read_request(body);
      ASSERT_EQ(openai_chat().read_request(openai_chat().write_request(request)), request)
          << "round " << i << ": " << body;
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::kInvalidInput) << "round " << i << ": " << body;
    }
  }
}

}  // namespace
}  // namespace understudy
