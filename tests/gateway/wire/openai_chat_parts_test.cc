// OpenAI's chat completions over values by chance, and what vendors of the same protocol do differently.
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
using testing::random_text;
using testing::written;

Native native(Json value) {
  return {ProtocolName::kOpenAiChat, std::move(value)};
}

Media random_media(Random& random) {
  const std::vector<Media> kinds = {
      {.kind = Media::Kind::kImage, .url = "https://a.example/" + random_text(random), .detail = "low"},
      {.kind = Media::Kind::kImage, .media_type = "image/webp", .data = "AAAA", .detail = "auto"},
      {.kind = Media::Kind::kAudio, .media_type = "audio/mp3", .data = "BBBB"},
      {.kind = Media::Kind::kDocument, .file_id = "file-" + random_text(random)},
      {.kind = Media::Kind::kDocument, .media_type = "application/pdf", .data = "CC", .name = random_text(random)},
      {.kind = Media::Kind::kDocument, .data = "DDDD", .name = "bare.pdf"}};
  return random.pick(kinds);
}

// What every protocol can express, less what this one cannot, and what only this one can.
ChatRequest random_request(Random& random) {
  ChatRequest request = testing::random_request(random);
  request.model = random_text(random);
  for (Message& message : request.messages) {
    if (message.role == Role::kTool) message.content.resize(1);
    message.tool_failed = false;
    if (message.role == Role::kUser && random.chance(0.5)) message.content.emplace_back().other = random_media(random);
    if (message.role == Role::kUser && random.chance(0.1))
      message.content.emplace_back().other = native({{"type", "x"}});
    if (message.role == Role::kAssistant && random.chance(0.2)) {
      message.content.push_back(ContentPart::of(random_text(random)));
      message.content.back().refusal = true;
    }
    if (random.chance(0.1)) message.name = random_text(random);
  }
  for (Tool& tool : request.tools) {
    if (random.chance(0.5)) tool.strict = random.chance(0.5);
  }
  if (random.chance(0.2))
    request.tools.push_back({.native = native({{"type", "custom"}, {"custom", {{"name", "c"}}}})});
  if (random.chance(0.5)) request.parallel_tool_calls = random.chance(0.5);
  if (request.response_format.kind == ResponseFormat::Kind::kJsonSchema) {
    request.response_format.name = "form";
    request.response_format.description = random.chance(0.5) ? random_text(random) : "";
    if (random.chance(0.5)) request.response_format.strict = random.chance(0.5);
  } else if (random.chance(0.3)) {
    request.response_format.kind = ResponseFormat::Kind::kJsonObject;
  }
  if (random.chance(0.3)) request.reasoning.effort = random.chance(0.5) ? "high" : "none";
  SamplingSettings& sampling = request.sampling;
  if (random.chance(0.3)) sampling.min_p = 0.125;
  if (random.chance(0.3)) sampling.presence_penalty = -1.5;
  if (random.chance(0.3)) sampling.frequency_penalty = 2;
  if (random.chance(0.3)) sampling.seed = random.next();
  if (random.chance(0.3)) sampling.logit_bias = {{static_cast<int32_t>(random.below(1000)), -2.5F}};
  request.stream = random.chance(0.5);
  request.stream_usage = request.stream && random.chance(0.5);
  request.n = static_cast<int>(random.between(1, 5));
  request.logprobs = random.chance(0.3);
  if (request.logprobs) request.top_logprobs = static_cast<int>(random.below(21));
  if (random.chance(0.3)) request.user = random_text(random);
  if (random.chance(0.3)) request.metadata = {{random_text(random), random_text(random)}};
  if (random.chance(0.3)) request.extras["verbosity"] = native("low");
  if (random.chance(0.3)) request.extras["web_search_options"] = native(Json::object());
  return request;
}

ChatAnswer random_answer(Random& random) {
  ChatAnswer answer;
  answer.head = {"chatcmpl-" + random_text(random), random_text(random), random.between(0, 2'000'000'000)};
  for (int64_t n = random.between(1, 3); n > 0; --n) {
    ChatChoice choice = testing::random_choice(random);
    for (ToolCall& call : choice.tool_calls) {
      if (random.chance(0.3)) call.signature = random_text(random);
    }
    for (uint64_t i = random.below(3); i > 0; --i) {
      choice.reasoning.push_back({.text = random_text(random), .signature = random.chance(0.4) ? "c2ln" : ""});
    }
    if (random.chance(0.2)) choice.reasoning.push_back({.signature = "b3BhcXVl", .redacted = true});
    if (random.chance(0.2)) choice.refusal = random_text(random);
    if (random.chance(0.2)) choice.natives.push_back(native({{"audio", {{"id", "a"}, {"data", "AA"}}}}));
    if (random.chance(0.2)) choice.stop = random_text(random);
    answer.choices.push_back(std::move(choice));
  }
  answer.usage = {.input = random.between(0, 5000),
                  .cached_input = random.between(0, 5000),
                  .cache_write = random.chance(0.5) ? random.between(0, 5000) : 0,
                  .output = random.between(0, 5000),
                  .reasoning = random.between(0, 5000)};
  return answer;
}

TEST(OpenAiChatByChance, EveryRequestComesBack) {
  for (uint64_t seed = 0; seed < static_cast<uint64_t>(testing::fuzz_count(120)); ++seed) {
    Random random(seed);
    const ChatRequest request = random_request(random);
    std::vector<std::string> dropped;
    const std::string body = openai_chat().write_request(request, dropped);
    ASSERT_EQ(openai_chat().read_request(body), request) << "seed " << seed << ": " << body;
    ASSERT_THAT(dropped, IsEmpty()) << "seed " << seed;
  }
}

TEST(OpenAiChatByChance, EveryAnswerComesBackWholeAndAsAStream) {
  ChatRequest request;
  request.stream = request.stream_usage = request.logprobs = true;
  for (uint64_t seed = 0; seed < static_cast<uint64_t>(testing::fuzz_count(120)); ++seed) {
    Random random(seed);
    const ChatAnswer answer = random_answer(random);
    const std::string body = openai_chat().write_answer(answer);
    ASSERT_EQ(openai_chat().read_answer(body), answer) << "seed " << seed << ": " << body;
    const auto events = written(openai_chat(), request, answer.head, testing::random_stream(answer, random));
    ASSERT_EQ(collected(openai_chat(), events), answer) << "seed " << seed;
    const testing::StreamVerdict verdict = check_stream(ProtocolName::kOpenAiChat, events);
    ASSERT_EQ(verdict.fault, "") << "seed " << seed;
    ASSERT_TRUE(verdict.is_complete) << "seed " << seed;
  }
}

TEST(OpenAiChatByChance, SurvivesDamagedAnswersAndStreams) {
  Random random(3);
  ChatRequest request;
  request.stream = request.stream_usage = request.logprobs = true;
  for (int i = 0; i < testing::fuzz_count(60); ++i) {
    const ChatAnswer answer = random_answer(random);
    const std::string body = testing::mutated(openai_chat().write_answer(answer), random);
    try {
      (void)openai_chat().write_answer(openai_chat().read_answer(body));
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::kInvalidInput) << "round " << i << ": " << body;
    }
    const auto reader = openai_chat().event_reader();
    for (WireEvent event : written(openai_chat(), request, answer.head, testing::random_stream(answer, random))) {
      if (random.chance(0.3)) event.data = testing::mutated(event.data, random);
      try {
        ChatAnswer into;
        for (const ChatEvent& read : reader->read(event)) collect(read, into);
      } catch (const Error& error) {
        ASSERT_EQ(error.code(), ErrorCode::kInvalidInput) << "round " << i << ": " << event.data;
        break;
      }
    }
  }
}

// ---- usage

TEST(OpenAiChatUsage, IsTakenApartAndPutTogetherAgain) {
  struct Case {
    const char* wire;
    Usage usage;
  };
  const std::vector<Case> cases = {
      {R"({"prompt_tokens":10,"completion_tokens":4,"total_tokens":14})", {.input = 10, .output = 4}},
      {R"({"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,"prompt_tokens_details":{"cached_tokens":1920,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":256}})",
       {.input = 86, .cached_input = 1920, .output = 44, .reasoning = 256}},
      {R"({"prompt_tokens":100,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":20,"cache_write_tokens":30}})",
       {.input = 50, .cached_input = 20, .cache_write = 30, .output = 9}},
      {R"({"prompt_tokens":100,"completion_tokens":9,"prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":36})",
       {.input = 36, .cached_input = 64, .output = 9}},
      // xAI counts the thoughts beside the completion.
      {R"({"prompt_tokens":10,"completion_tokens":5,"total_tokens":315,"completion_tokens_details":{"reasoning_tokens":300}})",
       {.input = 10, .output = 5, .reasoning = 300}},
      // Details that exceed the whole take nothing below zero.
      {R"({"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":99},"completion_tokens_details":{"reasoning_tokens":99}})",
       {.cached_input = 10, .reasoning = 5}}};
  for (const Case& entry : cases) {
    const std::string body = std::string(R"({"choices":[],"usage":)") + entry.wire + "}";
    const ChatAnswer answer = openai_chat().read_answer(body);
    EXPECT_EQ(answer.usage, entry.usage) << entry.wire;
    EXPECT_EQ(openai_chat().read_answer(openai_chat().write_answer(answer)).usage, entry.usage);
  }
  ChatAnswer answer;
  answer.usage = {.input = 1, .cached_input = 2, .cache_write = 3, .cache_write_1h = 4, .output = 5, .reasoning = 6};
  EXPECT_THAT(openai_chat().write_answer(answer),
              HasSubstr(R"("usage":{"prompt_tokens":10,"completion_tokens":11,"total_tokens":21,)"
                        R"("prompt_tokens_details":{"cached_tokens":2,"cache_write_tokens":7},)"
                        R"("completion_tokens_details":{"reasoning_tokens":6}})"));
}

ChatAnswer answer_of(const std::vector<std::string>& chunks) {
  std::vector<WireEvent> events;
  for (const std::string& chunk : chunks) events.push_back({"", chunk});
  return collected(openai_chat(), events);
}

TEST(OpenAiChatUsage, MayStandInAnyChunkAndTheLastOneCounts) {
  const std::string delta = R"("choices":[{"index":0,"delta":{"content":"x"}}])";
  EXPECT_EQ(answer_of({"{" + delta + R"(,"usage":{"prompt_tokens":5,"completion_tokens":1}})",
                       "{" + delta + R"(,"usage":{"prompt_tokens":5,"completion_tokens":2}})", "{" + delta + "}"})
                .usage,
            (Usage{.input = 5, .output = 2}));
  EXPECT_EQ(
      answer_of({"{" + delta + R"(,"x_groq":{"id":"r","usage":{"prompt_tokens":5,"completion_tokens":2}}})"}).usage,
      (Usage{.input = 5, .output = 2}));
  EXPECT_EQ(
      answer_of({R"({"choices":[{"index":0,"delta":{},"usage":{"prompt_tokens":7,"completion_tokens":1}}]})"}).usage,
      (Usage{.input = 7, .output = 1}));
}

TEST(OpenAiChatUsage, IsWrittenOnceAtTheEnd) {
  ChatRequest request;
  request.stream = request.stream_usage = true;
  const auto events = written(openai_chat(), request, {"a", "m", 1},
                              {UsageEvent{{.input = 1}}, TextEvent{0, "x", {}, false}, UsageEvent{{.input = 2}},
                               FinishEvent{0, FinishReason::kStop, ""}});
  ASSERT_EQ(events.size(), 5U);
  EXPECT_THAT(events[3].data, HasSubstr(R"("choices":[],"usage":{"prompt_tokens":2)"));
}

// ---- vendors

TEST(OpenAiChatVendors, NumberToolCallsInTheirOwnWays) {
  const auto chunk = [](const std::string& calls) {
    return R"({"choices":[{"index":0,"delta":{"tool_calls":)" + calls + "}}]}";
  };
  const std::vector<ToolCall> two = {{"a", "f", "{\"x\":1}", ""}, {"b", "g", "{}", ""}};
  // OpenAI: a number, id and name once.
  EXPECT_EQ(answer_of({chunk(R"([{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}])"),
                       chunk(R"([{"index":0,"function":{"arguments":"{\"x\""}}])"),
                       chunk(R"([{"index":0,"function":{"arguments":":1}"}}])"),
                       chunk(R"([{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}}])")})
                .choices[0]
                .tool_calls,
            two);
  // The id and the name in every piece.
  EXPECT_EQ(answer_of({chunk(R"([{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}}])"),
                       chunk(R"([{"index":0,"id":"a","function":{"name":"f","arguments":":1}"}}])"),
                       chunk(R"([{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}}])")})
                .choices[0]
                .tool_calls,
            two);
  // No numbers, or 0 for all; whole calls, in one chunk or in two.
  const std::string f = R"("id":"a","function":{"name":"f","arguments":"{\"x\":1}"}})";
  const std::string g = R"("id":"b","function":{"name":"g","arguments":"{}"}})";
  for (const std::string number : {"{", "{\"index\":0,"}) {
    EXPECT_EQ(answer_of({chunk("[" + number + f + "," + number + g + "]")}).choices[0].tool_calls, two);
    EXPECT_EQ(answer_of({chunk("[" + number + f + "]"), chunk("[" + number + g + "]")}).choices[0].tool_calls, two);
  }
}

TEST(OpenAiChatVendors, TellThoughtsInTheirOwnWays) {
  const auto message = [](const std::string& members) {
    return openai_chat()
        .read_answer(R"({"choices":[{"index":0,"message":{"role":"assistant",)" + members +
                     R"(},"finish_reason":"stop"}]})")
        .choices[0];
  };
  const std::vector<Reasoning> plain = {{.text = "hm"}};
  EXPECT_EQ(message(R"("content":"a","reasoning_content":"hm")").reasoning, plain);
  EXPECT_EQ(message(R"("content":"a","reasoning":"hm")").reasoning, plain);
  const ChatChoice mistral =
      message(R"("content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"a"}])");
  EXPECT_EQ(mistral.reasoning, plain);
  EXPECT_EQ(mistral.text, "a");
  const ChatChoice router = message(
      R"("content":"a","reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm","signature":"s",)"
      R"("index":0},{"type":"reasoning.encrypted","data":"e","id":"rs_1","index":1}])");
  EXPECT_THAT(router.reasoning, ElementsAre(Reasoning{.text = "hm", .signature = "s"},
                                            Reasoning{.signature = "e", .redacted = true, .id = "rs_1"}));
}

TEST(OpenAiChatVendors, MayAddFieldsAndLeaveThemOut) {
  const ChatAnswer answer = openai_chat().read_answer(
      R"({"id":"x","x_vendor":1,"choices":[{"message":{"content":null,"tool_calls":[{"function":{"name":"f",)"
      R"("arguments":{"a":1}},"extra":2}],"annotations":[{"type":"url_citation"}]},"content_filter_results":{},)"
      R"("stop_reason":"END","finish_reason":"tool_use"}],"usage":{"prompt_tokens":1,"cost":0.1}})");
  EXPECT_THAT(answer.choices[0].tool_calls, ElementsAre(ToolCall{"", "f", R"({"a":1})", ""}));
  EXPECT_EQ(answer.choices[0].reason, FinishReason::kToolCalls);
  EXPECT_EQ(answer.choices[0].stop, "END");
  const ChatAnswer azure = answer_of(
      {R"({"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{}]})",
       R"({"choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"id":"c","model":"m","created":5})"});
  EXPECT_EQ(azure.head, (AnswerHead{"c", "m", 5}));
  for (const auto& [word, reason] :
       std::vector<std::pair<std::string, FinishReason>>{{"eos", FinishReason::kStop},
                                                         {"model_length", FinishReason::kLength},
                                                         {"error", FinishReason::kCancelled},
                                                         {"insufficient_system_resource", FinishReason::kCancelled}}) {
    EXPECT_EQ(answer_of({R"({"choices":[{"index":0,"delta":{},"finish_reason":")" + word + "\"}]}"}).choices[0].reason,
              reason);
  }
}

TEST(OpenAiChatVendors, KeepCallsOfCustomToolsAndSoundAsTheyCame) {
  const std::string body =
      R"({"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":null,"audio":{"id":"a"},)"
      R"("tool_calls":[{"id":"c","type":"custom","custom":{"name":"n","input":"i"}}]},"finish_reason":"tool_calls"}]})";
  const ChatAnswer answer = openai_chat().read_answer(body);
  EXPECT_EQ(answer.choices[0].natives.size(), 2U);
  EXPECT_EQ(openai_chat().read_answer(openai_chat().write_answer(answer)), answer);
  ChatAnswer foreign = answer;
  foreign.choices[0].natives[0].protocol = ProtocolName::kAnthropic;
  EXPECT_THROW((void)openai_chat().write_answer(foreign), Error);
}

TEST(OpenAiChatVendors, FailInTheirOwnWays) {
  struct Case {
    const char* chunk;
    FailureEvent failure;
  };
  const std::vector<Case> cases = {
      {R"({"error":{"message":"slow","type":"rate_limit_error","code":null}})",
       {ErrorCode::kOverloaded, "slow", "rate_limit_error"}},
      {R"({"error":{"message":"paid up","type":"insufficient_quota"}})",
       {ErrorCode::kOverloaded, "paid up", "insufficient_quota"}},
      {R"({"error":{"message":"x","type":"invalid_request_error","code":"invalid_api_key"}})",
       {ErrorCode::kUnauthorized, "x", "invalid_request_error"}},
      {R"({"error":{"message":"down","code":503}})", {ErrorCode::kUnavailable, "down", ""}},
      {R"({"error":"plain"})", {ErrorCode::kInternal, "plain", ""}},
      {R"({"object":"error","message":"old","type":"BadRequestError","code":400})",
       {ErrorCode::kInvalidInput, "old", "BadRequestError"}}};
  for (const Case& entry : cases) {
    EXPECT_EQ(openai_chat().event_reader()->read({"", entry.chunk}), std::vector<ChatEvent>{entry.failure})
        << entry.chunk;
  }
  for (const char* garbage : {"", "{}", "[]", "<html>", R"({"choices":{}})", R"({"choices":[{"index":-1}]})",
                              R"({"choices":[{"index":0,"delta":{"content":5}}]})"}) {
    EXPECT_THROW((void)openai_chat().event_reader()->read({"", garbage}), Error) << garbage;
  }
}

TEST(OpenAiChatErrors, GoOutAndComeBack) {
  const Error error = Error(ErrorCode::kOverloaded, "too much").about("model", "rate_limit_exceeded");
  const FailureEvent back = openai_chat().read_error(429, openai_chat().write_error(429, error));
  EXPECT_EQ(back, (FailureEvent{ErrorCode::kOverloaded, "too much", "rate_limit_error"}));
  EXPECT_EQ(openai_chat().read_error(400, R"({"message":"bad","type":"invalid"})").message, "bad");
  EXPECT_THAT(openai_chat().read_error(502, "<html>gone</html>").message, HasSubstr("<html>"));
  EXPECT_EQ(openai_chat().read_error(401, "").code, ErrorCode::kUnauthorized);
}

// ---- what the protocol cannot express

std::string field_of(const ChatRequest& request) {
  try {
    (void)openai_chat().write_request(request);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
    return error.field();
  }
  return "accepted";
}

TEST(OpenAiChatLimits, RefusesWhatItCannotExpress) {
  ChatRequest plain;
  plain.model = "m";
  plain.messages = {Message::of(Role::kUser, "hi")};
  const auto with_part = [&plain](Role role, auto other) {
    ChatRequest request = plain;
    request.messages[0].role = role;
    request.messages[0].content.emplace_back().other = std::move(other);
    return field_of(request);
  };
  EXPECT_EQ(field_of(plain), "accepted");
  EXPECT_EQ(with_part(Role::kUser, Media{.kind = Media::Kind::kImage, .file_id = "f"}), "messages[0].content[1]");
  EXPECT_EQ(with_part(Role::kUser, Media{.kind = Media::Kind::kAudio, .url = "https://a"}), "messages[0].content[1]");
  EXPECT_EQ(with_part(Role::kUser, Media{.kind = Media::Kind::kDocument, .url = "https://a"}),
            "messages[0].content[1]");
  EXPECT_EQ(with_part(Role::kUser, Native{ProtocolName::kAnthropic, {{"type", "x"}}}), "messages[0].content[1]");
  EXPECT_EQ(with_part(Role::kTool, Media{.media_type = "image/png", .data = "AA"}), "messages[0].content[1]");
  ChatRequest request = plain;
  request.messages.clear();
  EXPECT_EQ(field_of(request), "messages");
  request = plain;
  request.stop = {"a", "b", "c", "d", "e"};
  EXPECT_EQ(field_of(request), "stop");
  request = plain;
  request.tools = {{.native = Native{ProtocolName::kGemini, {{"googleSearch", Json::object()}}}}};
  EXPECT_EQ(field_of(request), "tools[0]");
  request = plain;
  request.extras["mcp_servers"] = {ProtocolName::kAnthropic, Json::array()};
  EXPECT_EQ(field_of(request), "mcp_servers");
  request = plain;
  request.prompt = "p";
  EXPECT_EQ(field_of(request), "prompt");
}

TEST(OpenAiChatLimits, NamesWhatItLeavesOut) {
  ChatRequest request;
  request.model = "m";
  Message thinking = Message::of(Role::kAssistant, "a");
  thinking.content.emplace_back().other = Reasoning{.text = "hm", .signature = "s"};
  thinking.tool_calls = {{"c", "f", "{}", "signature"}};
  Message result = Message::of(Role::kTool, "r");
  result.tool_call_id = "c";
  result.tool_failed = true;
  request.messages = {Message::of(Role::kUser, "hi"), thinking, result};
  request.messages[0].content[0].cache = "5m";
  request.reasoning = {.budget_tokens = 5, .show = true, .summary = "auto"};
  request.extras["speed"] = {ProtocolName::kAnthropic, "fast"};
  std::vector<std::string> dropped;
  const ChatRequest left = openai_chat().read_request(openai_chat().write_request(request, dropped));
  EXPECT_THAT(dropped, ::testing::UnorderedElementsAre("cache_control", "reasoning", "thought_signature", "is_error",
                                                       "reasoning.budget_tokens", "reasoning.show", "reasoning.summary",
                                                       "speed"));
  EXPECT_EQ(left.messages[1].text(), "a");
  EXPECT_EQ(left.messages[2].text(), "r");
}

TEST(OpenAiChatLimits, ReadsWhatClientsSendBackOfOtherProviders) {
  const ChatRequest request = openai_chat().read_request(
      R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hi",
          "cache_control":{"type":"ephemeral","ttl":"1h"}}]},
          {"role":"assistant","content":null,"reasoning_content":"hm","reasoning_details":[{"type":"reasoning.text",
           "text":"hm","signature":"s","index":0}],"tool_calls":[{"id":"c","type":"function","function":{"name":"f",
           "arguments":"{}"},"extra_content":{"google":{"thought_signature":"g"}}}]},
          {"role":"tool","tool_call_id":"c","content":"r"}]})");
  EXPECT_EQ(request.messages[0].content[0].cache, "1h");
  EXPECT_EQ(std::get<Reasoning>(request.messages[1].content[0].other), (Reasoning{.text = "hm", .signature = "s"}));
  EXPECT_EQ(request.messages[1].tool_calls[0].signature, "g");
  const std::string anthropic = anthropic_messages().write_request(request);
  EXPECT_THAT(anthropic, HasSubstr(R"("signature":"s")")) << "a signed thought survives a round of tool use";
}

}  // namespace
}  // namespace understudy
