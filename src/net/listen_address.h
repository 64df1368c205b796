// HOST:PORT as people write it: "127.0.0.1:8080", "localhost:0", "[::1]:8080". Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace understudy {

struct ListenAddress {
  std::string host;
  uint16_t port = 0;  // 0: a free one

  std::string text() const;  // an IPv6 host in brackets
  // Whether only this machine can reach it: 127.0.0.0/8, ::1, localhost.
  bool is_loopback() const;
};

// `where` begins the error's message: "--listen". Throws kInvalidInput.
ListenAddress parse_listen_address(std::string_view text, std::string_view where);

}  // namespace understudy
