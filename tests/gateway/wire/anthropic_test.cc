#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "gateway/wire/protocol.h"
#include "tests/gateway/wire/random_conversation.h"
#include "tests/support/fuzz_count.h"
#include "tests/support/stream_grammar.h"

namespace understudy {
namespace {

using testing::check_stream;
using testing::collected;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::written;

const Protocol& messages() {
  return anthropic_messages();
}

// A turn of an agent: marked system blocks, a signed thought, two calls beside each other, their results with a picture
// and a failure, and what the user says after them.
constexpr const char* kAgentTurn = R"({
  "model": "claude-sonnet-4-5", "max_tokens": 2048, "stream": true, "temperature": 1.0, "top_k": 40,
  "system": [{"type": "text", "text": "You are a clerk."},
             {"type": "text", "text": "The handbook.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
  "messages": [
    {"role": "user", "content": "What is the weather in Rome and Oslo?"},
    {"role": "assistant", "content": [
      {"type": "thinking", "thinking": "Two cities.", "signature": "c2ln"},
      {"type": "redacted_thinking", "data": "cmVkYWN0ZWQ="},
      {"type": "text", "text": "I look."},
      {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rome"}},
      {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {"city": "Oslo"}}]},
    {"role": "user", "content": [
      {"type": "tool_result", "tool_use_id": "toolu_1", "content": [
        {"type": "text", "text": "sunny"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]},
      {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": true, "content": "no such city"},
      {"type": "text", "text": "Be quick.", "cache_control": {"type": "ephemeral"}}]}],
  "tools": [{"name": "weather", "description": "tells it", "strict": true,
             "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
             "cache_control": {"type": "ephemeral"}},
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}],
  "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
  "thinking": {"type": "enabled", "budget_tokens": 1024},
  "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}, "effort": "low"},
  "metadata": {"user_id": "u-1"}, "stop_sequences": ["END"], "service_tier": "auto",
  "mcp_servers": [{"type": "url", "url": "https://mcp.example", "name": "m"}]})";

std::string request_with(const Json& fields) {
  Json body = {{"model", "m"}, {"max_tokens", 9}, {"messages", {{{"role", "user"}, {"content", "hi"}}}}};
  for (const auto& [key, value] : fields.items()) body[key] = value;
  return dump_json(body);
}

std::string field_of_read(const std::string& body) {
  try {
    (void)messages().read_request(body);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
    return error.field();
  }
  return "accepted";
}

std::string field_of_write(const Protocol& protocol, const ChatRequest& request) {
  try {
    (void)protocol.write_request(request);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
    return error.field();
  }
  return "accepted";
}

ChatRequest plain_request() {
  ChatRequest request;
  request.model = "m";
  request.messages = {Message::of(Role::kUser, "hi")};
  request.max_tokens = 5;
  return request;
}

TEST(Anthropic, ReadsAnAgentsTurn) {
  const ChatRequest request = messages().read_request(kAgentTurn);
  ASSERT_THAT(request.messages, SizeIs(6));
  EXPECT_EQ(request.messages[0].role, Role::kSystem);
  EXPECT_EQ(request.messages[0].content[1].cache, "1h");
  const Message& assistant = request.messages[2];
  EXPECT_EQ(std::get<Reasoning>(assistant.content[0].other), (Reasoning{.text = "Two cities.", .signature = "c2ln"}));
  EXPECT_EQ(std::get<Reasoning>(assistant.content[1].other),
            (Reasoning{.signature = "cmVkYWN0ZWQ=", .redacted = true}));
  EXPECT_THAT(assistant.tool_calls, ElementsAre(ToolCall{"toolu_1", "weather", R"({"city":"Rome"})", ""},
                                                ToolCall{"toolu_2", "weather", R"({"city":"Oslo"})", ""}));
  EXPECT_EQ(request.messages[3].role, Role::kTool);
  EXPECT_EQ(request.messages[3].tool_call_id, "toolu_1");
  EXPECT_EQ(std::get<Media>(request.messages[3].content[1].other).data, "AAAA");
  EXPECT_TRUE(request.messages[4].tool_failed);
  EXPECT_EQ(request.messages[4].text(), "no such city");
  EXPECT_EQ(request.messages[5].role, Role::kUser);
  EXPECT_EQ(request.messages[5].content[0].cache, "5m");
  EXPECT_TRUE(request.tools[1].native.has_value());
  EXPECT_EQ(request.tool_choice.mode, ToolChoice::Mode::kRequired);
  EXPECT_EQ(request.parallel_tool_calls, false);
  EXPECT_EQ(request.reasoning.budget_tokens, 1024);
  EXPECT_EQ(request.reasoning.effort, "low");
  EXPECT_EQ(request.response_format.kind, ResponseFormat::Kind::kJsonSchema);
  EXPECT_EQ(request.user, "u-1");
  EXPECT_TRUE(request.stream && request.stream_usage);
}

TEST(Anthropic, WritesTheAgentsTurnAgain) {
  const ChatRequest request = messages().read_request(kAgentTurn);
  std::vector<std::string> dropped;
  const std::string body = messages().write_request(request, dropped);
  EXPECT_THAT(dropped, IsEmpty());
  EXPECT_EQ(messages().read_request(body), request);
  const Json json = parse_json(body, "");
  ASSERT_THAT(json["messages"], SizeIs(3));  // results and what the user says stand in one message again
  EXPECT_THAT(json["messages"][2]["content"], SizeIs(3));
}

TEST(Anthropic, ReadsBackEveryRandomRequestThatItWrites) {
  for (int seed = 0; seed < testing::fuzz_count(300); ++seed) {
    Random random(static_cast<uint64_t>(seed));
    ChatRequest request = testing::random_request(random);
    request.model = "claude";
    if (random.chance(0.3)) request.user = "u";
    if (!request.tools.empty() && request.tool_choice.mode != ToolChoice::Mode::kNone && random.chance(0.5)) {
      request.parallel_tool_calls = random.chance(0.5);
    }
    if (random.chance(0.3)) request.reasoning.budget_tokens = random.between(-1, 4000);
    if (random.chance(0.3)) request.messages.front().content.front().cache = random.chance(0.5) ? "5m" : "1h";
    request.stream = request.stream_usage = random.chance(0.5);
    EXPECT_EQ(messages().read_request(messages().write_request(request)), request) << "seed " << seed;
  }
}

TEST(Anthropic, GivesARequestWithoutALimitOne) {
  ChatRequest request = plain_request();
  request.max_tokens.reset();
  EXPECT_EQ(parse_json(messages().write_request(request), "")["max_tokens"], 4096);
  request.reasoning.budget_tokens = 10000;
  EXPECT_EQ(parse_json(messages().write_request(request), "")["max_tokens"], 14096);
}

TEST(Anthropic, RefusesWhatItCannotExpressByTheFieldsName) {
  const auto refused = [](const auto& change) {
    ChatRequest request = plain_request();
    change(request);
    return field_of_write(messages(), request);
  };
  EXPECT_EQ(refused([](ChatRequest& r) { r.n = 2; }), "n");
  EXPECT_EQ(refused([](ChatRequest& r) { r.logprobs = true; }), "logprobs");
  EXPECT_EQ(refused([](ChatRequest& r) { r.sampling.logit_bias = {{1, 2.0F}}; }), "logit_bias");
  EXPECT_EQ(refused([](ChatRequest& r) { r.sampling.presence_penalty = 0.5; }), "presence_penalty");
  EXPECT_EQ(refused([](ChatRequest& r) { r.sampling.frequency_penalty = 0.5; }), "frequency_penalty");
  EXPECT_EQ(refused([](ChatRequest& r) { r.sampling.min_p = 0.5; }), "min_p");
  EXPECT_EQ(refused([](ChatRequest& r) { r.sampling.seed = 1; }), "seed");
  EXPECT_EQ(refused([](ChatRequest& r) { r.sampling.temperature = 1.5; }), "temperature");
  EXPECT_EQ(refused([](ChatRequest& r) { r.prompt = "a"; }), "prompt");
  EXPECT_EQ(refused([](ChatRequest& r) { r.response_format.kind = ResponseFormat::Kind::kJsonObject; }),
            "response_format");
  EXPECT_EQ(refused([](ChatRequest& r) { r.messages.push_back(Message::of(Role::kSystem, "late")); }),
            "messages[1].role");
  EXPECT_EQ(refused([](ChatRequest& r) {
              r.messages[0].content.emplace_back().other = Media{.kind = Media::Kind::kAudio, .data = "AA"};
            }),
            "messages[0].content[1]");
  EXPECT_EQ(refused([](ChatRequest& r) {
              r.messages.push_back(Message::of(Role::kAssistant, "a"));
              r.messages[1].tool_calls = {{"c", "f", "{broken", ""}};
            }),
            "messages[1].tool_calls[0].function.arguments");
  EXPECT_EQ(refused([](ChatRequest& r) {
              r.tools.emplace_back().native = Native{ProtocolName::kOpenAiResponses, {{"type", "web_search"}}};
            }),
            "tools[0]");
  EXPECT_EQ(refused([](ChatRequest& r) {
              r.extras["web_search_options"] = {ProtocolName::kOpenAiChat, 1};
            }),
            "web_search_options");
  EXPECT_EQ(refused([](ChatRequest& r) { r.sampling.presence_penalty = 0; }), "accepted");
}

// What an application at OpenAI's endpoint sends comes to Anthropic whole, but for what is listed as harmless.
TEST(Anthropic, TakesARequestOfOpenAis) {
  const ChatRequest asked = openai_chat().read_request(R"({"model": "m", "user": "u", "store": true,
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "name": "ann", "content": "hi"},
      {"role": "assistant", "content": null, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]},
      {"role": "tool", "tool_call_id": "c1", "content": "ok"}, {"role": "user", "content": "so?"}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": {"type": "object"}}},
    "max_tokens": 7, "metadata": {"k": "v"}, "parallel_tool_calls": false, "stop": ["x"]})");
  std::vector<std::string> dropped;
  ChatRequest expected = asked;
  EXPECT_THAT(messages().read_request(messages().write_request(asked, dropped)), [&] {
    expected.messages[1].name.clear();
    expected.metadata.clear();
    expected.extras.clear();
    expected.response_format.name.clear();
    expected.response_format.strict.reset();
    return expected;
  }());
  EXPECT_THAT(dropped, ElementsAre("metadata", "name", "response_format.name", "response_format.strict", "store"));
}

TEST(Anthropic, ItsOwnPartsAreRefusedTowardsOthers) {
  ChatRequest turn = messages().read_request(kAgentTurn);
  EXPECT_EQ(field_of_write(openai_chat(), turn), "messages[3].content[1]") << "an image in a tool's result";
  turn.messages[3].content.resize(1);
  EXPECT_EQ(field_of_write(openai_chat(), turn), "tools[1]");
  const std::string cited =
      request_with({{"messages",
                     {{{"role", "user"},
                       {"content",
                        {{{"type", "document"},
                          {"source", {{"type", "text"}, {"media_type", "text/plain"}, {"data", "x"}}},
                          {"citations", {{"enabled", true}}}}}}}}}});
  const ChatRequest request = messages().read_request(cited);
  EXPECT_EQ(messages().read_request(messages().write_request(request)), request);
  EXPECT_EQ(field_of_write(openai_chat(), request), "messages[0].content[0]");
  EXPECT_EQ(field_of_write(gemini(), request), "messages[0].content[0]");
}

TEST(Anthropic, NamesTheFieldOfWhatItDoesNotRead) {
  EXPECT_EQ(field_of_read(R"({"model":"m","messages":[{"role":"user","content":"a"}]})"), "max_tokens");
  EXPECT_EQ(field_of_read(request_with({{"temperature", 2}})), "temperature");
  EXPECT_EQ(field_of_read(request_with({{"tempreature", 1}})), "tempreature");
  EXPECT_EQ(field_of_read(request_with({{"messages", {{{"role", "system"}, {"content", "a"}}}}})), "messages[0].role");
  EXPECT_EQ(field_of_read(request_with({{"messages", {{{"role", "user"}, {"content", {{{"text", "a"}}}}}}}})),
            "messages[0].content[0].type");
  EXPECT_EQ(field_of_read(request_with({{"tool_choice", {{"type", "some"}}}})), "tool_choice.type");
  EXPECT_EQ(field_of_read(request_with({{"thinking", {{"type", "enabled"}}}})), "thinking.budget_tokens");
  EXPECT_EQ(field_of_read(request_with({{"output_format", {{"type", "xml"}}}})), "output_format.type");
}

// ---- answers

constexpr const char* kAnswer = R"({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
  "content": [{"type": "thinking", "thinking": "hm", "signature": "c2ln"}, {"type": "text", "text": "I look. ",
               "citations": [{"type": "char_location", "cited_text": "a"}]},
              {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rome"}},
              {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}],
  "stop_reason": "tool_use", "stop_sequence": null,
  "usage": {"input_tokens": 10, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 100,
            "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
            "output_tokens": 7, "service_tier": "standard"}})";

TEST(Anthropic, ReadsAnAnswerWithItsDisjointUsage) {
  const ChatAnswer answer = messages().read_answer(kAnswer);
  EXPECT_EQ(answer.head, (AnswerHead{"msg_1", "claude", 0}));
  ASSERT_THAT(answer.choices, SizeIs(1));
  EXPECT_EQ(answer.choices[0].text, "I look. ");
  EXPECT_THAT(answer.choices[0].reasoning, ElementsAre(Reasoning{.text = "hm", .signature = "c2ln"}));
  EXPECT_THAT(answer.choices[0].natives, SizeIs(2));
  EXPECT_EQ(answer.choices[0].reason, FinishReason::kToolCalls);
  EXPECT_EQ(answer.usage,
            (Usage{.input = 10, .cached_input = 100, .cache_write = 20, .cache_write_1h = 10, .output = 7}));
  EXPECT_EQ(messages().read_answer(messages().write_answer(answer)), answer);
}

TEST(Anthropic, StopReasonsMeanTheSameInBothDirections) {
  const std::pair<const char*, FinishReason> kWords[] = {
      {"end_turn", FinishReason::kStop},      {"max_tokens", FinishReason::kLength},
      {"tool_use", FinishReason::kToolCalls}, {"pause_turn", FinishReason::kPause},
      {"refusal", FinishReason::kRefusal},    {"stop_sequence", FinishReason::kStop}};
  for (const auto& [word, reason] : kWords) {
    Json body = parse_json(kAnswer, "");
    body["stop_reason"] = word;
    if (std::string(word) == "stop_sequence") body["stop_sequence"] = "END";
    const ChatAnswer answer = messages().read_answer(dump_json(body));
    EXPECT_EQ(answer.choices[0].reason, reason) << word;
    EXPECT_EQ(parse_json(messages().write_answer(answer), "")["stop_reason"], word);
  }
  Json body = parse_json(kAnswer, "");
  body["stop_reason"] = "model_context_window_exceeded";
  EXPECT_EQ(messages().read_answer(dump_json(body)).choices[0].reason, FinishReason::kLength);
}

ChatAnswer random_answer(Random& random) {
  ChatAnswer answer;
  answer.head = {"msg_1", "claude", 0};
  ChatChoice choice = testing::random_choice(random);
  for (uint64_t n = random.below(3); n > 0; --n) {
    if (random.chance(0.3)) {
      choice.reasoning.push_back({.signature = "ZGF0YQ==", .redacted = true});
    } else {
      choice.reasoning.push_back({.text = testing::random_text(random), .signature = "c2ln"});
    }
  }
  if (choice.reason == FinishReason::kStop && random.chance(0.3)) choice.stop = "END";
  if (random.chance(0.2)) {
    choice.natives = {{ProtocolName::kAnthropic, {{"type", "web_search_tool_result"}, {"content", Json::array()}}}};
  }
  answer.choices = {std::move(choice)};
  answer.usage = {.input = random.between(0, 99),
                  .cached_input = random.between(0, 99),
                  .cache_write = random.between(0, 9),
                  .cache_write_1h = random.between(0, 9),
                  .output = random.between(0, 99)};
  return answer;
}

TEST(Anthropic, ReadsBackEveryRandomAnswerAndStreamThatItWrites) {
  for (int seed = 0; seed < testing::fuzz_count(300); ++seed) {
    Random random(static_cast<uint64_t>(seed));
    const ChatAnswer answer = random_answer(random);
    EXPECT_EQ(messages().read_answer(messages().write_answer(answer)), answer) << "seed " << seed;
    const auto events = written(messages(), {}, answer.head, testing::random_stream(answer, random));
    const auto verdict = check_stream(ProtocolName::kAnthropic, events);
    EXPECT_EQ(verdict.fault, "") << "seed " << seed;
    EXPECT_TRUE(verdict.is_complete) << "seed " << seed;
    EXPECT_EQ(collected(messages(), events), answer) << "seed " << seed;
  }
}

// Every target's stream, written for an application at any endpoint, is whole there and says the same.
TEST(Anthropic, StreamsCrossToOtherProtocolsAndBack) {
  for (int seed = 0; seed < testing::fuzz_count(200); ++seed) {
    Random random(static_cast<uint64_t>(seed));
    ChatAnswer answer;
    answer.head = {"id_1", "m", 0};
    answer.choices = {testing::random_choice(random)};
    answer.usage = {.input = 5, .cached_input = 3, .output = 9};
    ChatRequest asked;
    asked.stream = asked.stream_usage = true;
    for (const Protocol* from : {&anthropic_messages(), &openai_chat(), &openai_responses(), &gemini()}) {
      const auto upstream = written(*from, asked, answer.head, testing::random_stream(answer, random));
      for (const Protocol* to : {&anthropic_messages(), &openai_chat(), &openai_responses(), &gemini()}) {
        const auto reader = from->event_reader();
        std::vector<ChatEvent> events;
        for (const WireEvent& wire : upstream) {
          for (ChatEvent& event : reader->read(wire)) events.push_back(std::move(event));
        }
        EXPECT_TRUE(reader->is_complete());
        const auto crossed = written(*to, asked, answer.head, events);
        const auto verdict = check_stream(to->name(), crossed);
        EXPECT_EQ(verdict.fault, "") << "seed " << seed;
        EXPECT_TRUE(verdict.is_complete) << "seed " << seed;
        EXPECT_EQ(collected(*to, crossed), answer)
            << "seed " << seed << " " << to_string(from->name()) << " to " << to_string(to->name());
      }
    }
  }
}

// ---- streams

std::vector<WireEvent> events_from(const std::vector<std::string>& datas) {
  std::vector<WireEvent> events;
  for (const std::string& data : datas) events.push_back({parse_json(data, "").value("type", ""), data});
  return events;
}

const std::vector<std::string> kStream = {
    R"({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"cache_read_input_tokens":4,"output_tokens":1}}})",
    R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}})",
    R"({"type":"ping"})",
    R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me "}})",
    R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"see."}})",
    R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}})",
    R"({"type":"content_block_stop","index":0})",
    R"({"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}})",
    R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hello"}})",
    R"({"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"cited_text":"x"}}})",
    R"({"type":"content_block_stop","index":1})",
    R"({"type":"content_block_start","index":2,"content_block":{"type":"server_tool_use","id":"s1","name":"web_search","input":{}}})",
    R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"query\":"}})",
    R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"\"x\"}"}})",
    R"({"type":"content_block_stop","index":2})",
    R"({"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_1","name":"now","input":{}}})",
    R"({"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}})",
    R"({"type":"content_block_stop","index":3})",
    R"({"type":"some_event_of_tomorrow","x":1})",
    R"({"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":15}})",
    R"({"type":"message_stop"})"};

TEST(Anthropic, ReadsAPublishedStream) {
  const std::vector<WireEvent> events = events_from(kStream);
  const auto reader = messages().event_reader();
  ChatAnswer answer;
  for (const WireEvent& event : events) {
    EXPECT_FALSE(reader->is_complete());
    for (const ChatEvent& said : reader->read(event)) collect(said, answer);
  }
  EXPECT_TRUE(reader->is_complete());
  const ChatChoice& choice = answer.choices.at(0);
  EXPECT_EQ(choice.text, "Hello");
  EXPECT_THAT(choice.reasoning, ElementsAre(Reasoning{.text = "Let me see.", .signature = "c2ln"}));
  EXPECT_THAT(choice.tool_calls, ElementsAre(ToolCall{"toolu_1", "now", "{}", ""}));
  ASSERT_THAT(choice.natives, SizeIs(2));
  EXPECT_EQ(choice.natives[1].value["input"], Json({{"query", "x"}}));
  EXPECT_EQ(choice.reason, FinishReason::kToolCalls);
  EXPECT_EQ(answer.usage, (Usage{.input = 25, .cached_input = 4, .output = 15}));
}

TEST(Anthropic, AStreamThatWasCutIsNeverComplete) {
  for (size_t n = 0; n < kStream.size(); ++n) {
    const auto events = events_from({kStream.begin(), kStream.begin() + static_cast<ptrdiff_t>(n)});
    const auto reader = messages().event_reader();
    for (const WireEvent& event : events) (void)reader->read(event);
    EXPECT_FALSE(reader->is_complete()) << n;
    EXPECT_FALSE(check_stream(ProtocolName::kAnthropic, events).is_complete) << n;
  }
}

TEST(Anthropic, BlocksThatWereNotStartedAreRefused) {
  const auto reader = messages().event_reader();
  EXPECT_THROW((void)reader->read(events_from({kStream[8]})[0]), Error);
  EXPECT_THROW((void)reader->read({"", "[DONE]"}), Error);
}

TEST(Anthropic, AFailureEndsAStreamWithTheProtocolsEvent) {
  const auto events = written(messages(), {}, {"msg_1", "m", 0},
                              {TextEvent{0, "a", {}, false}, FailureEvent{ErrorCode::kOverloaded, "busy", ""}});
  const auto verdict = check_stream(ProtocolName::kAnthropic, events);
  EXPECT_EQ(verdict.fault, "");
  EXPECT_TRUE(verdict.has_failed);
  EXPECT_FALSE(verdict.is_complete);
  EXPECT_EQ(parse_json(events.back().data, "")["error"]["type"], "rate_limit_error");
  const auto reader = messages().event_reader();
  const auto said =
      reader->read({"error", R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"});
  ASSERT_THAT(said, SizeIs(1));
  EXPECT_EQ(std::get<FailureEvent>(said[0]), (FailureEvent{ErrorCode::kUnavailable, "Overloaded", "overloaded_error"}));
}

TEST(Anthropic, AStreamHasOneChoiceAndWholeCalls) {
  const auto writer = messages().event_writer({}, {});
  EXPECT_THROW((void)writer->write(TextEvent{1, "a", {}, false}), Error);
  (void)writer->write(ToolCallEvent{0, 0, "a", "f", "", ""});
  (void)writer->write(ToolCallEvent{0, 1, "b", "f", "", ""});
  EXPECT_THROW((void)writer->write(ToolCallEvent{0, 0, "", "", "{}", ""}), Error);
  EXPECT_THROW((void)writer->write(NativeEvent{0, {ProtocolName::kGemini, 1}}), Error);
}

TEST(Anthropic, ErrorsHaveTheTypeOfTheirStatus) {
  const std::pair<int, const char*> kTypes[] = {{400, "invalid_request_error"},
                                                {401, "authentication_error"},
                                                {403, "permission_error"},
                                                {404, "not_found_error"},
                                                {413, "request_too_large"},
                                                {429, "rate_limit_error"},
                                                {500, "api_error"},
                                                {503, "overloaded_error"},
                                                {529, "overloaded_error"}};
  for (const auto& [status, type] : kTypes) {
    const std::string body = messages().write_error(status, Error(ErrorCode::kInternal, "why"));
    EXPECT_EQ(parse_json(body, ""), Json({{"type", "error"}, {"error", {{"type", type}, {"message", "why"}}}}));
    EXPECT_EQ(messages().read_error(status, body), (FailureEvent{error_code_of_status(status), "why", type}));
  }
  EXPECT_THAT(messages().read_error(502, "<html>Bad gateway").message, HasSubstr("status 502: <html>"));
}

// ---- strangers

TEST(Anthropic, EveryMutatedRequestIsReadOrRefused) {
  Random random(7);
  int n_read = 0;
  for (int i = 0; i < testing::fuzz_count(1500); ++i) {
    const std::string body = testing::mutated(i % 2 == 0 ? kAgentTurn : request_with({{"temperature", 0.5}}), random);
    try {
      const ChatRequest request = messages().read_request(body);
      ++n_read;
      EXPECT_EQ(messages().read_request(messages().write_request(request)), request) << i << ": " << body;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidInput) << body;
    }
  }
  EXPECT_GT(n_read, 0);
}

TEST(Anthropic, EveryMutatedStreamIsReadOrRefused) {
  Random random(8);
  for (int i = 0; i < testing::fuzz_count(500); ++i) {
    const auto reader = messages().event_reader();
    try {
      for (const std::string& data : kStream) {
        (void)reader->read({"", random.chance(0.1) ? testing::mutated(data, random) : data});
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidInput) << i;
    }
  }
}

}  // namespace
}  // namespace understudy
