#include "net/http_message.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(HttpMessage, DecodesPercentSigns) {
  EXPECT_EQ(percent_decode("a%20b%2Fc"), "a b/c");
  EXPECT_EQ(percent_decode("%"), std::nullopt);
  EXPECT_EQ(percent_decode("%4"), std::nullopt);
  EXPECT_EQ(percent_decode("%g0"), std::nullopt);
}

TEST(HttpMessage, FindsHeadersInAnyCase) {
  HttpRequest request;
  request.headers = {{"X-A", "1"}, {"x-a", "2"}};
  EXPECT_EQ(request.header("x-A"), "1");
  EXPECT_EQ(request.header("x-b"), "");
}

}  // namespace
}  // namespace understudy
