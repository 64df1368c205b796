#include "net/listen_address.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"

namespace understudy {

std::string ListenAddress::text() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

bool ListenAddress::is_loopback() const {
  return host == "localhost" || host == "::1" || host.rfind("127.", 0) == 0;
}

ListenAddress parse_listen_address(std::string_view text, std::string_view where) {
  const auto wrong = [&] {
    return Error(ErrorCode::kInvalidInput, fmt::format("{}: expected HOST:PORT, got \"{}\"", where, text),
                 "for example 127.0.0.1:8080, or 127.0.0.1:0 for a free port");
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) throw wrong();
  ListenAddress address;
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    throw wrong();  // "::1:8080" could be read in two ways
  }
  address.host = host;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, code] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (code != std::errc() || end != port.data() + port.size()) throw wrong();
  return address;
}

}  // namespace understudy
