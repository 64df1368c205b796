// The load generator: requests to a port of this machine at a constant rate, whatever becomes of them (open loop), on a
// fixed number of kept connections. A latency counts from the instant at which the request was due (schedule.h).
//
//   load rate --port P --body FILE --rate 2000 --seconds 5    that rate; latencies and the rate that was reached
//   load most --port P --body FILE --seconds 2                the highest rate that is sustained
//   load streams --port P --body FILE --streams 500 --events 250 --events-per-second 50
//                                                             so many streams at once; how late their events come
//
// Further flags: --path, --connections 32, --warm-up SECONDS, --raw FILE (every latency in ns, one a line, in the order
// of the answers), --total N (with `rate`: so many requests instead of seconds). Prints one line of JSON. One thread.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "bench/gateway/flags.h"
#include "bench/gateway/http_bytes.h"
#include "bench/gateway/latencies.h"
#include "bench/gateway/schedule.h"
#include "bench/gateway/sockets.h"

namespace understudy::bench {
namespace {

using Clock = std::chrono::steady_clock;

// Sustained: this share of what was asked is answered within the time; the rest is the backlog that had grown by its
// end, 1% of two seconds being the 20 ms that a healthy queue may hold.
constexpr double kSustainedShare = 0.99;
// After the last request was due, this long is waited for answers.
constexpr std::chrono::seconds kGrace{3};

double seconds(Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

Clock::duration duration_of(double s) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s));
}

// ---- one request a connection at a time

struct Connection {
  Descriptor socket;
  std::string in;
  std::string out;
  bool is_busy = false;
  bool waits_to_write = false;
  Clock::time_point due;
};

struct Outcome {
  double asked_per_second = 0;
  double reached_per_second = 0;  // answered before the last one was due, and the time that took
  int64_t sent = 0;
  int64_t errors = 0;
  Latencies latencies;
};

class Requests {
 public:
  Requests(int port, std::string request, int n_connections) : port_(port), request_(std::move(request)) {
    for (int i = 0; i < n_connections; ++i) {
      connections_.push_back(std::make_unique<Connection>());
      open(*connections_.back());
    }
  }

  // At a constant rate, `total` requests.
  Outcome at_rate(double per_second, int64_t total) {
    const Clock::time_point begin = Clock::now();
    Schedule schedule(begin, per_second);
    start_over();
    const Clock::time_point end = schedule.due(total);
    while (n_answered() < total && Clock::now() < end + kGrace) {
      const Clock::time_point now = Clock::now();
      while (schedule.taken() < total && schedule.next_due() <= now) {
        waiting_.push_back(schedule.next_due());
        schedule.take(now);
      }
      start_waiting();
      step(schedule.taken() < total ? schedule.next_due() : end + kGrace, end);
    }
    outcome_.asked_per_second = per_second;
    outcome_.sent = total;
    outcome_.errors += total - n_answered();
    outcome_.reached_per_second = static_cast<double>(answered_in_time_) / seconds(end - begin);
    replace_busy();
    return std::move(outcome_);
  }

  // As fast as the answers come (closed loop): what bounds every sustained rate from above.
  Outcome as_fast_as_it_goes(double s) {
    const Clock::time_point begin = Clock::now();
    const Clock::time_point end = begin + duration_of(s);
    start_over();
    for (Clock::time_point now = begin; now < end; now = Clock::now()) {
      while (!idle_.empty()) {
        waiting_.push_back(now);
        start_waiting();
        ++outcome_.sent;
      }
      step(end, end);
    }
    outcome_.reached_per_second = static_cast<double>(answered_in_time_) / s;
    outcome_.asked_per_second = outcome_.reached_per_second;
    replace_busy();
    return std::move(outcome_);
  }

 private:
  int64_t n_answered() const { return static_cast<int64_t>(outcome_.latencies.size()) + outcome_.errors; }

  void start_over() {
    outcome_ = Outcome();
    answered_in_time_ = 0;
    waiting_.clear();
  }

  void open(Connection& connection) {
    connection = Connection();
    connection.socket = connect_to(port_);
    poll_.watch(connection.socket, &connection, EPOLLIN);
    idle_.push_back(&connection);
  }

  // Answers of the last run must not be taken for those of the next.
  void replace_busy() {
    for (const auto& connection : connections_) {
      if (connection->is_busy) open(*connection);
    }
  }

  void start_waiting() {
    while (!waiting_.empty() && !idle_.empty()) {
      Connection& connection = *idle_.back();
      idle_.pop_back();
      connection.is_busy = true;
      connection.due = waiting_.front();
      waiting_.pop_front();
      connection.out = request_;
      flush(connection);
    }
  }

  void step(Clock::time_point until, Clock::time_point end) {
    for (const epoll_event& event : poll_.wait(until)) {
      if (event.data.ptr != nullptr) act(*static_cast<Connection*>(event.data.ptr), event.events, end);
    }
  }

  void act(Connection& connection, uint32_t events, Clock::time_point end) {
    if ((events & ~static_cast<uint32_t>(EPOLLOUT)) != 0 && !read_some(connection.socket, connection.in)) {
      return broken(connection);
    }
    if (!connection.out.empty()) return flush(connection);
    const std::optional<Head> head = read_head(connection.in);
    if (!head) return;
    const size_t size = head->size + static_cast<size_t>(head->content_length);
    if (connection.in.size() < size) return;
    if (connection.in.size() > size || head->is_chunked) throw Error(ErrorCode::kInternal, "not one answer a request");
    answered(connection, *head, end);
  }

  void answered(Connection& connection, const Head& head, Clock::time_point end) {
    const Clock::time_point now = Clock::now();
    if (head.status == 200) {
      outcome_.latencies.add(now - connection.due);
      answered_in_time_ += now <= end ? 1 : 0;
    } else {
      ++outcome_.errors;
    }
    connection.in.clear();
    connection.is_busy = false;
    if (head.closes) return open(connection);
    idle_.push_back(&connection);
  }

  void broken(Connection& connection) {
    outcome_.errors += connection.is_busy ? 1 : 0;
    std::erase(idle_, &connection);
    open(connection);
  }

  void flush(Connection& connection) {
    if (!write_some(connection.socket, connection.out)) return broken(connection);
    const bool waits = !connection.out.empty();
    if (waits == connection.waits_to_write) return;
    connection.waits_to_write = waits;
    poll_.change(connection.socket, &connection, waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  const int port_;
  const std::string request_;
  Poll poll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> idle_;
  std::deque<Clock::time_point> waiting_;  // due, but no connection is free
  Outcome outcome_;
  int64_t answered_in_time_ = 0;
};

// ---- streams

struct Stream {
  Descriptor socket;
  std::string in;
  std::string out;
  bool has_head = false;
  ChunkReader chunks;
  std::string events;    // the part of an event that has come
  bool is_done = false;  // the last event that came was [DONE]
  bool has_ended = false;
};

class Streams {
 public:
  struct Outcome {
    int64_t events = 0;
    int64_t broken = 0;
    Latencies delays;
  };

  Streams(int port, std::string request, int n) : port_(port), request_(std::move(request)), streams_(n) {}

  // Opened evenly over the first second, so that their events do not all fall on the same instant.
  Outcome run(double at_most_s) {
    const Clock::time_point begin = Clock::now();
    const Clock::time_point give_up = begin + duration_of(at_most_s);
    const auto n = static_cast<int64_t>(streams_.size());
    Schedule schedule(begin, static_cast<double>(n));
    while (n_ended_ < n && Clock::now() < give_up) {
      while (schedule.taken() < n && schedule.take(Clock::now())) {
        open(streams_[static_cast<size_t>(schedule.taken() - 1)]);
      }
      for (const epoll_event& event : poll_.wait(schedule.taken() < n ? schedule.next_due() : give_up)) {
        if (event.data.ptr != nullptr) act(*static_cast<Stream*>(event.data.ptr));
      }
    }
    outcome_.broken += n - n_ended_;
    return std::move(outcome_);
  }

 private:
  void open(Stream& stream) {
    stream.socket = connect_to(port_);
    stream.out = request_;
    poll_.watch(stream.socket, &stream, EPOLLIN | EPOLLOUT);
  }

  void act(Stream& stream) {
    if (stream.has_ended) return;
    if (!stream.out.empty()) {
      if (!write_some(stream.socket, stream.out)) return end(stream, true);
      if (stream.out.empty()) poll_.change(stream.socket, &stream, EPOLLIN);
    }
    if (!read_some(stream.socket, stream.in)) return end(stream, true);
    if (!stream.has_head) {
      const std::optional<Head> head = read_head(stream.in);
      if (!head) return;
      if (head->status != 200 || !head->is_chunked) return end(stream, true);
      stream.has_head = true;
      stream.in.erase(0, head->size);
    }
    stream.events += stream.chunks.read(stream.in);
    stream.in.clear();
    take_events(stream);
    if (stream.chunks.ended()) end(stream, !stream.is_done);
  }

  void take_events(Stream& stream) {
    size_t begin = 0;
    for (size_t end = 0; (end = stream.events.find("\n\n", begin)) != std::string::npos; begin = end + 2) {
      note(std::string_view(stream.events).substr(begin, end - begin), stream);
    }
    stream.events.erase(0, begin);
  }

  void note(std::string_view event, Stream& stream) {
    constexpr std::string_view kStamp = "\"content\":\"@";
    const size_t at = event.find(kStamp);
    stream.is_done = event.find("[DONE]") != std::string_view::npos;
    if (at == std::string_view::npos) return;
    const int64_t sent_ns = std::atoll(std::string(event.substr(at + kStamp.size(), 24)).c_str());
    outcome_.delays.add(std::chrono::nanoseconds(Clock::now().time_since_epoch().count() - sent_ns));
    ++outcome_.events;
  }

  void end(Stream& stream, bool is_broken) {
    stream.has_ended = true;
    stream.socket = Descriptor();
    ++n_ended_;
    outcome_.broken += is_broken ? 1 : 0;
  }

  const int port_;
  const std::string request_;
  Poll poll_;
  std::vector<Stream> streams_;
  Outcome outcome_;
  int64_t n_ended_ = 0;
};

// ---- the commands

std::string request_of(const Flags& flags, int port) {
  const std::string body = read_file(flags.text("body", ""));
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\nAuthorization: Bearer bench\r\n"
      "Content-Length: {}\r\n\r\n{}",
      flags.text("path", "/v1/chat/completions"), port, body.size(), body);
}

void write_raw(const Flags& flags, const Latencies& latencies) {
  const std::string file = flags.text("raw", "");
  if (file.empty()) return;
  std::string lines;
  for (const int64_t ns : latencies.ns()) fmt::format_to(std::back_inserter(lines), "{}\n", ns);
  write_file_atomically(file, lines);
}

std::string percentiles(Latencies& latencies) {
  return fmt::format(R"("p50_us":{:.1f},"p90_us":{:.1f},"p99_us":{:.1f},"max_us":{:.1f})", latencies.percentile_us(50),
                     latencies.percentile_us(90), latencies.percentile_us(99), latencies.percentile_us(100));
}

void print(Outcome& outcome, const Flags& flags) {
  write_raw(flags, outcome.latencies);
  fmt::print(R"({{"asked":{:.0f},"reached":{:.0f},"sent":{},"errors":{},{}}})"
             "\n",
             outcome.asked_per_second, outcome.reached_per_second, outcome.sent, outcome.errors,
             percentiles(outcome.latencies));
}

void run_rate(Requests& requests, const Flags& flags) {
  const double rate = flags.number("rate", 1000);
  const auto total = static_cast<int64_t>(flags.number("total", rate * flags.number("seconds", 5)));
  if (rate <= 0 || total <= 0) throw Error(ErrorCode::kInvalidInput, "--rate, --seconds: expected more than 0");
  if (const double warm_up = flags.number("warm-up", 0); warm_up > 0) {
    requests.at_rate(rate, static_cast<int64_t>(rate * warm_up) + 1);
  }
  Outcome outcome = requests.at_rate(rate, total);
  print(outcome, flags);
}

// First what bounds it, then down in steps of 5% until a rate is sustained.
void run_most(Requests& requests, const Flags& flags) {
  const double s = flags.number("seconds", 2);
  if (const double warm_up = flags.number("warm-up", 0.5); warm_up > 0) requests.as_fast_as_it_goes(warm_up);
  const double bound = requests.as_fast_as_it_goes(s).reached_per_second;
  if (bound <= 0) throw Error(ErrorCode::kNetwork, "nothing was answered");
  for (double share = 1.0; share > 0.3; share -= 0.05) {
    Outcome outcome = requests.at_rate(bound * share, static_cast<int64_t>(bound * share * s) + 1);
    const bool is_sustained =
        outcome.errors == 0 && outcome.reached_per_second >= kSustainedShare * outcome.asked_per_second;
    if (!is_sustained) continue;
    write_raw(flags, outcome.latencies);
    fmt::print(R"({{"most":{:.0f},"bound":{:.0f},{}}})"
               "\n",
               outcome.reached_per_second, bound, percentiles(outcome.latencies));
    return;
  }
  throw Error(ErrorCode::kNetwork, fmt::format("no rate from {:.0f}/s down was sustained", bound));
}

void run_streams(const Flags& flags, int port) {
  const auto n = static_cast<int>(flags.number("streams", 500));
  const double events = flags.number("events", 250);
  const double per_second = flags.number("events-per-second", 50);
  Streams streams(port, request_of(flags, port), n);
  const Clock::time_point begin = Clock::now();
  Streams::Outcome outcome = streams.run(3 * events / per_second + 10);
  write_raw(flags, outcome.delays);
  fmt::print(R"({{"streams":{},"events":{},"expected":{:.0f},"broken":{},"seconds":{:.1f},{}}})"
             "\n",
             n, outcome.events, n * events, outcome.broken, seconds(Clock::now() - begin), percentiles(outcome.delays));
}

int run(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const Flags flags(argc, argv, 2);
  const auto port = static_cast<int>(flags.number("port", 0));
  if (mode == "streams") {
    run_streams(flags, port);
    return 0;
  }
  if (mode != "rate" && mode != "most") {
    throw Error(ErrorCode::kInvalidInput, "expected rate, most or streams, got \"" + mode + "\"");
  }
  Requests requests(port, request_of(flags, port), static_cast<int>(flags.number("connections", 32)));
  mode == "rate" ? run_rate(requests, flags) : run_most(requests, flags);
  return 0;
}

}  // namespace
}  // namespace understudy::bench

int main(int argc, char** argv) {
  try {
    return understudy::bench::run(argc, argv);
  } catch (const understudy::Error& error) {
    fmt::print(stderr, "load: {}\n", error.message());
    return 1;
  }
}
