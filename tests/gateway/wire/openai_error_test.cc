#include "gateway/wire/openai_error.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(OpenAiError, HasOpenAisShape) {
  const Error error =
      Error(ErrorCode::kNotFound, "no such model", "ask for GET /v1/models").about("model", "model_not_found");
  EXPECT_EQ(openai::write_error(error),
            R"x({"error":{"message":"no such model (ask for GET /v1/models)","type":"invalid_request_error",)x"
            R"("param":"model","code":"model_not_found"}})");
  EXPECT_EQ(openai::write_error(Error(ErrorCode::kOverloaded, "full")),
            R"({"error":{"message":"full","type":"rate_limit_error","param":null,"code":null}})");
}

TEST(OpenAiError, ListsModels) {
  EXPECT_EQ(openai::write_models({{"a", 5, "me"}}),
            R"({"object":"list","data":[{"id":"a","object":"model","created":5,"owned_by":"me"}]})");
  EXPECT_EQ(openai::write_model({"a", 5, "me"}), R"({"id":"a","object":"model","created":5,"owned_by":"me"})");
}

}  // namespace
}  // namespace understudy
