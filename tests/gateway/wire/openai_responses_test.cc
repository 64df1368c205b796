#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "gateway/wire/protocol.h"
#include "tests/fuzz/protocol_fuzz.h"
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

constexpr ProtocolName kHere = ProtocolName::kOpenAiResponses;

const Protocol& responses() {
  return openai_responses();
}

std::string request_with(const Json& fields) {
  Json body = {{"model", "m"}, {"input", "hi"}};
  for (const auto& [key, value] : fields.items()) body[key] = value;
  return dump_json(body);
}

ChatRequest plain_request() {
  ChatRequest request;
  request.model = "m";
  request.messages = {Message::of(Role::kUser, "hi")};
  return request;
}

template <class Call>
std::string field_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.field();
  }
  return "accepted";
}
std::string field_of_read(const std::string& body) {
  return field_of([&] { (void)responses().read_request(body); });
}
std::string field_of_write(const Protocol& protocol, const ChatRequest& request) {
  return field_of([&] { (void)protocol.write_request(request); });
}

// ---- requests

// A round of tool use as an agent sends it that keeps nothing at the provider.
constexpr const char* kAgentTurn = R"({"model": "gpt-5", "instructions": "Be brief.", "store": false, "stream": true,
  "input": [
    {"role": "developer", "content": [{"type": "input_text", "text": "In German."}]},
    {"type": "message", "role": "user", "content": [
      {"type": "input_text", "text": "What is it?"},
      {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
      {"type": "input_image", "file_id": "file-1"},
      {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,CC"},
      {"type": "input_file", "file_url": "https://a.example/b.pdf"}]},
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "One."},
      {"type": "summary_text", "text": "Two."}], "encrypted_content": "c2VjcmV0", "status": null},
    {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [
      {"type": "output_text", "text": "I look.", "annotations": [], "logprobs": []}]},
    {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "arguments": "{\"a\":1}",
     "status": "completed"},
    {"type": "function_call", "call_id": "call_2", "name": "time", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
    {"type": "function_call_output", "call_id": "call_2", "output": [
      {"type": "input_text", "text": "noon"}, {"type": "input_image", "image_url": "https://a.example/c.png"}]},
    {"role": "assistant", "content": "Fine."},
    {"type": "reasoning", "encrypted_content": "c2VjcmV0"},
    {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}],
  "tools": [{"type": "function", "name": "weather", "description": "tells it", "strict": true,
             "parameters": {"type": "object"}},
            {"type": "function", "name": "time", "parameters": null, "strict": false}],
  "tool_choice": {"type": "function", "name": "weather"}, "parallel_tool_calls": false,
  "text": {"format": {"type": "json_schema", "name": "n", "strict": true, "schema": {"type": "object"}},
           "verbosity": "low"},
  "reasoning": {"effort": "high", "summary": "auto"}, "max_output_tokens": 99, "top_logprobs": 2,
  "include": ["reasoning.encrypted_content", "message.output_text.logprobs"], "truncation": "disabled",
  "background": false, "prompt_cache_key": "k", "temperature": 0.5, "top_p": 1, "user": "u", "metadata": {"a": "b"}})";

TEST(OpenAiResponses, ReadsAnAgentsTurn) {
  const ChatRequest request = responses().read_request(kAgentTurn);
  ASSERT_THAT(request.messages, SizeIs(8));
  EXPECT_EQ(request.messages[0], Message::of(Role::kSystem, "Be brief."));
  EXPECT_EQ(request.messages[1], Message::of(Role::kDeveloper, "In German."));
  const auto media = [&](size_t part) { return std::get<Media>(request.messages[2].content.at(part).other); };
  EXPECT_EQ(media(1), (Media{.media_type = "image/png", .data = "AAAA", .detail = "low"}));
  EXPECT_EQ(media(2), (Media{.file_id = "file-1"}));
  EXPECT_EQ(media(3),
            (Media{.kind = Media::Kind::kDocument, .media_type = "application/pdf", .data = "CC", .name = "a.pdf"}));
  EXPECT_EQ(media(4), (Media{.kind = Media::Kind::kDocument, .url = "https://a.example/b.pdf"}));
  const Message& turn = request.messages[3];
  EXPECT_EQ(std::get<Reasoning>(turn.content.at(0).other),
            (Reasoning{.text = "One.\n\nTwo.", .signature = "c2VjcmV0", .id = "rs_1"}));
  EXPECT_EQ(turn.content.at(1), ContentPart::of("I look."));
  EXPECT_THAT(turn.tool_calls,
              ElementsAre(ToolCall{"call_1", "weather", "{\"a\":1}", ""}, ToolCall{"call_2", "time", "{}", ""}));
  EXPECT_EQ(request.messages[4].tool_call_id, "call_1");
  EXPECT_THAT(request.messages[5].content, SizeIs(2));
  EXPECT_EQ(request.messages[6], Message::of(Role::kAssistant, "Fine."));
  EXPECT_THAT(request.messages[7].content, SizeIs(2));
  EXPECT_TRUE(request.messages[7].content[1].refusal);
  EXPECT_TRUE(request.logprobs);
  EXPECT_EQ(request.tools[1].parameters, Json::object());
  EXPECT_EQ(request.extras.at("include").value, Json::array({"reasoning.encrypted_content"}));
  EXPECT_EQ(responses().read_request(responses().write_request(request)), request);
}

TEST(OpenAiResponses, ReadsBackEveryRandomRequestThatItWrites) {
  for (int seed = 0; seed < testing::fuzz_count(300); ++seed) {
    Random random(static_cast<uint64_t>(seed));
    ChatRequest request = testing::random_request(random);
    request.model = "m";
    request.sampling.top_k.reset();
    request.stop.clear();
    for (Message& message : request.messages) message.tool_failed = false;
    if (request.response_format.kind == ResponseFormat::Kind::kJsonSchema) request.response_format.name = "answer";
    if (random.chance(0.3)) request.reasoning = {.effort = "low", .summary = random.chance(0.5) ? "detailed" : ""};
    if (random.chance(0.3)) request.parallel_tool_calls = random.chance(0.5);
    if (random.chance(0.3)) request.logprobs = true;
    if (request.logprobs) request.top_logprobs = static_cast<int>(random.below(5));
    if (random.chance(0.3)) request.extras["previous_response_id"] = {kHere, "resp_1"};
    if (random.chance(0.3)) request.extras["include"] = {kHere, Json::array({"reasoning.encrypted_content"})};
    if (random.chance(0.3)) request.extras["verbosity"] = {kHere, "high"};
    if (random.chance(0.3)) request.tools.emplace_back().native = Native{kHere, {{"type", "web_search"}}};
    request.stream = request.stream_usage = random.chance(0.5);
    EXPECT_EQ(responses().read_request(responses().write_request(request)), request) << "seed " << seed;
  }
}

// Every hop from another protocol's application to a target that speaks only this one.
TEST(OpenAiResponses, TakesARequestOfChatCompletions) {
  const ChatRequest asked = openai_chat().read_request(R"({"model": "m", "store": true,
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "name": "ann", "content": "hi"},
      {"role": "assistant", "content": null, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]},
      {"role": "tool", "tool_call_id": "c1", "content": "ok"}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "response_format": {"type": "json_object"}, "max_tokens": 7, "reasoning_effort": "low"})");
  std::vector<std::string> dropped;
  const Json body = parse_json(responses().write_request(asked, dropped), "");
  EXPECT_EQ(body, parse_json(R"({"model": "m", "instructions": "Be brief.", "input": [
      {"type": "message", "role": "user", "content": "hi"},
      {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}"},
      {"type": "function_call_output", "call_id": "c1", "output": "ok"}],
    "max_output_tokens": 7,
    "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": false}],
    "text": {"format": {"type": "json_object"}}, "reasoning": {"effort": "low"}})",
                             ""));
  EXPECT_THAT(dropped, ElementsAre("name", "store"));
}

TEST(OpenAiResponses, ItsOwnIsRefusedTowardsOthersByName) {
  const auto towards_chat = [](const Json& fields) {
    return field_of_write(openai_chat(), responses().read_request(request_with(fields)));
  };
  EXPECT_EQ(towards_chat({{"previous_response_id", "resp_1"}}), "previous_response_id");
  EXPECT_EQ(towards_chat({{"conversation", "conv_1"}}), "conversation");
  EXPECT_EQ(towards_chat({{"background", true}}), "background");
  EXPECT_EQ(towards_chat({{"truncation", "auto"}}), "truncation");
  EXPECT_EQ(towards_chat({{"prompt", {{"id", "p"}}}}), "prompt");
  EXPECT_EQ(towards_chat({{"tools", {{{"type", "web_search"}}}}}), "tools[0]");
  EXPECT_EQ(towards_chat({{"tool_choice", {{"type", "allowed_tools"}}}}), "tool_choice");
  EXPECT_EQ(towards_chat({{"input", {{{"type", "item_reference"}, {"id", "msg_1"}}}}}), "messages[0].content[0]");
  EXPECT_EQ(towards_chat({{"input", {{{"role", "user"}, {"content", {{{"type", "input_video"}}}}}}}}),
            "messages[0].content[0]");
  EXPECT_EQ(towards_chat({{"background", false},
                          {"truncation", "disabled"},
                          {"store", true},
                          {"max_tool_calls", 3},
                          {"include", {"reasoning.encrypted_content"}}}),
            "accepted");
}

TEST(OpenAiResponses, VerbosityIsTheSameInChatAndNowhereElse) {
  const ChatRequest here = responses().read_request(request_with({{"text", {{"verbosity", "low"}}}}));
  const Json chat = parse_json(openai_chat().write_request(here), "chat");
  EXPECT_EQ(chat["verbosity"], "low");
  const Json back = parse_json(responses().write_request(openai_chat().read_request(dump_json(chat))), "back");
  EXPECT_EQ(back["text"], (Json{{"verbosity", "low"}}));
  EXPECT_EQ(field_of_write(anthropic_messages(), here), "verbosity");
  EXPECT_EQ(field_of_write(gemini(), here), "verbosity");
}

TEST(OpenAiResponses, RefusesWhatItCannotExpressByTheFieldsName) {
  const auto refused = [](const auto& change) {
    ChatRequest request = plain_request();
    change(request);
    return field_of_write(responses(), request);
  };
  EXPECT_EQ(refused([](ChatRequest& r) { r.n = 2; }), "n");
  EXPECT_EQ(refused([](ChatRequest& r) { r.stop = {"x"}; }), "stop");
  EXPECT_EQ(refused([](ChatRequest& r) { r.prompt = "x"; }), "prompt");
  EXPECT_EQ(refused([](ChatRequest& r) { r.messages.clear(); }), "messages");
  EXPECT_EQ(refused([](ChatRequest& r) { r.top_logprobs = 21; }), "top_logprobs");
  EXPECT_EQ(refused([](ChatRequest& r) { r.sampling.seed = 1; }), "seed");
  EXPECT_EQ(refused([](ChatRequest& r) { r.sampling.top_k = 1; }), "top_k");
  EXPECT_EQ(refused([](ChatRequest& r) { r.sampling.presence_penalty = 1; }), "presence_penalty");
  EXPECT_EQ(refused([](ChatRequest& r) { r.sampling.logit_bias = {{1, 1.0F}}; }), "logit_bias");
  EXPECT_EQ(refused([](ChatRequest& r) {
              r.messages[0].content.emplace_back().other =
                  Media{.kind = Media::Kind::kAudio, .media_type = "audio/wav", .data = "AA"};
            }),
            "messages[0].content[1]");
  EXPECT_EQ(refused([](ChatRequest& r) {
              r.extras["web_search_options"] = {ProtocolName::kOpenAiChat, 1};
            }),
            "web_search_options");
  EXPECT_EQ(refused([](ChatRequest& r) { r.sampling.presence_penalty = 0; }), "accepted");
}

TEST(OpenAiResponses, NamesTheFieldOfWhatItDoesNotRead) {
  EXPECT_EQ(field_of_read(R"({"model": "m"})"), "input");
  EXPECT_EQ(field_of_read(R"({"model": "m", "previous_response_id": "resp_1"})"), "accepted");
  EXPECT_EQ(field_of_read(request_with({{"input", Json::array()}})), "input");
  EXPECT_EQ(field_of_read(request_with({{"messages", Json::array()}})), "messages");
  EXPECT_EQ(field_of_read(request_with({{"stop", "x"}})), "stop");
  EXPECT_EQ(field_of_read(request_with({{"temperature", 3}})), "temperature");
  EXPECT_EQ(field_of_read(request_with({{"max_output_tokens", 0}})), "max_output_tokens");
  EXPECT_EQ(field_of_read(request_with({{"input", {{{"role", "tool"}, {"content", "x"}}}}})), "input[0].role");
  EXPECT_EQ(field_of_read(request_with({{"input", {{{"type", "function_call"}, {"name", "f"}}}}})), "input[0].call_id");
  EXPECT_EQ(field_of_read(request_with({{"input", {{{"role", "user"}, {"content", {{{"type", "input_image"}}}}}}}})),
            "input[0].content[0].image_url");
  EXPECT_EQ(field_of_read(request_with({{"text", {{"format", {{"type", "xml"}}}}}})), "text.format.type");
  EXPECT_EQ(field_of_read(request_with({{"tool_choice", "some"}})), "tool_choice");
  EXPECT_EQ(field_of_read(request_with({{"include", {1}}})), "include");
}

// What another provider thought and signed goes to the application and comes back as it was; OpenAI's own thoughts go
// to nobody else, also where the application leaves their id out.
TEST(OpenAiResponses, ThoughtsComeBackAsTheirProviderSignedThem) {
  ChatAnswer answer;
  answer.head = {"resp_1", "m", 7};
  answer.choices = {{.reasoning = {{.text = "hm", .signature = "c2ln"}, {.signature = "ZGF0YQ==", .redacted = true}},
                     .tool_calls = {{"c1", "f", "{}", "Z29v"}}}};
  Json input = parse_json(responses().write_answer(answer), "")["output"];
  for (Json& item : input) item.erase("id");
  const ChatRequest request = responses().read_request(request_with({{"input", input}}));
  ASSERT_THAT(request.messages, SizeIs(1));
  EXPECT_EQ(std::get<Reasoning>(request.messages[0].content.at(0).other), answer.choices[0].reasoning[0]);
  EXPECT_EQ(std::get<Reasoning>(request.messages[0].content.at(1).other), answer.choices[0].reasoning[1]);
  EXPECT_EQ(request.messages[0].tool_calls, answer.choices[0].tool_calls);
  std::vector<std::string> dropped;
  (void)responses().write_request(request, dropped);
  EXPECT_THAT(dropped, ElementsAre("reasoning", "thought_signature"));
  const Json theirs = parse_json(anthropic_messages().write_request(request), "")["messages"][0]["content"];
  EXPECT_EQ(theirs[0]["signature"], "c2ln");
  EXPECT_EQ(theirs[1]["data"], "ZGF0YQ==");
  const Json own = {{{"type", "reasoning"}, {"summary", Json::array()}, {"encrypted_content", "c2VjcmV0"}},
                    {{"role", "assistant"}, {"content", "a"}}};
  dropped.clear();
  (void)anthropic_messages().write_request(responses().read_request(request_with({{"input", own}})), dropped);
  EXPECT_THAT(dropped, ElementsAre("reasoning"));
}

// ---- answers

constexpr const char* kAnswer =
    R"({"id": "resp_1", "object": "response", "created_at": 1700000000, "status": "completed",
  "error": null, "incomplete_details": null, "model": "gpt-5", "output": [
    {"type": "reasoning", "id": "rs_0", "summary": []},
    {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}],
     "encrypted_content": "c2VjcmV0"},
    {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [
      {"type": "output_text", "text": "Grüße", "annotations": [{"type": "url_citation", "url": "https://a.example"}],
       "logprobs": [{"token": "Gr", "logprob": -0.5, "bytes": [71, 114], "top_logprobs": []}]}]},
    {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}",
     "status": "completed"},
    {"type": "web_search_call", "id": "ws_1", "status": "completed"}],
  "usage": {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 12,
            "output_tokens_details": {"reasoning_tokens": 8}, "total_tokens": 22}})";

TEST(OpenAiResponses, ReadsAnAnswerWithItsDisjointUsage) {
  const ChatAnswer answer = responses().read_answer(kAnswer);
  EXPECT_EQ(answer.head, (AnswerHead{"resp_1", "gpt-5", 1700000000}));
  const ChatChoice& choice = answer.choices.at(0);
  EXPECT_EQ(choice.text, "Grüße");
  EXPECT_THAT(choice.reasoning, ElementsAre(Reasoning{.text = "hm", .signature = "c2VjcmV0", .id = "rs_1"}));
  EXPECT_THAT(choice.tool_calls, ElementsAre(ToolCall{"call_1", "f", "{}", ""}));
  EXPECT_THAT(choice.natives, SizeIs(2));
  EXPECT_THAT(choice.logprobs, ElementsAre(TokenLogprobs{{"Gr", -0.5}, {}}));
  EXPECT_EQ(choice.reason, FinishReason::kToolCalls);
  EXPECT_EQ(answer.usage, (Usage{.input = 6, .cached_input = 4, .output = 4, .reasoning = 8}));
  EXPECT_EQ(responses().read_answer(responses().write_answer(answer)), answer);
  EXPECT_EQ(field_of([&] { (void)openai_chat().write_answer(answer); }), "openai-responses");
}

TEST(OpenAiResponses, AStatusMeansTheSameInBothDirections) {
  const auto read = [](const Json& fields) {
    Json body = parse_json(kAnswer, "");
    body["output"] = Json::array();
    for (const auto& [key, value] : fields.items()) body[key] = value;
    return responses().read_answer(dump_json(body)).choices.at(0).reason;
  };
  const auto back = [&](FinishReason reason) {
    ChatAnswer answer;
    answer.choices = {{.reason = reason}};
    return read(parse_json(responses().write_answer(answer), ""));
  };
  EXPECT_EQ(read({{"status", "completed"}}), FinishReason::kStop);
  EXPECT_EQ(read({{"status", "queued"}}), FinishReason::kPause);
  for (const FinishReason reason :
       {FinishReason::kStop, FinishReason::kLength, FinishReason::kContentFilter, FinishReason::kCancelled}) {
    EXPECT_EQ(back(reason), reason) << to_string(reason);
  }
  EXPECT_EQ(back(FinishReason::kRefusal), FinishReason::kContentFilter);
  try {
    (void)read({{"status", "failed"}, {"error", {{"code", "rate_limit_exceeded"}, {"message", "too much"}}}});
    ADD_FAILURE() << "a failure was read as an answer";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOverloaded);
    EXPECT_EQ(error.message(), "too much");
  }
}

ChatAnswer random_answer(Random& random) {
  ChatAnswer answer;
  answer.head = {"resp_1", "m", random.between(0, 99)};
  ChatChoice choice = testing::random_choice(random);
  for (uint64_t n = random.below(3); n > 0; --n) {
    if (random.chance(0.3)) {
      choice.reasoning.push_back({.signature = "ZGF0YQ==", .redacted = true});
    } else if (random.chance(0.3)) {
      choice.reasoning.push_back({.signature = "c2VjcmV0", .id = "rs_" + std::to_string(n)});
    } else {
      choice.reasoning.push_back({.text = testing::random_text(random), .signature = random.chance(0.5) ? "c2ln" : ""});
    }
  }
  if (random.chance(0.2)) choice.refusal = testing::random_text(random);
  if (random.chance(0.3) && !choice.text.empty()) {
    choice.logprobs = {{{"a", -0.5}, {{"a", -0.5}, {"\xE2\x82", -1.25}}}, {{"\xE2\x82", -2}, {}}};
  }
  if (random.chance(0.2)) choice.natives = {{kHere, {{"type", "web_search_call"}, {"id", "ws_1"}}}};
  answer.choices = {std::move(choice)};
  answer.usage = {.input = random.between(0, 99),
                  .cached_input = random.between(0, 99),
                  .output = random.between(0, 99),
                  .reasoning = random.between(0, 99)};
  return answer;
}

TEST(OpenAiResponses, ReadsBackEveryRandomAnswerAndStreamThatItWrites) {
  for (int seed = 0; seed < testing::fuzz_count(300); ++seed) {
    Random random(static_cast<uint64_t>(seed));
    const ChatAnswer answer = random_answer(random);
    EXPECT_EQ(responses().read_answer(responses().write_answer(answer)), answer) << "seed " << seed;
    const auto events = written(responses(), {}, answer.head, testing::random_stream(answer, random));
    const auto verdict = check_stream(kHere, events);
    EXPECT_EQ(verdict.fault, "") << "seed " << seed;
    EXPECT_TRUE(verdict.is_complete) << "seed " << seed;
    EXPECT_EQ(collected(responses(), events), answer) << "seed " << seed;
    const Json whole = parse_json(events.back().data, "")["response"];
    EXPECT_EQ(whole, parse_json(responses().write_answer(answer), "")) << "seed " << seed;
  }
}

// ---- streams

std::vector<WireEvent> events_from(const std::vector<std::string>& datas) {
  std::vector<WireEvent> events;
  for (const std::string& data : datas) events.push_back({parse_json(data, "").value("type", ""), data});
  return events;
}

const std::vector<std::string> kStream = {
    R"({"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":5,"status":"in_progress","model":"gpt-5","output":[]}})",
    R"({"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_1","object":"response","status":"in_progress","model":"gpt-5","output":[]}})",
    R"({"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}})",
    R"({"type":"response.reasoning_summary_text.delta","sequence_number":3,"item_id":"rs_1","output_index":0,"summary_index":0,"delta":"One."})",
    R"({"type":"response.reasoning_summary_text.delta","sequence_number":4,"item_id":"rs_1","output_index":0,"summary_index":1,"delta":"Tw"})",
    R"({"type":"response.reasoning_summary_text.delta","sequence_number":5,"item_id":"rs_1","output_index":0,"summary_index":1,"delta":"o."})",
    R"({"type":"response.reasoning_text.delta","sequence_number":6,"item_id":"rs_1","output_index":0,"content_index":0,"delta":"raw"})",
    R"({"type":"response.output_item.done","sequence_number":7,"output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"One."},{"type":"summary_text","text":"Two."}],"encrypted_content":"c2VjcmV0"}})",
    R"({"type":"response.output_item.added","sequence_number":8,"output_index":1,"item":{"id":"ws_1","type":"web_search_call","status":"in_progress"}})",
    R"({"type":"response.web_search_call.searching","sequence_number":9,"output_index":1,"item_id":"ws_1"})",
    R"({"type":"response.output_item.done","sequence_number":10,"output_index":1,"item":{"id":"ws_1","type":"web_search_call","status":"completed"}})",
    R"({"type":"response.output_item.added","sequence_number":11,"output_index":2,"item":{"id":"msg_1","type":"message","role":"assistant","content":[]}})",
    R"({"type":"response.output_text.delta","sequence_number":12,"item_id":"msg_1","output_index":2,"content_index":0,"delta":"Hello","logprobs":[{"token":"Hello","logprob":-0.5,"top_logprobs":[]}],"obfuscation":"x"})",
    R"({"type":"response.output_text.annotation.added","sequence_number":13,"item_id":"msg_1","output_index":2,"content_index":0,"annotation_index":0,"annotation":{"type":"url_citation"}})",
    R"({"type":"response.output_item.done","sequence_number":14,"output_index":2,"item":{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello"}]}})",
    R"({"type":"response.output_item.added","sequence_number":15,"output_index":3,"item":{"id":"fc_1","type":"function_call","call_id":"call_1","name":"f","arguments":""}})",
    R"({"type":"response.output_item.added","sequence_number":16,"output_index":4,"item":{"id":"fc_2","type":"function_call","call_id":"call_2","name":"g","arguments":""}})",
    R"({"type":"response.function_call_arguments.delta","sequence_number":17,"item_id":"fc_2","output_index":4,"delta":"{\"b\""})",
    R"({"type":"response.function_call_arguments.delta","sequence_number":18,"item_id":"fc_1","output_index":3,"delta":"{}"})",
    R"({"type":"response.function_call_arguments.delta","sequence_number":19,"item_id":"fc_2","output_index":4,"delta":":1}"})",
    R"({"type":"response.output_item.done","sequence_number":20,"output_index":3,"item":{"id":"fc_1","type":"function_call","call_id":"call_1","name":"f","arguments":"{}"}})",
    R"({"type":"response.output_item.done","sequence_number":21,"output_index":4,"item":{"id":"fc_2","type":"function_call","call_id":"call_2","name":"g","arguments":"{\"b\":1}"}})",
    R"({"type":"some.event.of.tomorrow","sequence_number":22})",
    R"({"type":"response.completed","sequence_number":23,"response":{"id":"resp_1","object":"response","created_at":5,"status":"completed","model":"gpt-5","output":[],"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":3},"output_tokens":8,"output_tokens_details":{"reasoning_tokens":6},"total_tokens":17}}})"};

TEST(OpenAiResponses, ReadsAPublishedStream) {
  const ChatAnswer answer = collected(responses(), events_from(kStream));
  EXPECT_EQ(answer.head, (AnswerHead{"resp_1", "gpt-5", 5}));
  const ChatChoice& choice = answer.choices.at(0);
  EXPECT_EQ(choice.text, "Hello");
  EXPECT_THAT(choice.reasoning, ElementsAre(Reasoning{.text = "One.\n\nTwo.", .signature = "c2VjcmV0", .id = "rs_1"}));
  EXPECT_THAT(choice.tool_calls,
              ElementsAre(ToolCall{"call_1", "f", "{}", ""}, ToolCall{"call_2", "g", "{\"b\":1}", ""}));
  EXPECT_THAT(choice.natives, SizeIs(2));
  EXPECT_THAT(choice.logprobs, ElementsAre(TokenLogprobs{{"Hello", -0.5}, {}}));
  EXPECT_EQ(choice.reason, FinishReason::kToolCalls);
  EXPECT_EQ(answer.usage, (Usage{.input = 6, .cached_input = 3, .output = 2, .reasoning = 6}));
}

TEST(OpenAiResponses, AStreamThatWasCutIsNeverComplete) {
  for (size_t n = 0; n <= kStream.size(); ++n) {
    const auto reader = responses().event_reader();
    for (const WireEvent& event : events_from({kStream.begin(), kStream.begin() + static_cast<ptrdiff_t>(n)})) {
      (void)reader->read(event);
    }
    EXPECT_THAT(reader->read({"", "[DONE]"}), IsEmpty()) << "some servers end with it";
    EXPECT_EQ(reader->is_complete(), n == kStream.size()) << n;
  }
}

// Servers that stream whole items only.
TEST(OpenAiResponses, ReadsItemsThatComeInOnePiece) {
  const ChatAnswer answer = collected(
      responses(),
      events_from(
          {R"({"type":"response.output_item.done","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]}})",
           R"({"type":"response.output_item.done","output_index":1,"item":{"id":"msg_1","type":"message","content":[{"type":"output_text","text":"a"},{"type":"refusal","refusal":"b"}]}})",
           R"({"type":"response.output_item.done","output_index":2,"item":{"id":"fc_1","type":"function_call","call_id":"c","name":"f","arguments":"{}"}})",
           R"({"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}})"}));
  const ChatChoice& choice = answer.choices.at(0);
  EXPECT_THAT(choice.reasoning, ElementsAre(Reasoning{.text = "hm", .id = "rs_1"}));
  EXPECT_EQ(choice.text, "a");
  EXPECT_EQ(choice.refusal, "b");
  EXPECT_THAT(choice.tool_calls, ElementsAre(ToolCall{"c", "f", "{}", ""}));
  EXPECT_EQ(choice.reason, FinishReason::kLength);
}

TEST(OpenAiResponses, RefusesEventsThatAreNoneOfTheProtocol) {
  const auto reader = responses().event_reader();
  EXPECT_THROW((void)reader->read({"", "{}"}), Error);
  EXPECT_THROW((void)reader->read({"", "no JSON"}), Error);
  EXPECT_THROW((void)reader->read(events_from({kStream[17]})[0]), Error) << "of a call that was not added";
  (void)reader->read(events_from({kStream[15]})[0]);
  EXPECT_THROW((void)reader->read(events_from({kStream[15]})[0]), Error) << "added twice";
}

TEST(OpenAiResponses, PiecesOfSeveralCallsMayComeMixed) {
  const std::vector<ChatEvent> events = {HeadEvent{{"resp_1", "m", 5}},
                                         ToolCallEvent{0, 0, "c1", "f", "", ""},
                                         ToolCallEvent{0, 1, "c2", "g", "{", ""},
                                         ToolCallEvent{0, 0, "", "", "{}", ""},
                                         TextEvent{0, "between", {}, false},
                                         ToolCallEvent{0, 1, "", "", "}", ""},
                                         FinishEvent{0, FinishReason::kToolCalls, ""}};
  const auto wire = written(responses(), {}, {"resp_1", "m", 5}, events);
  EXPECT_EQ(check_stream(kHere, wire).fault, "");
  EXPECT_THAT(collected(responses(), wire).choices.at(0).tool_calls,
              ElementsAre(ToolCall{"c1", "f", "{}", ""}, ToolCall{"c2", "g", "{}", ""}));
}

TEST(OpenAiResponses, AFailureEndsAStream) {
  const FailureEvent failure{ErrorCode::kOverloaded, "too much", "rate_limit_exceeded"};
  const auto wire = written(responses(), {}, {"resp_1", "m", 5}, {TextEvent{0, "a", {}, false}, failure});
  const auto verdict = check_stream(kHere, wire);
  EXPECT_EQ(verdict.fault, "");
  EXPECT_TRUE(verdict.has_failed);
  EXPECT_THAT(responses().event_reader()->read(wire.back()), ElementsAre(ChatEvent(failure)));
  EXPECT_THAT(responses().event_reader()->read(
                  {"error", R"({"type":"error","code":"server_error","message":"m","param":null})"}),
              ElementsAre(ChatEvent(FailureEvent{ErrorCode::kInternal, "m", "server_error"})));
}

TEST(OpenAiResponses, AnAnswerHasOneChoice) {
  ChatAnswer answer;
  answer.choices.resize(2);
  EXPECT_EQ(field_of([&] { (void)responses().write_answer(answer); }), "n");
  const auto writer = responses().event_writer({}, {"resp_1", "m", 5});
  EXPECT_EQ(field_of([&] { (void)writer->write(TextEvent{1, "b", {}, false}); }), "n");
}

// Bytes of strangers: read or refused with an Error, whatever they are; what was read comes back.
TEST(OpenAiResponses, MutatedBytesAreReadOrRefused) {
  const std::vector<std::string> seeds = {kAgentTurn, kAnswer, kStream[7], kStream[12], kStream[23]};
  for (int seed = 0; seed < testing::fuzz_count(600); ++seed) {
    Random random(static_cast<uint64_t>(seed));
    std::string bytes = random.pick(seeds);
    for (uint64_t n = 1 + random.below(4); n > 0; --n) {
      constexpr std::string_view kBytes = "{}[]\",:0-9eE\\ nt\xff";
      bytes[random.below(bytes.size())] = kBytes[random.below(kBytes.size())];
    }
    EXPECT_NO_THROW(fuzzing::check_protocol(responses(), bytes)) << seed << ": " << bytes;
  }
}

}  // namespace
}  // namespace understudy
