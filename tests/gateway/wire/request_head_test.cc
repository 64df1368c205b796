#include "gateway/wire/request_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "base/json.h"
#include "tests/support/fuzz_count.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr int kDepth = 64;

RequestHead head_of(const std::string& body, ProtocolName protocol = ProtocolName::kOpenAiChat) {
  return read_request_head(protocol, body, kDepth);
}

Error refusal(const std::string& body, ProtocolName protocol = ProtocolName::kOpenAiChat, int depth = kDepth) {
  try {
    (void)read_request_head(protocol, body, depth);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
    return error;
  }
  ADD_FAILURE() << "accepted: " << body;
  return Error(ErrorCode::kInternal, "");
}

constexpr const char* kChat = R"({
  "model": "gpt-5", "stream": true, "stream_options": {"include_usage": true}, "user": "ann", "n": 2,
  "metadata": {"team": "billing", "count": 5}, "max_tokens": 5, "max_completion_tokens": 77,
  "messages": [
    {"role": "system", "content": "You are a clerk."},
    {"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi"},
    {"role": "user", "content": [{"type": "text", "text": "What is it?"},
                                 {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}]}],
  "tools": [{"type": "function", "function": {"name": "weather", "parameters": {}}}],
  "response_format": {"type": "json_object"}})";

TEST(RequestHead, ReadsOpenAisChat) {
  const RequestHead head = head_of(kChat);
  EXPECT_EQ(head.model, "gpt-5");
  EXPECT_TRUE(head.stream);
  EXPECT_TRUE(head.stream_usage);
  EXPECT_EQ(head.user, "ann");
  EXPECT_EQ(head.n, 2);
  EXPECT_THAT(head.metadata, UnorderedElementsAre(Pair("team", "billing")));
  EXPECT_EQ(head.max_tokens, 77);
  EXPECT_EQ(head.system, "You are a clerk.\nBe brief.");
  EXPECT_EQ(head.last_user, "What is it?");
  EXPECT_TRUE(head.has_media);
  EXPECT_TRUE(head.has_tools);
  EXPECT_EQ(head.fingerprint.size(), 64U);
}

TEST(RequestHead, ReadsTheOtherProtocols) {
  const RequestHead anthropic = head_of(
      R"({"model": "claude", "max_tokens": 9, "stream": true, "metadata": {"user_id": "ann"},
          "system": [{"type": "text", "text": "Be brief."}],
          "messages": [{"role": "user", "content": "look"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "see", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [
              {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}}]}]}],
          "tools": [{"name": "see", "input_schema": {}}]})",
      ProtocolName::kAnthropic);
  EXPECT_EQ(anthropic.user, "ann");
  EXPECT_EQ(anthropic.system, "Be brief.");
  EXPECT_EQ(anthropic.last_user, "look") << "a tool's result is nothing that the user said";
  EXPECT_TRUE(anthropic.has_media) << "also inside a tool's result";
  EXPECT_EQ(anthropic.max_tokens, 9);
  for (const char* body :
       {R"({"systemInstruction": {"parts": [{"text": "Be brief."}]}, "contents": [{"parts": [{"text": "hi"},
             {"inlineData": {"mimeType": "image/png", "data": "AA"}}]}],
             "generationConfig": {"maxOutputTokens": 7, "candidateCount": 2}})",
        R"({"system_instruction": {"parts": [{"text": "Be brief."}]}, "contents": [{"role": "user",
             "parts": [{"text": "hi"}, {"inline_data": {"mime_type": "image/png", "data": "AA"}}]}],
             "generation_config": {"max_output_tokens": 7, "candidate_count": 2}})"}) {
    const RequestHead gemini = head_of(body, ProtocolName::kGemini);
    EXPECT_EQ(gemini.model, "");
    EXPECT_EQ(gemini.system, "Be brief.");
    EXPECT_EQ(gemini.last_user, "hi");
    EXPECT_EQ(gemini.max_tokens, 7);
    EXPECT_EQ(gemini.n, 2);
    EXPECT_TRUE(gemini.has_media);
  }
  const RequestHead responses = head_of(
      R"({"model": "m", "instructions": "Be brief.", "max_output_tokens": 3, "input": [
          {"role": "developer", "content": "Now."}, {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
          {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "image_url": "x"}]}]})",
      ProtocolName::kOpenAiResponses);
  EXPECT_EQ(responses.system, "Be brief.\nNow.");
  EXPECT_EQ(responses.last_user, "hi");
  EXPECT_EQ(responses.max_tokens, 3);
  EXPECT_TRUE(responses.has_media);
  EXPECT_EQ(head_of(R"({"model": "m", "input": "hi"})", ProtocolName::kOpenAiResponses).last_user, "hi");
  EXPECT_EQ(head_of(R"({"model": "m", "prompt": "hi"})", ProtocolName::kOpenAiCompletions).last_user, "hi");
  const RequestHead vectors = head_of(R"({"model": "m", "input": [[1], [2, 3]], "user": "u", "max_tokens": 9})",
                                      ProtocolName::kOpenAiEmbeddings);
  EXPECT_EQ(vectors.user, "u");
  EXPECT_EQ(vectors.max_tokens, 0) << "an answer of vectors has no tokens";
  EXPECT_NE(vectors.fingerprint, head_of(R"({"model": "m", "messages": []})").fingerprint)
      << "no kind of work of a conversation without a static prompt";
}

TEST(RequestHead, FingerprintIsOfPromptToolsAndFormOnly) {
  const auto fingerprint = [](const std::string& system, const std::string& user, const std::string& more) {
    return head_of(R"({"model": "m", "messages": [{"role": "system", "content": ")" + system +
                   R"("}, {"role": "user", "content": ")" + user + "\"}]" + more + "}")
        .fingerprint;
  };
  const std::string plain = fingerprint("a", "x", "");
  EXPECT_EQ(fingerprint("a", "y", R"(, "temperature": 0.5, "stream": true)"), plain);
  EXPECT_NE(fingerprint("b", "x", ""), plain);
  EXPECT_NE(fingerprint("a", "x", R"(, "tools": [{"type": "function", "function": {"name": "f"}}])"), plain);
  EXPECT_NE(fingerprint("a", "x", R"(, "response_format": {"type": "json_object"})"), plain);
  EXPECT_EQ(fingerprint("a", "x", R"(, "response_format": { "type":  "json_object" })"),
            fingerprint("a", "x", R"(, "response_format": {"type":"json_object"})"));
}

TEST(RequestHead, RefusesWhatTwoReadersCouldReadDifferently) {
  EXPECT_EQ(refusal(R"({"model": "a", "model": "b"})").field(), "model");
  EXPECT_EQ(refusal(R"({"model": "a", "mod\u0065l": "b"})").field(), "model");
  EXPECT_EQ(refusal(R"({"model": "a", "messages": [{"role": "user", "role": "system"}]})").field(), "role");
}

TEST(RequestHead, RefusesWhatIsNoRequest) {
  for (const char* body : {"", "{", "[]", "5", "\"x\"", "{\"model\": \"m\"", "{\"model\": \"m\"} x", "{\"a\": tru}",
                           "{\"model\": \"\xff\"}", "{\"a\": 01}", "{\"a\": \"\\ud800\"}", "{\"a\": 1e999}"}) {
    EXPECT_THAT(refusal(body).message(), HasSubstr("the request's body")) << body;
  }
  EXPECT_EQ(refusal(R"({"model": 5})").field(), "model");
  EXPECT_EQ(refusal(R"({"model": "m", "stream": "yes"})").field(), "stream");
  EXPECT_EQ(refusal(R"({"model": "m", "n": -1})").field(), "n");
  EXPECT_EQ(refusal(R"({"model": "m", "max_tokens": 1.5})").field(), "max_tokens");
  const std::string nested = R"({"model": "m", "a": )" + std::string(9, '[') + std::string(9, ']') + "}";
  EXPECT_EQ(read_request_head(ProtocolName::kOpenAiChat, nested, 10).model, "m");
  EXPECT_THAT(refusal(nested, ProtocolName::kOpenAiChat, 9).message(), HasSubstr("levels deep"));
  EXPECT_THAT(refusal("{\"a\": " + std::string(100000, '[')).message(), HasSubstr("the request's body"));
}

TEST(RequestHead, TakesNumbersBeyondSixtyFourBits) {
  const std::string body = R"({"model": "m", "tools": [{"maximum": 123456789012345678901234567890}]})";
  EXPECT_EQ(head_of(body).model, "m");
  EXPECT_EQ(edit_request(ProtocolName::kOpenAiChat, body, "n", false),
            R"({"model": "n", "tools": [{"maximum": 123456789012345678901234567890}]})");
}

TEST(EditRequest, ChangesTheModelAndNoOtherByte) {
  const auto edited = [](const std::string& body) {
    return edit_request(ProtocolName::kOpenAiChat, body, "x/\"y\"\\", false);
  };
  EXPECT_EQ(edited("\n{ \"a\" : 1.50e+1 ,\t\"model\" :  \"gpt\" , \"z\": [ -0.0, \"\\u00e4\\/\" ], \"model_x\": 1 }\n"),
            "\n{ \"a\" : 1.50e+1 ,\t\"model\" :  \"x/\\\"y\\\"\\\\\" , \"z\": [ -0.0, \"\\u00e4\\/\" ], \"model_x\": 1 "
            "}\n");
  EXPECT_EQ(edited(R"({"a":{"model":"deep"},"s":"\"model\":","mod\u0065l":"top"})"),
            R"({"a":{"model":"deep"},"s":"\"model\":","mod\u0065l":"x/\"y\"\\"})");
  EXPECT_EQ(edit_request(ProtocolName::kGemini, R"({"model": "m"})", "n", true), R"({"model": "m"})");
  EXPECT_EQ(edit_request(ProtocolName::kAnthropic, R"({"model": "m", "stream": true})", "n", true),
            R"({"model": "n", "stream": true})");
}

TEST(EditRequest, AsksAStreamForItsUsage) {
  const auto asked = [](const std::string& body) { return edit_request(ProtocolName::kOpenAiChat, body, "m", true); };
  EXPECT_EQ(asked(R"({"model":"m","stream":true})"),
            R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})");
  EXPECT_EQ(asked("{\"stream\" : true, \"model\" : \"m\" \n}"),
            "{\"stream\" : true, \"model\" : \"m\",\"stream_options\":{\"include_usage\":true} \n}");
  EXPECT_EQ(asked(R"({"model":"m","stream":true,"stream_options":null,"a":1})"),
            R"({"model":"m","stream":true,"stream_options":{"include_usage":true},"a":1})");
  EXPECT_EQ(asked(R"({"model":"m","stream":true,"stream_options":{}})"),
            R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})");
  EXPECT_EQ(asked(R"({"model":"m","stream":true,"stream_options":{"include_obfuscation": false}})"),
            R"({"model":"m","stream":true,"stream_options":{"include_obfuscation": false,"include_usage":true}})");
  EXPECT_EQ(asked(R"({"model":"m","stream":true,"stream_options":{"include_usage": false}})"),
            R"({"model":"m","stream":true,"stream_options":{"include_usage": true}})");
  EXPECT_EQ(asked(R"({"model":"m","stream":true,"stream_options":5})"),
            R"({"model":"m","stream":true,"stream_options":5})");
  EXPECT_EQ(asked(R"({"model":"m"})"), R"({"model":"m"})") << "what is no stream may not have the options";
  EXPECT_EQ(asked(R"({"model":"m","stream":false})"), R"({"model":"m","stream":false})");
}

TEST(WithoutUsage, TakesOutWhatTheClientDidNotAskFor) {
  EXPECT_EQ(without_usage(R"({"id":"a","choices":[{"index":0}],"usage":null})"),
            R"({"id":"a","choices":[{"index":0}]})");
  EXPECT_EQ(without_usage(R"({"usage": null, "id":"a","choices":[]})"), R"({ "id":"a","choices":[]})");
  EXPECT_EQ(without_usage(R"({"id":"a", "usage" : null ,"choices":[1.50]})"), R"({"id":"a" ,"choices":[1.50]})");
  EXPECT_EQ(without_usage(R"({"usage":null})"), "{}");
  EXPECT_EQ(without_usage(R"({"id":"a","choices":[],"usage":{"prompt_tokens":1}})"), std::nullopt);
  EXPECT_EQ(without_usage(R"({"id":"a","choices":[ ],"usage":{}})"), std::nullopt);
  for (const char* same : {"[DONE]", "", "{", R"({"id":"a","choices":[{"index":0}],"usage":{"prompt_tokens":1}})",
                           R"({"choices":[{"delta":{"content":"\"usage\":null"}}]})", R"({"choices":[{"usage":null}]})",
                           R"({"usage")", R"({"usage":)", R"({"error":{"usage":null}})"}) {
    EXPECT_EQ(without_usage(same), same);
  }
}

// Damaged bytes are refused, or are JSON by the other reader's word too; an edit of what was taken changes the model,
// asks for usage, and keeps all else.
TEST(RequestHead, SurvivesDamagedRequests) {
  Random random(11);
  for (int i = 0; i < testing::fuzz_count(600); ++i) {
    const std::string body = testing::mutated(kChat, random);
    (void)without_usage(body);
    try {
      const RequestHead head = head_of(body);
      const std::optional<Json> value = try_parse_json(body, {.depth = kDepth});
      ASSERT_TRUE(value) << "round " << i << ": " << body;
      Json expected = *value;
      if (expected.contains("model")) expected["model"] = "other";
      ASSERT_EQ(parse_json(edit_request(ProtocolName::kOpenAiChat, body, "other", false), "edited"), expected)
          << "round " << i << ": " << body;
      const std::string asked = edit_request(ProtocolName::kOpenAiChat, body, "other", true);
      ASSERT_TRUE(try_parse_json(asked)) << "round " << i << ": " << asked;
      const bool may_ask = head.stream && expected.value("stream_options", Json::object()).is_object();
      ASSERT_TRUE(!may_ask || head_of(asked).stream_usage) << "round " << i << ": " << asked;
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::kInvalidInput) << "round " << i << ": " << body;
    }
  }
}

}  // namespace
}  // namespace understudy
