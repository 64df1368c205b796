// A fast upstream with one fixed answer: `upstream --port 0 --events-per-second 50 --events 250`. POST anything gets a
// chat completion of 2 kB; with "stream": true the same as server-sent events at that rate, each with the time of its
// sending (nanoseconds of the steady clock, "@123") as its text, so that who receives it on this machine can tell how
// long it was on its way. Prints "listening on PORT". One thread; it ends with SIGTERM.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "bench/gateway/flags.h"
#include "bench/gateway/http_bytes.h"
#include "bench/gateway/sockets.h"

namespace understudy::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kAnswerBytes = 2000;

std::string whole_answer() {
  const std::string front =
      R"({"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"fixed","choices":[{"index":0,)"
      R"("message":{"role":"assistant","content":")";
  const std::string back =
      R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":1200,"completion_tokens":420,"total_tokens":1620}})";
  std::string text;
  while (front.size() + text.size() + back.size() < kAnswerBytes)
    text += "The total of the invoice is in its last row. ";
  text.resize(kAnswerBytes - front.size() - back.size());
  return front + text + back;
}

std::string chunk(std::string_view event) {
  const std::string data = fmt::format("data: {}\n\n", event);
  return fmt::format("{:x}\r\n{}\r\n", data.size(), data);
}

std::string delta(std::string_view fields, std::string_view finish) {
  return chunk(fmt::format(
      R"({{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"fixed","choices":[{{"index":0,"delta":{{{}}},"finish_reason":{}}}]}})",
      fields, finish));
}

struct Connection {
  Descriptor socket;
  std::string in;
  std::string out;
  bool waits_to_write = false;
  bool wants_usage = false;
  int events_left = 0;  // of a stream
  Clock::time_point next_event;
};

class Upstream {
 public:
  Upstream(int port, int events, double events_per_second)
      : listener_(listen_on(port)), events_(events), interval_(static_cast<int64_t>(1e9 / events_per_second)) {
    const std::string body = whole_answer();
    answer_ = fmt::format("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                          body.size(), body);
    poll_.watch(listener_, this, EPOLLIN);
  }

  int port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(listener_.number(), reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }

  void run() {
    while (true) {
      for (const epoll_event& event : poll_.wait(next_due())) {
        if (event.data.ptr == nullptr) continue;
        if (event.data.ptr == this) {
          accept_all();
        } else {
          act(*static_cast<Connection*>(event.data.ptr), event.events);
        }
      }
      gone_.clear();
      send_due_events();
    }
  }

 private:
  Clock::time_point next_due() const {
    return due_.empty() ? Clock::now() + std::chrono::hours(1) : due_.begin()->first;
  }

  void accept_all() {
    while (true) {
      Descriptor socket(::accept4(listener_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket.number() < 0) return;
      const int on = 1;
      ::setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      auto connection = std::make_unique<Connection>();
      connection->socket = std::move(socket);
      poll_.watch(connection->socket, connection.get(), EPOLLIN);
      Connection* const key = connection.get();
      connections_.emplace(key, std::move(connection));
    }
  }

  void act(Connection& connection, uint32_t events) {
    const bool is_open =
        (events & ~static_cast<uint32_t>(EPOLLOUT)) == 0 || read_some(connection.socket, connection.in);
    if (!is_open) return close(connection);
    take_requests(connection);
    flush(connection);
  }

  // One that is closed lives until the events that epoll told of have been looked at.
  void close(Connection& connection) {
    due_.erase({connection.next_event, &connection});
    auto node = connections_.extract(&connection);
    if (node.empty()) return;
    ::shutdown(connection.socket.number(), SHUT_RDWR);
    gone_.push_back(std::move(node.mapped()));
  }

  void take_requests(Connection& connection) {
    while (connection.events_left == 0) {
      const std::optional<Head> head = read_head(connection.in);
      if (!head || connection.in.size() < head->size + static_cast<size_t>(head->content_length)) return;
      const std::string_view body =
          std::string_view(connection.in).substr(head->size, static_cast<size_t>(head->content_length));
      if (body.find("\"stream\":true") != std::string_view::npos) {
        begin_stream(connection, body);
      } else {
        connection.out += answer_;
      }
      connection.in.erase(0, head->size + static_cast<size_t>(head->content_length));
    }
  }

  void begin_stream(Connection& connection, std::string_view body) {
    connection.wants_usage = body.find("\"include_usage\":true") != std::string_view::npos;
    connection.events_left = events_;
    connection.out += "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    connection.out += delta(R"("role":"assistant","content":"")", "null");
    connection.next_event = Clock::now() + interval_;
    due_.insert({connection.next_event, &connection});
  }

  void send_due_events() {
    const Clock::time_point now = Clock::now();
    while (!due_.empty() && due_.begin()->first <= now) {
      Connection& connection = *due_.begin()->second;
      due_.erase(due_.begin());
      connection.out += delta(fmt::format(R"("content":"@{}")", Clock::now().time_since_epoch().count()), "null");
      connection.next_event += interval_;
      if (--connection.events_left == 0) {
        connection.out += ends_of_stream(connection.wants_usage);
      } else {
        due_.insert({connection.next_event, &connection});
      }
      flush(connection);
    }
    gone_.clear();
  }

  static std::string ends_of_stream(bool wants_usage) {
    std::string bytes = delta("", "\"stop\"");
    if (wants_usage) {
      bytes += chunk(
          R"({"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"fixed","choices":[],"usage":{"prompt_tokens":1200,"completion_tokens":250,"total_tokens":1450}})");
    }
    return bytes + chunk("[DONE]") + "0\r\n\r\n";
  }

  void flush(Connection& connection) {
    if (!connection.out.empty() && !write_some(connection.socket, connection.out)) return close(connection);
    const bool waits = !connection.out.empty();
    if (waits == connection.waits_to_write) return;
    connection.waits_to_write = waits;
    poll_.change(connection.socket, &connection, waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  Poll poll_;
  Descriptor listener_;
  const int events_;
  const std::chrono::nanoseconds interval_;
  std::string answer_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> gone_;
  std::set<std::pair<Clock::time_point, Connection*>> due_;
};

}  // namespace
}  // namespace understudy::bench

int main(int argc, char** argv) {
  try {
    const understudy::bench::Flags flags(argc, argv, 1);
    understudy::bench::Upstream upstream(static_cast<int>(flags.number("port", 0)),
                                         static_cast<int>(flags.number("events", 250)),
                                         flags.number("events-per-second", 50));
    fmt::print("listening on {}\n", upstream.port());
    std::fflush(stdout);
    upstream.run();
  } catch (const understudy::Error& error) {
    fmt::print(stderr, "upstream: {}\n", error.message());
    return 1;
  }
}
