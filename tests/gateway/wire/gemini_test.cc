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
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::written;

constexpr const char* kAgentTurn = R"({
  "systemInstruction": {"parts": [{"text": "You are a clerk."}]},
  "contents": [
    {"role": "user", "parts": [{"text": "What is in this?"},
      {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
      {"fileData": {"mimeType": "application/pdf", "fileUri": "https://files.example/v1/f1"}},
      {"fileData": {"mimeType": "video/mp4", "fileUri": "https://files.example/v1/f2"}}]},
    {"role": "model", "parts": [{"text": "I look.", "thought": true},
      {"functionCall": {"name": "weather", "args": {"city": "Rome"}}, "thoughtSignature": "c2ln"},
      {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}]},
    {"role": "user", "parts": [
      {"functionResponse": {"name": "weather", "response": {"output": "sunny"}}},
      {"functionResponse": {"name": "weather", "response": {"error": "no such city"}}}]},
    {"role": "model", "parts": [{"text": "Sunny.", "thoughtSignature": "dGV4dA=="}]},
    {"role": "user", "parts": [{"text": "Thanks."}]}],
  "tools": [{"functionDeclarations": [{"name": "weather", "description": "tells it", "parameters":
              {"type": "OBJECT", "properties": {"city": {"type": "STRING", "nullable": true}}, "required": ["city"]}}]},
            {"googleSearch": {}}],
  "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
  "generationConfig": {"temperature": 0.5, "topP": 0.9, "topK": 40, "maxOutputTokens": 256, "candidateCount": 2,
    "stopSequences": ["END"], "seed": -5, "presencePenalty": 0.5, "responseLogprobs": true, "logprobs": 3,
    "responseMimeType": "application/json", "responseSchema": {"type": "OBJECT"},
    "thinkingConfig": {"thinkingBudget": 128, "includeThoughts": true}, "mediaResolution": "MEDIA_RESOLUTION_LOW"},
  "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]})";

std::string field_of_read(const std::string& body) {
  try {
    (void)gemini().read_request(body);
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

TEST(Gemini, ReadsAnAgentsTurn) {
  const ChatRequest request = gemini().read_request(kAgentTurn);
  ASSERT_THAT(request.messages, SizeIs(7));
  EXPECT_EQ(request.messages[0].role, Role::kSystem);
  EXPECT_EQ(std::get<Media>(request.messages[1].content[1].other).kind, Media::Kind::kImage);
  EXPECT_EQ(std::get<Media>(request.messages[1].content[2].other).kind, Media::Kind::kDocument);
  EXPECT_TRUE(std::holds_alternative<Native>(request.messages[1].content[3].other));
  const Message& model = request.messages[2];
  EXPECT_EQ(std::get<Reasoning>(model.content[0].other), Reasoning{.text = "I look."});
  EXPECT_THAT(model.tool_calls, ElementsAre(ToolCall{"call_0", "weather", R"({"city":"Rome"})", "c2ln"},
                                            ToolCall{"call_1", "weather", R"({"city":"Oslo"})", ""}));
  EXPECT_EQ(request.messages[3].tool_call_id, "call_0");
  EXPECT_EQ(request.messages[3].text(), "sunny");
  EXPECT_EQ(request.messages[4].tool_call_id, "call_1");
  EXPECT_TRUE(request.messages[4].tool_failed);
  EXPECT_EQ(std::get<Reasoning>(request.messages[5].content[1].other), Reasoning{.signature = "dGV4dA=="});
  EXPECT_EQ(request.tools[0].parameters, Json({{"type", "object"},
                                               {"properties", {{"city", {{"type", {"string", "null"}}}}}},
                                               {"required", Json::array({"city"})}}));
  EXPECT_EQ(request.tool_choice, (ToolChoice{ToolChoice::Mode::kNamed, "weather"}));
  EXPECT_EQ(request.response_format.kind, ResponseFormat::Kind::kJsonSchema);
  EXPECT_EQ(request.n, 2);
  EXPECT_EQ(request.top_logprobs, 3);
  EXPECT_EQ(request.reasoning.budget_tokens, 128);
}

TEST(Gemini, WritesTheAgentsTurnAgain) {
  const ChatRequest request = gemini().read_request(kAgentTurn);
  std::vector<std::string> dropped;
  const std::string body = gemini().write_request(request, dropped);
  EXPECT_THAT(dropped, IsEmpty());
  EXPECT_EQ(gemini().read_request(body), request);
  const Json json = parse_json(body, "");
  EXPECT_EQ(json["contents"][1]["parts"][1]["thoughtSignature"], "c2ln");  // unchanged through a round of tool use
  EXPECT_EQ(json["generationConfig"]["mediaResolution"], "MEDIA_RESOLUTION_LOW");
  EXPECT_THAT(json["contents"][2]["parts"], SizeIs(2));
}

TEST(Gemini, ReadsSnakeCaseToo) {
  const ChatRequest request = gemini().read_request(R"({"system_instruction": {"parts": [{"text": "a"}]},
    "contents": [{"parts": [{"inline_data": {"mime_type": "image/png", "data": "AAAA"}}]}],
    "generation_config": {"max_output_tokens": 5, "response_mime_type": "application/json"}})");
  EXPECT_EQ(request.messages[0].text(), "a");
  EXPECT_EQ(std::get<Media>(request.messages[1].content[0].other).media_type, "image/png");
  EXPECT_EQ(request.max_tokens, 5);
  EXPECT_EQ(request.response_format.kind, ResponseFormat::Kind::kJsonObject);
}

TEST(Gemini, ReadsBackEveryRandomRequestThatItWrites) {
  for (int seed = 0; seed < testing::fuzz_count(300); ++seed) {
    Random random(static_cast<uint64_t>(seed));
    ChatRequest request = testing::random_request(random);
    if (random.chance(0.3)) request.n = 3;
    if (random.chance(0.3)) request.sampling.seed = static_cast<uint64_t>(random.between(-9, 9));
    if (random.chance(0.3)) request.sampling.frequency_penalty = -0.5;
    if (random.chance(0.3)) request.reasoning.effort = "low";
    if (random.chance(0.3)) request.reasoning.show = random.chance(0.5);
    if (random.chance(0.3)) request.logprobs = true;
    if (request.response_format.kind == ResponseFormat::Kind::kText && random.chance(0.3)) {
      request.response_format.kind = ResponseFormat::Kind::kJsonObject;
    }
    EXPECT_EQ(gemini().read_request(gemini().write_request(request)), request) << "seed " << seed;
  }
}

TEST(Gemini, RefusesWhatItCannotExpressByTheFieldsName) {
  const auto refused = [](const auto& change) {
    ChatRequest request;
    request.messages = {Message::of(Role::kUser, "hi")};
    request.tools = {{.name = "f", .parameters = Json::object()}};
    change(request);
    return field_of_write(gemini(), request);
  };
  EXPECT_EQ(refused([](ChatRequest& r) { r.sampling.logit_bias = {{1, 2.0F}}; }), "logit_bias");
  EXPECT_EQ(refused([](ChatRequest& r) { r.sampling.min_p = 0.5; }), "min_p");
  EXPECT_EQ(refused([](ChatRequest& r) { r.sampling.seed = uint64_t{1} << 40; }), "seed");
  EXPECT_EQ(refused([](ChatRequest& r) { r.parallel_tool_calls = false; }), "parallel_tool_calls");
  EXPECT_EQ(refused([](ChatRequest& r) { r.prompt = "a"; }), "prompt");
  EXPECT_EQ(refused([](ChatRequest& r) { r.messages.push_back(Message::of(Role::kSystem, "late")); }),
            "messages[1].role");
  EXPECT_EQ(refused([](ChatRequest& r) {
              r.messages[0].content.emplace_back().other = Media{.kind = Media::Kind::kImage, .file_id = "file-1"};
            }),
            "messages[0].content[1]");
  EXPECT_EQ(refused([](ChatRequest& r) { r.messages.push_back(Message::of(Role::kTool, "of no call")); }),
            "messages[1].tool_call_id");
  EXPECT_EQ(refused([](ChatRequest& r) { r.n = 3; }), "accepted");
}

TEST(Gemini, TakesARequestOfAnthropics) {
  const ChatRequest asked = anthropic_messages().read_request(R"({"model": "m", "max_tokens": 7,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [{"role": "user", "content": "hi"},
      {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}]},
      {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "ok"},
                                   {"type": "text", "text": "so?"}]}],
    "tools": [{"name": "f", "input_schema": {"type": "object"}}], "metadata": {"user_id": "u"}})");
  std::vector<std::string> dropped;
  ChatRequest expected = asked;
  expected.model.clear();  // the path has it
  expected.user.clear();
  expected.messages[0].content[0].cache.clear();
  EXPECT_EQ(gemini().read_request(gemini().write_request(asked, dropped)), expected);
  EXPECT_THAT(dropped, ElementsAre("cache_control", "user"));
}

TEST(Gemini, ItsOwnPartsAreRefusedTowardsOthers) {
  EXPECT_NE(field_of_write(openai_chat(), gemini().read_request(kAgentTurn)), "accepted");
  EXPECT_EQ(field_of_write(anthropic_messages(),
                           gemini().read_request(
                               R"({"contents": [{"parts": [{"text": "a"}]}], "tools": [{"googleSearch": {}}]})")),
            "tools[0]");
  EXPECT_EQ(field_of_write(anthropic_messages(),
                           gemini().read_request(
                               R"({"contents": [{"parts": [{"text": "a"}]}], "cachedContent": "cachedContents/1"})")),
            "cachedContent");
}

TEST(Gemini, NamesTheFieldOfWhatItDoesNotRead) {
  EXPECT_EQ(field_of_read("{}"), "contents");
  EXPECT_EQ(field_of_read(R"({"contents": [{"role": "assistant", "parts": []}]})"), "contents[0].role");
  EXPECT_EQ(field_of_read(R"({"contents": [{"parts": []}], "generationConfig": {"topK": "a"}})"),
            "generationConfig.topK");
  EXPECT_EQ(field_of_read(R"({"contents": [{"parts": []}], "contants": 1})"), "contants");
  EXPECT_EQ(field_of_read(R"({"contents": [{"parts": []}], "generationConfig": {"responseMimeType": "text/x.enum"}})"),
            "generationConfig.responseMimeType");
}

// ---- answers

constexpr const char* kAnswer = R"({"candidates": [{"content": {"parts": [
    {"text": "hm", "thought": true}, {"text": "I look."},
    {"functionCall": {"name": "weather", "args": {"city": "Rome"}}, "thoughtSignature": "c2ln"}], "role": "model"},
    "finishReason": "STOP", "index": 0, "safetyRatings": [], "groundingMetadata": {"webSearchQueries": ["x"]}}],
  "usageMetadata": {"promptTokenCount": 100, "cachedContentTokenCount": 60, "candidatesTokenCount": 7,
    "thoughtsTokenCount": 5, "toolUsePromptTokenCount": 2, "totalTokenCount": 114, "promptTokensDetails": []},
  "modelVersion": "gemini-2.5-pro", "responseId": "r1"})";

TEST(Gemini, ReadsAnAnswerWithItsDisjointUsage) {
  const ChatAnswer answer = gemini().read_answer(kAnswer);
  EXPECT_EQ(answer.head, (AnswerHead{"r1", "gemini-2.5-pro", 0}));
  const ChatChoice& choice = answer.choices.at(0);
  EXPECT_EQ(choice.text, "I look.");
  EXPECT_THAT(choice.reasoning, ElementsAre(Reasoning{.text = "hm"}));
  EXPECT_THAT(choice.tool_calls, ElementsAre(ToolCall{"call_r1_0", "weather", R"({"city":"Rome"})", "c2ln"}));
  EXPECT_THAT(choice.natives, SizeIs(1));
  EXPECT_EQ(choice.reason, FinishReason::kToolCalls);
  EXPECT_EQ(answer.usage, (Usage{.input = 42, .cached_input = 60, .output = 7, .reasoning = 5}));
  EXPECT_EQ(gemini().read_answer(gemini().write_answer(answer)), answer);
}

TEST(Gemini, CountsAreNeverBelowZeroNorPastTheirType) {
  Json body = parse_json(kAnswer, "");
  body["usageMetadata"] = {{"promptTokenCount", 3}, {"cachedContentTokenCount", 9}};
  EXPECT_EQ(gemini().read_answer(dump_json(body)).usage, (Usage{.input = 0, .cached_input = 3}));
  for (const Json& count : {Json(-1), Json(INT64_MAX), Json(UINT64_MAX), Json(1.5), Json("1")}) {
    body["usageMetadata"] = {{"promptTokenCount", count}};
    EXPECT_THROW((void)gemini().read_answer(dump_json(body)), Error) << count;
  }
}

TEST(Gemini, ACallWithoutArgumentsHasAnObjectWithoutMembers) {
  ChatAnswer answer;
  answer.choices = {{.reason = FinishReason::kToolCalls, .tool_calls = {{"c1", "f", "", ""}}}};
  EXPECT_EQ(gemini().read_answer(gemini().write_answer(answer)).choices[0].tool_calls[0].arguments, "{}");
  answer.choices[0].tool_calls[0].arguments = "[1]";
  EXPECT_THROW((void)gemini().write_answer(answer), Error);
}

TEST(Gemini, FinishReasonsThatWithholdAreNoProperEnd) {
  for (const char* word : {"SAFETY", "RECITATION", "BLOCKLIST", "MALFORMED_FUNCTION_CALL", "OTHER"}) {
    Json body = parse_json(kAnswer, "");
    body["candidates"][0]["finishReason"] = word;
    EXPECT_EQ(gemini().read_answer(dump_json(body)).choices[0].reason, FinishReason::kContentFilter) << word;
  }
  const ChatAnswer blocked = gemini().read_answer(
      R"({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}})");
  EXPECT_EQ(blocked.choices.at(0).reason, FinishReason::kContentFilter);
  EXPECT_EQ(blocked.usage.input, 4);
}

TEST(Gemini, ReadsBackEveryRandomAnswerAndStreamThatItWrites) {
  for (int seed = 0; seed < testing::fuzz_count(300); ++seed) {
    Random random(static_cast<uint64_t>(seed));
    ChatAnswer answer;
    answer.head = {"r1", "gemini", 0};
    for (int64_t n = random.between(1, 3); n > 0; --n) {
      ChatChoice choice = testing::random_choice(random);
      for (ToolCall& call : choice.tool_calls) call.signature = random.chance(0.5) ? "c2ln" : "";
      if (random.chance(0.4)) choice.reasoning.push_back({.text = testing::random_text(random), .signature = "AA=="});
      if (random.chance(0.4)) choice.reasoning.push_back({.text = testing::random_text(random)});
      if (choice.tool_calls.empty() && !choice.text.empty() && random.chance(0.3)) {
        choice.logprobs = {{{"a", -0.5}, {{"a", -0.5}, {"b", -1.5}}}, {{"c", -1}, {}}};
      }
      if (random.chance(0.2)) {
        choice.natives = {{ProtocolName::kGemini, {{"executableCode", {{"language", "PYTHON"}, {"code", "1"}}}}},
                          {ProtocolName::kGemini, {{"groundingMetadata", {{"x", 1}}}}}};
      }
      answer.choices.push_back(std::move(choice));
    }
    answer.usage = {.input = random.between(0, 99),
                    .cached_input = random.between(0, 99),
                    .output = random.between(0, 99),
                    .reasoning = random.between(0, 9)};
    EXPECT_EQ(gemini().read_answer(gemini().write_answer(answer)), answer) << "seed " << seed;
    const auto events = written(gemini(), {}, answer.head, testing::random_stream(answer, random));
    const auto verdict = check_stream(ProtocolName::kGemini, events);
    EXPECT_EQ(verdict.fault, "") << "seed " << seed;
    EXPECT_TRUE(verdict.is_complete) << "seed " << seed;
    EXPECT_EQ(collected(gemini(), events), answer) << "seed " << seed;
  }
}

// ---- streams

const std::vector<std::string> kStream = {
    R"({"candidates":[{"content":{"parts":[{"text":"Let me ","thought":true}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":9},"modelVersion":"gemini","responseId":"r1"})",
    R"({"candidates":[{"content":{"parts":[{"text":"see.","thought":true}],"role":"model"},"index":0}],"responseId":"r1"})",
    R"({"candidates":[{"content":{"parts":[{"text":"Sun"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":1},"responseId":"r1"})",
    R"({"candidates":[{"content":{"parts":[{"text":"ny."},{"functionCall":{"name":"f","args":{}}}],"role":"model"},"index":0}],"responseId":"r1"})",
    R"({"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"c2ln"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":5,"thoughtsTokenCount":4},"responseId":"r1"})"};

TEST(Gemini, ReadsAPublishedStream) {
  const auto reader = gemini().event_reader();
  ChatAnswer answer;
  int n_usages = 0;
  for (const std::string& data : kStream) {
    EXPECT_FALSE(reader->is_complete());
    for (const ChatEvent& event : reader->read({"", data})) {
      collect(event, answer);
      n_usages += std::holds_alternative<UsageEvent>(event) ? 1 : 0;
    }
  }
  EXPECT_TRUE(reader->is_complete());
  EXPECT_EQ(n_usages, 1);
  const ChatChoice& choice = answer.choices.at(0);
  EXPECT_EQ(choice.text, "Sunny.");
  EXPECT_THAT(choice.reasoning, ElementsAre(Reasoning{.text = "Let me see."}, Reasoning{.signature = "c2ln"}));
  EXPECT_THAT(choice.tool_calls, ElementsAre(ToolCall{"call_r1_0", "f", "{}", ""}));
  EXPECT_EQ(choice.reason, FinishReason::kToolCalls);
  EXPECT_EQ(answer.usage, (Usage{.input = 9, .output = 5, .reasoning = 4}));
}

TEST(Gemini, AFailureEndsAStreamWithTheProtocolsError) {
  const auto events = written(gemini(), {}, {"r1", "m", 0},
                              {TextEvent{0, "a", {}, false}, FailureEvent{ErrorCode::kOverloaded, "busy", ""}});
  const auto verdict = check_stream(ProtocolName::kGemini, events);
  EXPECT_EQ(verdict.fault, "");
  EXPECT_TRUE(verdict.has_failed);
  EXPECT_FALSE(verdict.is_complete);
  const auto said = gemini().event_reader()->read(events.back());
  ASSERT_THAT(said, SizeIs(1));
  EXPECT_EQ(std::get<FailureEvent>(said[0]), (FailureEvent{ErrorCode::kOverloaded, "busy", "RESOURCE_EXHAUSTED"}));
}

TEST(Gemini, ErrorsHaveTheWordOfTheirStatus) {
  const std::pair<int, const char*> kWords[] = {
      {400, "INVALID_ARGUMENT"}, {401, "UNAUTHENTICATED"},  {403, "PERMISSION_DENIED"},
      {404, "NOT_FOUND"},        {413, "INVALID_ARGUMENT"}, {429, "RESOURCE_EXHAUSTED"},
      {500, "INTERNAL"},         {503, "UNAVAILABLE"},      {529, "UNAVAILABLE"}};
  for (const auto& [status, word] : kWords) {
    const std::string body = gemini().write_error(status, Error(ErrorCode::kInternal, "why"));
    EXPECT_EQ(parse_json(body, ""), Json({{"error", {{"code", status}, {"message", "why"}, {"status", word}}}}));
    EXPECT_EQ(gemini().read_error(status, body), (FailureEvent{error_code_of_status(status), "why", word}));
    EXPECT_EQ(gemini().read_error(status, "[" + body + "]"), (FailureEvent{error_code_of_status(status), "why", word}));
  }
}

// ---- strangers

TEST(Gemini, EveryMutatedRequestIsReadOrRefused) {
  Random random(7);
  int n_read = 0;
  for (int i = 0; i < testing::fuzz_count(1500); ++i) {
    const std::string body = testing::mutated(kAgentTurn, random);
    try {
      const ChatRequest request = gemini().read_request(body);
      ++n_read;
      const ChatRequest again = gemini().read_request(gemini().write_request(request));
      EXPECT_EQ(gemini().read_request(gemini().write_request(again)), again) << i << ": " << body;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidInput) << body;
    }
  }
  EXPECT_GT(n_read, 0);
}

TEST(Gemini, EveryMutatedStreamIsReadOrRefused) {
  Random random(8);
  for (int i = 0; i < testing::fuzz_count(500); ++i) {
    const auto reader = gemini().event_reader();
    try {
      for (const std::string& data : kStream) {
        (void)reader->read({"", random.chance(0.3) ? testing::mutated(data, random) : data});
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidInput) << i;
    }
  }
}

}  // namespace
}  // namespace understudy
