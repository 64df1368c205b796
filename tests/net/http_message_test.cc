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

TEST(HttpMessage, WritesEventsWithAndWithoutAName) {
  EXPECT_EQ(server_sent_event("{}"), "data: {}\n\n");
  EXPECT_EQ(server_sent_event("ping", "{}"), "event: ping\ndata: {}\n\n");
}

TEST(HttpMessage, KnowsWhatMayStandInAHeader) {
  EXPECT_TRUE(is_header_name("X-Understudy-Tag-team"));
  for (const char* name : {"", "a b", "a:", "a\r", "\xc3\xa4"}) EXPECT_FALSE(is_header_name(name)) << name;
  EXPECT_TRUE(is_header_value("a\tb \xc3\xa4"));
  EXPECT_TRUE(is_header_value(""));
  for (const std::string& value :
       {std::string("a\rb"), std::string("a\nb"), std::string("a\x7f"), std::string("a\0b", 3)}) {
    EXPECT_FALSE(is_header_value(value)) << value;
  }
}

}  // namespace
}  // namespace understudy
