// A TCP server that does to its clients exactly what a test tells it, byte by byte: for tests of how a client takes
// garbage, cuts, resets and silence. One connection at a time, each by the next of the scripts; the last is repeated.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace understudy::testing {

class RawPeer {  // the server's end of one connection
 public:
  explicit RawPeer(int socket) : socket_(socket) {}

  // One request: its head, and the body that its Content-Length announces. Empty where the client has left.
  std::string read_request() {
    std::string request;
    size_t end = std::string::npos;
    while ((end = request.find("\r\n\r\n")) == std::string::npos) {
      if (!receive(request)) return {};
    }
    const size_t at = request.find("Content-Length: ");
    const size_t length = at > end ? 0 : std::stoul(request.substr(at + 16));
    while (request.size() < end + 4 + length) {
      if (!receive(request)) return {};
    }
    return request;
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
  }
  void reset() {  // instead of an orderly end
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  // Until the client has left, or the server is to end.
  void wait() {
    std::string ignored;
    while (receive(ignored)) {
    }
  }

 private:
  bool receive(std::string& into) {
    char bytes[16384];
    const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
    if (count > 0) into.append(bytes, static_cast<size_t>(count));
    return count > 0;
  }
  int socket_;
};

class RawServer {
 public:
  using Script = std::function<void(RawPeer&)>;

  explicit RawServer(std::vector<Script> scripts) : scripts_(std::move(scripts)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(listener_, 16);
    socklen_t length = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;
  ~RawServer() {
    is_ending_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    if (const int peer = peer_; peer >= 0) ::shutdown(peer, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  uint16_t port() const { return port_; }
  int connections() const { return connections_; }

 private:
  void run() {
    while (!is_ending_) {
      const int socket = ::accept(listener_, nullptr, nullptr);
      if (socket < 0) return;
      peer_ = socket;
      const auto which = static_cast<size_t>(connections_++);
      RawPeer peer(socket);
      if (!is_ending_) scripts_[std::min(which, scripts_.size() - 1)](peer);
      peer_ = -1;
      ::close(socket);
    }
  }

  const std::vector<Script> scripts_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> peer_{-1};
  std::atomic<int> connections_{0};
  std::atomic<bool> is_ending_{false};
  std::thread thread_;
};

}  // namespace understudy::testing
