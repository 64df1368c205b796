#include "net/listen_address.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace understudy {
namespace {

TEST(ListenAddress, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse_listen_address("127.0.0.1:8080", "--listen").text(), "127.0.0.1:8080");
  EXPECT_EQ(parse_listen_address("[::1]:0", "--listen").text(), "[::1]:0");
  EXPECT_TRUE(parse_listen_address("localhost:1", "--listen").is_loopback());
  EXPECT_TRUE(parse_listen_address("[::1]:1", "--listen").is_loopback());
  EXPECT_FALSE(parse_listen_address("0.0.0.0:1", "--listen").is_loopback());
}

TEST(ListenAddress, RefusesTheRestByName) {
  for (const char* text : {"", "8080", ":8080", "host:", "host:x", "host:65536", "host:-1", "::1:8080", "host:80 "}) {
    try {
      (void)parse_listen_address(text, "--listen");
      ADD_FAILURE() << "accepted: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.message(), std::string("--listen: expected HOST:PORT, got \"") + text + "\"");
    }
  }
}

}  // namespace
}  // namespace understudy
