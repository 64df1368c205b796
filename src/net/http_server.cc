#include "net/http_server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <ctime>
#include <exception>
#include <new>
#include <set>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"

namespace understudy {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Strand = asio::strand<asio::io_context::executor_type>;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Strand>;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Strand>;

namespace {

// A refused client may still be sending: its answer is lost if the socket is closed on bytes that nobody read (RFC
// 9112, 9.6).
constexpr std::chrono::milliseconds kLinger{2000};
// After accept() failed for want of descriptors or memory.
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr size_t kReadBytes = 16 * 1024;

std::string http_date(std::time_t now) {  // RFC 9110, 5.6.7
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 40> text{};
  const size_t length = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return std::string(text.data(), length);
}

class StrandExecutor : public Executor {
 public:
  explicit StrandExecutor(Strand strand) : strand_(std::move(strand)) {}
  void post(std::function<void()> job) override { asio::post(strand_, std::move(job)); }

 private:
  Strand strand_;
};

}  // namespace

class Connection;

// What the connections share: the options, the handlers, the list of them all.
struct HttpServer::Loop {
  Loop(const HttpServerOptions& given, HttpHandler handle, HttpErrorWriter write_error)
      : options(given), handler(std::move(handle)), errors(std::move(write_error)), guard(context.get_executor()) {}

  void listen();
  void accept_next();
  void accepted(error_code code, Socket socket);
  void turn_away(Socket socket);
  void take_in(Socket socket) EXCLUDES(mutex);
  void forget(const std::shared_ptr<Connection>& connection) EXCLUDES(mutex);
  // Posts the member function to every connection's strand.
  void tell_all(void (Connection::*what)()) EXCLUDES(mutex);
  bool wait_for_all(std::chrono::milliseconds time) EXCLUDES(mutex);

  // Constant after start.
  HttpServerOptions options;
  HttpHandler handler;
  HttpErrorWriter errors;
  ListenAddress address;
  std::vector<std::thread> threads;

  asio::io_context context;
  asio::executor_work_guard<asio::io_context::executor_type> guard;
  Strand accept_strand{asio::make_strand(context)};  // the next two are used on it only
  asio::ip::tcp::acceptor acceptor{accept_strand};
  asio::steady_timer accept_pause{accept_strand};
  std::atomic<bool> draining{false};

  Mutex mutex;
  CondVar gone;
  std::set<std::shared_ptr<Connection>> connections GUARDED_BY(mutex);
  bool stopped GUARDED_BY(mutex) = false;
};

// One client. Everything here runs on its strand. Shared with the timer's and the watch's pending callbacks, which may
// come after the coroutine's end.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(HttpServer::Loop& loop, Socket socket)
      : loop_(loop),
        socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        executor_(socket_.get_executor()),
        reader_(loop.options.reader) {}

  Strand strand() { return socket_.get_executor(); }
  Awaitable<void> serve();
  void close_if_idle() {
    if (waits_for_request_) cancel_reading();
  }
  void abort() {
    aborted_ = true;
    stop_.request_stop();
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  struct Transfer {
    error_code code;
    size_t bytes = 0;
    bool timed_out = false;
  };
  template <class Start>
  class Operation;
  template <class Start>
  Operation<Start> operation(Clock::time_point deadline, Start start) {
    return Operation<Start>(*this, deadline, std::move(start));
  }
  class WatchEnd;

  Awaitable<bool> read_request(HttpRequest& request);
  Awaitable<bool> receive(Clock::time_point deadline);
  Awaitable<void> serve_one(HttpRequest& request);
  Awaitable<HttpResponse> answer(const HttpRequest& request);
  Awaitable<void> write(HttpResponse& response, bool is_head);
  Awaitable<void> write_stream(ResponseStream& stream, bool chunked);
  Awaitable<bool> send(const std::string& bytes);
  Awaitable<void> refuse(HttpFault fault);
  Awaitable<void> linger();
  std::string head_of(const HttpResponse& response) const;

  void arm(Clock::time_point deadline);
  void disarm();
  // Both ends may have closed the socket by then: nothing is left to cancel, and that is no failure.
  void cancel_reading() {
    error_code closed;
    socket_.cancel(closed);
  }
  void start_watching_client();
  void client_is_readable(const error_code& code);

  HttpServer::Loop& loop_;
  Socket socket_;
  Timer timer_;
  StrandExecutor executor_;
  HttpRequestReader reader_;
  std::array<char, kReadBytes> received_{};

  uint64_t timer_round_ = 0;  // a timer's callback of an older round says nothing any more
  bool timed_out_ = false;
  bool waits_for_request_ = false;
  bool goes_on_ = true;   // another request may follow on this connection
  bool lingers_ = false;  // a refusal was written to a client that may still be sending
  bool aborted_ = false;

  std::stop_source stop_;  // of the request being answered
  bool watching_ = false;
  asio::cancellation_signal watch_end_;
  std::coroutine_handle<> waits_for_watch_;
};

// An operation of Asio as something to await, with a deadline: when it passes, everything on the socket is cancelled.
template <class Start>
class Connection::Operation {
 public:
  Operation(Connection& connection, Clock::time_point deadline, Start start)
      : connection_(connection), deadline_(deadline), start_(std::move(start)) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    connection_.arm(deadline_);
    start_([this, waiting](error_code code, size_t bytes) {
      result_ = {code, bytes, code == asio::error::operation_aborted && connection_.timed_out_};
      connection_.disarm();
      waiting.resume();
    });
  }
  Transfer await_resume() const { return result_; }

 private:
  Connection& connection_;
  Clock::time_point deadline_;
  Start start_;
  Transfer result_;
};

// Waits until the watch over the client has ended, so that the next read has the socket to itself.
class Connection::WatchEnd {
 public:
  explicit WatchEnd(Connection& connection) : connection_(connection) {}
  bool await_ready() const noexcept { return !connection_.watching_; }
  void await_suspend(std::coroutine_handle<> waiting) {
    connection_.waits_for_watch_ = waiting;
    connection_.watch_end_.emit(asio::cancellation_type::terminal);
  }
  void await_resume() const noexcept {}

 private:
  Connection& connection_;
};

void Connection::arm(Clock::time_point deadline) {
  timed_out_ = false;
  const uint64_t round = ++timer_round_;
  timer_.expires_at(deadline);
  timer_.async_wait([self = shared_from_this(), round](const error_code& code) {
    if (code || round != self->timer_round_) return;
    self->timed_out_ = true;
    self->cancel_reading();
  });
}

void Connection::disarm() {
  ++timer_round_;
  timer_.cancel();
}

void Connection::start_watching_client() {
  watching_ = true;
  socket_.async_wait(Socket::wait_read, asio::bind_cancellation_slot(
                                            watch_end_.slot(), [self = shared_from_this()](const error_code& code) {
                                              self->client_is_readable(code);
                                            }));
}

void Connection::client_is_readable(const error_code& code) {
  watching_ = false;
  if (!code && socket_.is_open()) {
    // Bytes: the client has sent its next request early, and from now on shows only at the next write that it left.
    char byte = 0;
    const ssize_t count = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) stop_.request_stop();
  }
  if (waits_for_watch_) std::exchange(waits_for_watch_, nullptr).resume();
}

Awaitable<void> Connection::serve() {
  while (goes_on_) {
    HttpRequest request;
    // abort() may come between a request's last byte and here: then nobody would ever stop its handler.
    if (!co_await read_request(request) || aborted_) break;
    co_await serve_one(request);
  }
  if (lingers_ && !aborted_) co_await linger();
  error_code ignored;
  socket_.close(ignored);
}

// True once a request is there. False when the connection has to end: closed, idle for too long, draining, or refused.
Awaitable<bool> Connection::read_request(HttpRequest& request) {
  enum class Phase { kIdle, kHeader, kBody };
  const HttpServerOptions& options = loop_.options;
  Phase phase = Phase::kIdle;
  Clock::time_point deadline = Clock::now() + options.idle;
  while (true) {
    const HttpRequestReader::State state = reader_.read();
    if (state == HttpRequestReader::State::kComplete) break;
    if (state == HttpRequestReader::State::kFault) {
      HttpFault fault = reader_.fault();
      co_await refuse(std::move(fault));
      co_return false;
    }
    if (state == HttpRequestReader::State::kWantsContinue && !co_await send("HTTP/1.1 100 Continue\r\n\r\n")) {
      co_return false;
    }
    const Phase now = reader_.idle() ? Phase::kIdle : reader_.in_header() ? Phase::kHeader : Phase::kBody;
    if (now != phase) deadline = Clock::now() + (now == Phase::kHeader ? options.header : options.body);
    phase = now;
    waits_for_request_ = phase == Phase::kIdle;
    if (waits_for_request_ && loop_.draining) co_return false;
    const bool received = co_await receive(deadline);
    waits_for_request_ = false;
    if (!received) {
      if (!timed_out_ || phase == Phase::kIdle) co_return false;
      HttpFault too_slow{408, Error(ErrorCode::kInvalidInput, "the request took too long to arrive")};
      co_await refuse(std::move(too_slow));
      co_return false;
    }
  }
  request = reader_.take();
  co_return true;
}

Awaitable<bool> Connection::receive(Clock::time_point deadline) {
  const Transfer got = co_await operation(
      deadline, [this](auto done) { socket_.async_read_some(asio::buffer(received_), std::move(done)); });
  timed_out_ = got.timed_out;
  if (got.code) co_return false;
  reader_.feed(std::string_view(received_.data(), got.bytes));
  co_return true;
}

Awaitable<void> Connection::serve_one(HttpRequest& request) {
  stop_ = std::stop_source();
  request.call = {&executor_, stop_.get_token()};
  error_code ignored;
  request.peer = socket_.remote_endpoint(ignored).address().to_string();
  start_watching_client();
  HttpResponse response = co_await answer(request);
  co_await resume_on(executor_);  // a handler may end on another thread
  goes_on_ = reader_.keep_alive() && !loop_.draining;
  if (stop_.stop_requested()) {
    goes_on_ = false;  // the client left, or the server ends: there is nobody to answer
  } else {
    co_await write(response, request.method == "HEAD");
  }
  response.stream.reset();
  co_await WatchEnd(*this);
}

Awaitable<HttpResponse> Connection::answer(const HttpRequest& request) {
  std::optional<Error> error;
  try {
    co_return co_await loop_.handler(request);
  } catch (const Error& fault) {
    error = fault;
  } catch (const std::bad_alloc&) {
    error = Error(ErrorCode::kOutOfMemory, "out of memory");
  } catch (const std::exception& fault) {
    error = Error(ErrorCode::kInternal, fault.what());
  }
  if (error->code() == ErrorCode::kInternal) {
    // What went wrong inside is the operator's affair, not the client's.
    log_line(LogLevel::kError, fmt::format("{} {}: {}", request.method, request.path, error->message()));
    error = Error(ErrorCode::kInternal, "the server failed on this request");
  }
  co_return loop_.errors(http_status(error->code()), *error);
}

std::string Connection::head_of(const HttpResponse& response) const {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status, reason_phrase(response.status),
                                 http_date(std::time(nullptr)));
  for (const auto& [name, value] : response.headers) head += fmt::format("{}: {}\r\n", name, value);
  if (!goes_on_) head += "Connection: close\r\n";
  if (!response.stream) {
    head += fmt::format("Content-Length: {}\r\n", response.body.size());
  } else if (!reader_.is_http_1_0()) {
    head += "Transfer-Encoding: chunked\r\n";
  }
  return head + "\r\n";
}

Awaitable<void> Connection::write(HttpResponse& response, bool is_head) {
  const bool chunked = response.stream && !reader_.is_http_1_0();
  if (response.stream && !chunked) goes_on_ = false;  // HTTP/1.0: the end of the connection is the end of the body
  std::string bytes = head_of(response);
  if (!is_head) bytes += response.body;
  const bool sent = co_await send(bytes);
  if (sent && response.stream && !is_head) co_await write_stream(*response.stream, chunked);
}

Awaitable<void> Connection::write_stream(ResponseStream& stream, bool chunked) {
  bool failed = false;
  try {
    while (true) {
      std::optional<std::string> piece = co_await stream.next();
      if (!piece) break;
      const std::string bytes = chunked ? fmt::format("{:x}\r\n{}\r\n", piece->size(), *piece) : std::move(*piece);
      if (!co_await send(bytes)) co_return;
    }
  } catch (const std::exception& fault) {
    log_line(LogLevel::kError, fmt::format("an answer broke off: {}", fault.what()));
    failed = true;
  }
  if (failed) {
    goes_on_ = false;  // without the last chunk the client knows that this was not the whole
  } else if (chunked) {
    co_await send("0\r\n\r\n");
  }
}

// False when the client did not take it: then its request is stopped and the connection ends.
Awaitable<bool> Connection::send(const std::string& bytes) {
  const Transfer sent = co_await operation(Clock::now() + loop_.options.write, [this, &bytes](auto done) {
    asio::async_write(socket_, asio::buffer(bytes), std::move(done));
  });
  if (!sent.code) co_return true;
  goes_on_ = false;
  lingers_ = false;
  stop_.request_stop();
  co_return false;
}

Awaitable<void> Connection::refuse(HttpFault fault) {
  goes_on_ = false;
  lingers_ = true;
  HttpResponse response = loop_.errors(fault.status, fault.error);
  co_await write(response, false);
}

Awaitable<void> Connection::linger() {
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  const Clock::time_point deadline = Clock::now() + kLinger;
  while (true) {
    const Transfer got = co_await operation(
        deadline, [this](auto done) { socket_.async_read_some(asio::buffer(received_), std::move(done)); });
    if (got.code || Clock::now() > deadline) co_return;
  }
}

void HttpServer::Loop::listen() {
  asio::ip::tcp::resolver resolver(context);
  const std::string asked = options.listen.text();
  error_code code;
  const auto found = resolver.resolve(options.listen.host, std::to_string(options.listen.port),
                                      asio::ip::tcp::resolver::passive, code);
  if (code || found.empty()) {
    throw Error(ErrorCode::kNetwork, fmt::format("{}: no such host: {}", asked, code.message()));
  }
  const asio::ip::tcp::endpoint endpoint = found.begin()->endpoint();
  acceptor.open(endpoint.protocol(), code);
  if (!code) acceptor.set_option(asio::socket_base::reuse_address(true), code);
  if (!code) acceptor.bind(endpoint, code);
  if (!code) acceptor.listen(asio::socket_base::max_listen_connections, code);
  if (code == asio::error::address_in_use) {
    throw Error(ErrorCode::kNetwork, fmt::format("{}: the port is in use", asked),
                fmt::format("stop the program that has it, or choose another: --listen {} takes a free one",
                            ListenAddress{options.listen.host, 0}.text()));
  }
  if (code) throw Error(ErrorCode::kNetwork, fmt::format("{}: cannot listen: {}", asked, code.message()));
  address = {options.listen.host, acceptor.local_endpoint().port()};
}

void HttpServer::Loop::accept_next() {
  acceptor.async_accept(asio::make_strand(context),
                        [this](error_code code, Socket socket) { accepted(code, std::move(socket)); });
}

void HttpServer::Loop::accepted(error_code code, Socket socket) {
  if (draining || code == asio::error::operation_aborted) return;
  if (code) {
    accept_pause.expires_after(kAcceptPause);
    accept_pause.async_wait([this](const error_code& ended) {
      if (!ended && !draining) accept_next();
    });
    return;
  }
  bool is_full = false;
  {
    MutexLock lock(mutex);
    is_full = connections.size() >= options.connections;
  }
  is_full ? turn_away(std::move(socket)) : take_in(std::move(socket));
  accept_next();
}

// Says so as far as the socket takes it at once: who is too many must not cost a coroutine.
void HttpServer::Loop::turn_away(Socket socket) {
  const HttpResponse refusal = errors(503, Error(ErrorCode::kOverloaded, "too many connections"));
  const std::string bytes =
      fmt::format("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
                  refusal.body.size(), refusal.body);
  (void)::send(socket.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void HttpServer::Loop::take_in(Socket socket) {
  error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true),
                    ignored);  // a token is a small packet, and must not wait for the next
  const auto connection = std::make_shared<Connection>(*this, std::move(socket));
  {
    MutexLock lock(mutex);
    connections.insert(connection);
  }
  asio::post(connection->strand(), [this, connection] {
    start_detached(connection->serve(), [this, connection](const std::exception_ptr& fault) {
      if (fault) log_line(LogLevel::kError, "a connection ended in an exception");
      forget(connection);
    });
  });
}

void HttpServer::Loop::forget(const std::shared_ptr<Connection>& connection) {
  MutexLock lock(mutex);
  connections.erase(connection);
  gone.notify_all();
}

void HttpServer::Loop::tell_all(void (Connection::*what)()) {
  MutexLock lock(mutex);
  for (const std::shared_ptr<Connection>& connection : connections) {
    asio::post(connection->strand(), [connection, what] { (connection.get()->*what)(); });
  }
}

bool HttpServer::Loop::wait_for_all(std::chrono::milliseconds time) {
  const Clock::time_point deadline = Clock::now() + time;
  MutexLock lock(mutex);
  while (!connections.empty() && Clock::now() < deadline) gone.wait_for(mutex, deadline - Clock::now());
  return connections.empty();
}

HttpServer::HttpServer(const HttpServerOptions& options, HttpHandler handler, HttpErrorWriter errors)
    : loop_(std::make_unique<Loop>(options, std::move(handler), std::move(errors))) {
  loop_->listen();
}

HttpServer::~HttpServer() {
  stop(std::chrono::milliseconds(0));
}

const ListenAddress& HttpServer::address() const {
  return loop_->address;
}

void HttpServer::start() {
  asio::post(loop_->accept_strand, [loop = loop_.get()] { loop->accept_next(); });
  for (int i = 0; i < loop_->options.threads; ++i) loop_->threads.emplace_back([this] { loop_->context.run(); });
}

void HttpServer::stop(std::chrono::milliseconds drain) {
  {
    MutexLock lock(loop_->mutex);
    if (std::exchange(loop_->stopped, true)) return;
  }
  loop_->draining = true;
  asio::post(loop_->accept_strand, [loop = loop_.get()] {
    error_code ignored;
    loop->acceptor.close(ignored);
    loop->accept_pause.cancel();
  });
  loop_->tell_all(&Connection::close_if_idle);
  if (!loop_->wait_for_all(drain)) {
    loop_->tell_all(&Connection::abort);
    // Handlers give up when they are told to stop; that they do is their contract, and a second Ctrl-C ends the
    // process.
    while (!loop_->wait_for_all(std::chrono::milliseconds(1000))) {
    }
  }
  loop_->guard.reset();
  for (std::thread& thread : loop_->threads) thread.join();
}

}  // namespace understudy
