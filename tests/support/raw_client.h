// A TCP client that sends exactly the bytes it is told and says what came back: for tests of a server's manners.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace understudy::testing {

class RawClient {
 public:
  explicit RawClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  RawClient(RawClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)),
        connected_(other.connected_),
        received_(std::move(other.received_)) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { close(); }

  bool connected() const { return connected_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

  // Everything up to and with `mark`; what has come so far where the connection ends or the time is up before.
  std::string read_until(std::string_view mark, std::chrono::milliseconds time = std::chrono::seconds(10)) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    size_t found = received_.find(mark);
    while (found == std::string::npos && receive(deadline)) found = received_.find(mark);
    if (found == std::string::npos) return std::exchange(received_, {});
    std::string taken = received_.substr(0, found + mark.size());
    received_.erase(0, found + mark.size());
    return taken;
  }
  // To the end of the connection. `ended()` says whether it came in time.
  std::string read_all(std::chrono::milliseconds time = std::chrono::seconds(10)) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    while (receive(deadline)) {
    }
    return std::exchange(received_, {});
  }
  // One response with a Content-Length: head and body.
  std::string read_response() {
    std::string response = read_until("\r\n\r\n");
    const size_t at = response.find("Content-Length: ");
    if (at == std::string::npos) return response;
    const size_t length = std::stoul(response.substr(at + 16));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (received_.size() < length && receive(deadline)) {
    }
    response += received_.substr(0, length);
    received_.erase(0, length);
    return response;
  }
  bool ended() const { return ended_; }

 private:
  bool receive(std::chrono::steady_clock::time_point deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd waits{socket_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&waits, 1, static_cast<int>(left.count())) <= 0) return false;
    char bytes[16384];
    const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
    if (count <= 0) {
      ended_ = true;
      return false;
    }
    received_.append(bytes, static_cast<size_t>(count));
    return true;
  }

  int socket_;
  bool connected_ = false;
  bool ended_ = false;
  std::string received_;
};

}  // namespace understudy::testing
