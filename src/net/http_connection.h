// One client of an HttpServer, for http_server.cc: a coroutine on a strand of its own that reads a request, calls the
// handler, writes the response, again. Everything but the constructor runs on the strand. Shared with the pending
// callbacks of its timer and its watch, which may come after the coroutine's end.
//
// The socket is read and written directly, as far as it goes at once; only then does the connection wait for the
// socket. The wait for bytes of the next request is also the watch over a client whose request is being answered.
#pragma once

#include <atomic>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <coroutine>
#include <memory>
#include <string>
#include <string_view>

#include "net/http_server.h"
#include "net/io_loop.h"
#include "net/tls.h"

namespace understudy {

using HttpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Strand>;

// What the connections of a server have in common. Outlives them.
struct HttpService {
  const HttpServerOptions options;
  const HttpHandler handler;
  const HttpErrorWriter errors;
  std::atomic<bool> draining{false};
};

class StrandExecutor : public Executor {
 public:
  explicit StrandExecutor(Strand strand) : strand_(std::move(strand)) {}
  void post(std::function<void()> job) override { boost::asio::post(strand_, std::move(job)); }

 private:
  const Strand strand_;
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(const HttpService& service, HttpSocket socket, std::unique_ptr<TlsSession> tls);

  Strand strand() { return socket_.get_executor(); }
  Awaitable<void> serve();
  void close_if_idle();
  void abort();

 private:
  using Clock = std::chrono::steady_clock;
  using Timer = boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, Strand>;
  class Readiness;

  Awaitable<bool> shake_hands();
  Awaitable<bool> read_request(HttpRequest& request);
  Awaitable<bool> receive(Clock::time_point deadline);
  Awaitable<void> serve_one(HttpRequest& request);
  Awaitable<HttpResponse> answer(const HttpRequest& request);
  bool is_sound(const HttpResponse& response) const;
  Awaitable<void> write(HttpResponse& response, bool is_head);
  Awaitable<void> write_stream(ResponseStream& stream, bool chunked);
  Awaitable<bool> send(std::string_view first, std::string_view second = {}, std::string_view third = {});
  Awaitable<void> refuse(HttpFault fault);
  Awaitable<void> linger();
  std::string head_of(const HttpResponse& response) const;

  Moved read_some();
  Moved write_some(std::string_view first, std::string_view second, std::string_view third);
  bool client_has_left();

  void watch();
  void became_readable(const boost::system::error_code& code);
  void cancel_waits();
  void arm(Clock::time_point deadline);
  void disarm() { deadline_ = Clock::time_point::max(); }
  void start_timer(Clock::time_point at);
  void timer_rang();

  const HttpService& service_;
  HttpSocket socket_;
  const int descriptor_;                   // the socket's; open until serve() ends
  const std::unique_ptr<TlsSession> tls_;  // null: plain
  StrandExecutor executor_;
  HttpRequestReader reader_;
  std::string peer_;

  // One timer that may ring too early: setting it anew for every wait costs more than that.
  Timer timer_;
  Clock::time_point timer_at_ = Clock::time_point::max();  // when it rings; max: never
  Clock::time_point deadline_ = Clock::time_point::max();  // of the wait under way
  bool timed_out_ = false;                                 // the last wait

  bool watching_ = false;   // a wait for readability is under way
  bool answering_ = false;  // it is a watch over the client
  std::coroutine_handle<> waits_for_bytes_;

  bool waits_for_request_ = false;
  bool goes_on_ = true;   // another request may follow on this connection
  bool lingers_ = false;  // a refusal was written to a client that may still be sending
  bool aborted_ = false;
  std::stop_source stop_;  // of the request being answered
};

}  // namespace understudy
