// Sockets, epoll and a timer as load generator and upstream use them: one thread, nothing blocks but wait().
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "base/error.h"

namespace understudy::bench {

// 127.0.0.1 and a port: nothing else is measured here.
inline sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

inline Descriptor open_socket() {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.number() < 0) throw io_error("open", "a socket");
  const int on = 1;
  ::setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

inline Descriptor connect_to(int port) {
  Descriptor socket = open_socket();
  const sockaddr_in address = loopback(port);
  const int failed = ::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (failed != 0 && errno != EINPROGRESS) throw io_error("connect to", "127.0.0.1:" + std::to_string(port));
  return socket;
}

inline Descriptor listen_on(int port) {
  Descriptor socket = open_socket();
  const int on = 1;
  ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.number(), 4096) != 0) {
    throw io_error("listen on", "127.0.0.1:" + std::to_string(port));
  }
  return socket;
}

class Poll {
 public:
  using Clock = std::chrono::steady_clock;

  Poll()
      : epoll_(::epoll_create1(EPOLL_CLOEXEC)), timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
    if (epoll_.number() < 0 || timer_.number() < 0) throw io_error("open", "epoll and timer");
    ::prctl(PR_SET_TIMERSLACK, 1000UL);  // the default of 50 us is as much as what is measured
    watch(timer_, nullptr, EPOLLIN);
  }
  // `owner` comes back from wait(), as long as something of `events` holds (level-triggered).
  void watch(const Descriptor& descriptor, void* owner, uint32_t events) {
    control(EPOLL_CTL_ADD, descriptor, owner, events);
  }
  void change(const Descriptor& descriptor, void* owner, uint32_t events) {
    control(EPOLL_CTL_MOD, descriptor, owner, events);
  }
  // Until something has happened or `until` has come. An event without an owner is the timer's.
  std::span<const epoll_event> wait(Clock::time_point until) {
    const auto left = until - Clock::now();
    if (left > Clock::duration(0)) set_timer(left);
    const int n = ::epoll_wait(epoll_.number(), events_.data(), static_cast<int>(events_.size()),
                               left > Clock::duration(0) ? -1 : 0);
    return {events_.data(), static_cast<size_t>(n < 0 ? 0 : n)};
  }

 private:
  void control(int what, const Descriptor& descriptor, void* owner, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = owner;
    if (::epoll_ctl(epoll_.number(), what, descriptor.number(), &event) != 0) throw io_error("watch", "a socket");
  }
  void set_timer(std::chrono::nanoseconds left) {  // a time that rang before is forgotten with it
    itimerspec spec{};
    spec.it_value.tv_sec = left.count() / 1'000'000'000;
    spec.it_value.tv_nsec = left.count() % 1'000'000'000;
    ::timerfd_settime(timer_.number(), 0, &spec, nullptr);
  }

  Descriptor epoll_;
  Descriptor timer_;
  std::array<epoll_event, 256> events_{};
};

// What one call gives, added to `bytes`; false once the other side has closed or the connection is broken.
inline bool read_some(const Descriptor& socket, std::string& bytes) {
  std::array<char, 64 * 1024> buffer;
  const ssize_t n = ::recv(socket.number(), buffer.data(), buffer.size(), 0);
  if (n > 0) bytes.append(buffer.data(), static_cast<size_t>(n));
  return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

// Sends from the front of `bytes` what the kernel takes and removes it; false where the connection is broken.
inline bool write_some(const Descriptor& socket, std::string& bytes) {
  const ssize_t n = ::send(socket.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  bytes.erase(0, static_cast<size_t>(n));
  return true;
}

}  // namespace understudy::bench
