#include "gateway/wire/count_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;

constexpr const char* kRequest = R"({"model": "claude", "system": "Be brief.",
  "messages": [{"role": "user", "content": "hi"}],
  "tools": [{"name": "f", "input_schema": {"type": "object"}}], "thinking": {"type": "enabled", "budget_tokens": 2000}})";

TEST(CountTokens, ReadsBackTheRequestThatItWrites) {
  const ChatRequest request = count_tokens::read_request(kRequest);
  EXPECT_FALSE(request.max_tokens.has_value());
  std::vector<std::string> dropped;
  EXPECT_EQ(count_tokens::read_request(count_tokens::write_request(request, dropped)), request);
}

TEST(CountTokens, LeavesOutWhatTheEndpointDoesNotTake) {
  ChatRequest request = count_tokens::read_request(kRequest);
  request.max_tokens = 5;
  request.stream = true;
  request.n = 2;
  request.sampling.seed = 1;
  request.stop = {"x"};
  request.user = "u";
  std::vector<std::string> dropped;
  const Json body = parse_json(count_tokens::write_request(request, dropped), "");
  std::vector<std::string> keys;
  for (const auto& [key, value] : body.items()) keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre("model", "messages", "system", "tools", "thinking"));
}

TEST(CountTokens, ReadsBackTheCountThatItWrites) {
  EXPECT_EQ(count_tokens::write_count(2095), R"({"input_tokens":2095})");
  EXPECT_EQ(count_tokens::read_count(R"({"input_tokens": 2095, "context_management": {}})"), 2095);
  EXPECT_THROW((void)count_tokens::read_count(R"({"input_tokens": -1})"), Error);
  EXPECT_THROW((void)count_tokens::read_count("{}"), Error);
}

}  // namespace
}  // namespace understudy
