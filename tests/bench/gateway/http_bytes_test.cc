#include "bench/gateway/http_bytes.h"

#include <gtest/gtest.h>

namespace understudy::bench {
namespace {

TEST(HttpBytesTest, AHeadIsReadOnceItIsWhole) {
  const std::string bytes = "HTTP/1.1 200 OK\r\ncontent-LENGTH: 12\r\nConnection: close\r\n\r\nbody";
  EXPECT_FALSE(read_head(bytes.substr(0, bytes.size() - 5)));
  const auto head = read_head(bytes);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->size, bytes.size() - 4);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->content_length, 12);
  EXPECT_TRUE(head->closes);
  EXPECT_FALSE(head->is_chunked);
}

TEST(HttpBytesTest, AHeaderInTheBodyIsNone) {
  const auto head = read_head("POST / HTTP/1.1\r\nHost: x\r\n\r\nContent-Length: 7\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->content_length, 0);
}

TEST(HttpBytesTest, ChunksMayBeCutAnywhere) {
  const std::string bytes = "5\r\nhello\r\n10\r\n, world and all \r\n0\r\n\r\n";
  for (size_t step = 1; step <= bytes.size(); ++step) {
    ChunkReader reader;
    std::string data;
    for (size_t at = 0; at < bytes.size(); at += step) data += reader.read(std::string_view(bytes).substr(at, step));
    EXPECT_EQ(data, "hello, world and all ") << "pieces of " << step;
    EXPECT_TRUE(reader.ended()) << "pieces of " << step;
  }
}

TEST(HttpBytesTest, ABodyWithoutItsLastLineHasNotEnded) {
  ChunkReader reader;
  EXPECT_EQ(reader.read("2\r\nab\r\n0\r\n"), "ab");
  EXPECT_FALSE(reader.ended());
}

}  // namespace
}  // namespace understudy::bench
