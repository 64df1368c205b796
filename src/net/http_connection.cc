#include "net/http_connection.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <exception>
#include <new>
#include <utility>

#include "base/log.h"

namespace understudy {

using boost::system::error_code;

namespace {

// A refused client may still be sending: its answer is lost if the socket is closed on bytes that nobody read (RFC
// 9112, 9.6).
constexpr std::chrono::milliseconds kLinger{2000};
constexpr size_t kReadBytes = 16 * 1024;

// What the connection itself says of a response.
constexpr std::string_view kOfTheConnection[] = {"connection", "content-length", "transfer-encoding", "date"};

std::string http_date(std::time_t now) {  // RFC 9110, 5.6.7
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 40> text{};
  const size_t length = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return std::string(text.data(), length);
}

Moved moved_of(ssize_t count) {
  if (count >= 0) return {Progress::kDone, static_cast<size_t>(count)};
  const bool is_later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  return {is_later ? Progress::kWantsWrite : Progress::kBroken, 0};
}

}  // namespace

// co_await: until the socket can be read, or written, or the deadline has passed. True where it can.
class HttpConnection::Readiness {
 public:
  Readiness(HttpConnection& connection, Progress wanted, Clock::time_point deadline)
      : connection_(connection), wanted_(wanted), deadline_(deadline) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    connection_.arm(deadline_);
    if (wanted_ == Progress::kWantsRead) {
      connection_.waits_for_bytes_ = waiting;
      connection_.watch();
      return;
    }
    connection_.socket_.async_wait(HttpSocket::wait_write,
                                   [this, waiting, keep = connection_.shared_from_this()](const error_code&) {
                                     connection_.disarm();
                                     waiting.resume();
                                   });
  }
  bool await_resume() const noexcept { return !connection_.timed_out_ && !connection_.aborted_; }

 private:
  HttpConnection& connection_;
  Progress wanted_;
  Clock::time_point deadline_;
};

HttpConnection::HttpConnection(const HttpService& service, HttpSocket socket, std::unique_ptr<TlsSession> tls)
    : service_(service),
      socket_(std::move(socket)),
      descriptor_(socket_.native_handle()),
      tls_(std::move(tls)),
      executor_(socket_.get_executor()),
      reader_(service.options.reader),
      timer_(socket_.get_executor()) {
  error_code ignored;
  peer_ = socket_.remote_endpoint(ignored).address().to_string();
}

// ---- from outside

void HttpConnection::close_if_idle() {
  if (waits_for_request_) cancel_waits();
}

// The socket stays open, so that its number is nobody else's while the coroutine is still at it.
void HttpConnection::abort() {
  aborted_ = true;
  stop_.request_stop();
  error_code ignored;
  socket_.shutdown(HttpSocket::shutdown_both, ignored);
  cancel_waits();
}

// ---- the socket

// Both ends may have closed the socket by then: nothing is left to cancel, and that is no failure.
void HttpConnection::cancel_waits() {
  error_code closed;
  socket_.cancel(closed);
}

Moved HttpConnection::read_some() {
  std::array<char, kReadBytes> bytes;  // filled by the read
  Moved moved;
  if (tls_) {
    moved = tls_->read(bytes.data(), bytes.size());
  } else {
    moved = moved_of(::recv(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT));
    if (moved.progress == Progress::kDone && moved.bytes == 0) moved.progress = Progress::kEnded;
    if (moved.progress == Progress::kWantsWrite) moved.progress = Progress::kWantsRead;
  }
  if (moved.progress == Progress::kDone) reader_.feed(std::string_view(bytes.data(), moved.bytes));
  return moved;
}

Moved HttpConnection::write_some(std::string_view first, std::string_view second, std::string_view third) {
  if (tls_) return tls_->write(!first.empty() ? first : !second.empty() ? second : third);
  std::array<iovec, 3> pieces{};
  size_t count = 0;
  for (const std::string_view piece : {first, second, third}) {
    if (!piece.empty()) pieces[count++] = {const_cast<char*>(piece.data()), piece.size()};
  }
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = count;
  return moved_of(::sendmsg(descriptor_, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

void HttpConnection::watch() {
  if (std::exchange(watching_, true)) return;
  socket_.async_wait(HttpSocket::wait_read,
                     [self = shared_from_this()](const error_code& code) { self->became_readable(code); });
}

void HttpConnection::became_readable(const error_code& code) {
  watching_ = false;
  if (waits_for_bytes_) {
    disarm();
    std::exchange(waits_for_bytes_, nullptr).resume();
  } else if (answering_ && !code && client_has_left()) {
    stop_.request_stop();
  }
}

// Bytes that have come mean that the client has sent its next request early, and from now on shows only at the next
// write that it left.
bool HttpConnection::client_has_left() {
  Progress progress = Progress::kDone;
  if (tls_) {
    progress = tls_->peek();
  } else {
    char byte = 0;
    const ssize_t count = ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    progress = count == 0 ? Progress::kEnded : moved_of(count).progress;
    if (progress == Progress::kWantsWrite) progress = Progress::kWantsRead;
  }
  if (progress == Progress::kWantsRead) watch();  // bytes of TLS itself, or nothing at all
  return progress == Progress::kEnded || progress == Progress::kBroken;
}

void HttpConnection::arm(Clock::time_point deadline) {
  timed_out_ = false;
  deadline_ = deadline;
  if (deadline < timer_at_) start_timer(deadline);
}

void HttpConnection::start_timer(Clock::time_point at) {
  timer_at_ = at;
  timer_.expires_at(at);
  timer_.async_wait([self = shared_from_this()](const error_code& code) {
    if (!code) self->timer_rang();
  });
}

void HttpConnection::timer_rang() {
  timer_at_ = Clock::time_point::max();
  if (deadline_ == Clock::time_point::max()) return;  // the next wait sets it
  if (Clock::now() < deadline_) {
    start_timer(deadline_);
    return;
  }
  timed_out_ = true;
  cancel_waits();
}

// ---- requests

Awaitable<void> HttpConnection::serve() {
  if (tls_ && !co_await shake_hands()) goes_on_ = false;
  while (goes_on_) {
    HttpRequest request;
    // abort() may come between a request's last byte and here: then nobody would ever stop its handler.
    if (!co_await read_request(request) || aborted_) break;
    co_await serve_one(request);
  }
  if (tls_) tls_->say_goodbye();
  if (lingers_ && !aborted_) co_await linger();
  error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
}

Awaitable<bool> HttpConnection::shake_hands() {
  const Clock::time_point deadline = Clock::now() + service_.options.header;
  waits_for_request_ = true;
  Progress progress = tls_->handshake();
  while (progress == Progress::kWantsRead || progress == Progress::kWantsWrite) {
    if (service_.draining || !co_await Readiness(*this, progress, deadline)) break;
    progress = tls_->handshake();
  }
  waits_for_request_ = false;
  co_return progress == Progress::kDone;
}

// True once a request is there. False when the connection has to end: closed, idle for too long, draining, or refused.
Awaitable<bool> HttpConnection::read_request(HttpRequest& request) {
  enum class Phase { kIdle, kHeader, kBody };
  const HttpServerOptions& options = service_.options;
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
    if (waits_for_request_ && service_.draining) co_return false;
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

// A watch from the last request says when there is something to read: till then reading is not even tried.
Awaitable<bool> HttpConnection::receive(Clock::time_point deadline) {
  timed_out_ = false;
  Progress wanted = watching_ && !(tls_ && tls_->has_unread()) ? Progress::kWantsRead : Progress::kDone;
  while (true) {
    if (wanted != Progress::kDone && !co_await Readiness(*this, wanted, deadline)) co_return false;
    if (waits_for_request_ && service_.draining) co_return false;
    const Moved got = read_some();
    if (got.progress == Progress::kDone) co_return true;
    if (got.progress == Progress::kEnded || got.progress == Progress::kBroken) co_return false;
    wanted = got.progress;
  }
}

Awaitable<void> HttpConnection::serve_one(HttpRequest& request) {
  stop_ = std::stop_source();
  request.call = {&executor_, stop_.get_token()};
  request.peer = peer_;
  answering_ = true;
  watch();
  HttpResponse response = co_await answer(request);
  co_await resume_on(executor_);  // a handler may end on another thread
  goes_on_ = reader_.keep_alive() && !service_.draining;
  if (stop_.stop_requested()) {
    goes_on_ = false;  // the client left, or the server ends: there is nobody to answer
  } else {
    co_await write(response, request.method == "HEAD");
  }
  response.stream.reset();
  answering_ = false;
}

Awaitable<HttpResponse> HttpConnection::answer(const HttpRequest& request) {
  std::optional<Error> error;
  try {
    HttpResponse response = co_await service_.handler(request);
    if (is_sound(response)) co_return response;
    error = Error(ErrorCode::kInternal, "a header of the response holds a control character");
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
  co_return service_.errors(http_status(error->code()), *error);
}

// ---- responses

// A header that could end its line would let whoever has a say in it write headers, or a whole response, of their own.
bool HttpConnection::is_sound(const HttpResponse& response) const {
  return std::all_of(response.headers.begin(), response.headers.end(),
                     [](const auto& header) { return is_header_name(header.first) && is_header_value(header.second); });
}

std::string HttpConnection::head_of(const HttpResponse& response) const {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status, reason_phrase(response.status),
                                 http_date(std::time(nullptr)));
  for (const auto& [name, value] : response.headers) {
    const bool is_ours = std::any_of(std::begin(kOfTheConnection), std::end(kOfTheConnection),
                                     [&name = name](std::string_view own) { return equal_ignoring_case(name, own); });
    if (!is_ours) fmt::format_to(std::back_inserter(head), "{}: {}\r\n", name, value);
  }
  if (!goes_on_) head += "Connection: close\r\n";
  if (!response.stream) {
    fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", response.body.size());
  } else if (!reader_.is_http_1_0()) {
    head += "Transfer-Encoding: chunked\r\n";
  }
  return head + "\r\n";
}

Awaitable<void> HttpConnection::write(HttpResponse& response, bool is_head) {
  const bool chunked = response.stream && !reader_.is_http_1_0();
  if (response.stream && !chunked) goes_on_ = false;  // HTTP/1.0: the end of the connection is the end of the body
  const std::string head = head_of(response);
  const bool sent = co_await send(head, is_head ? std::string_view() : response.body);
  if (sent && response.stream && !is_head) co_await write_stream(*response.stream, chunked);
}

Awaitable<void> HttpConnection::write_stream(ResponseStream& stream, bool chunked) {
  bool failed = false;
  try {
    while (true) {
      const std::optional<std::string> piece = co_await stream.next();
      if (!piece) break;
      const std::string size = chunked ? fmt::format("{:x}\r\n", piece->size()) : "";
      if (!co_await send(size, *piece, chunked ? "\r\n" : "")) co_return;
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
Awaitable<bool> HttpConnection::send(std::string_view first, std::string_view second, std::string_view third) {
  std::string joined;
  if (tls_ && !second.empty()) {  // one record, not three
    joined.append(first).append(second).append(third);
    first = joined;
    second = third = {};
  }
  const Clock::time_point deadline = Clock::now() + service_.options.write;
  while (!first.empty() || !second.empty() || !third.empty()) {
    const Moved moved = write_some(first, second, third);
    if (moved.progress == Progress::kDone) {
      size_t left = moved.bytes;
      for (std::string_view* piece : {&first, &second, &third}) {
        const size_t taken = std::min(left, piece->size());
        piece->remove_prefix(taken);
        left -= taken;
      }
      continue;
    }
    const bool can_wait = moved.progress == Progress::kWantsWrite || moved.progress == Progress::kWantsRead;
    if (can_wait && co_await Readiness(*this, moved.progress, deadline)) continue;
    goes_on_ = false;
    lingers_ = false;
    stop_.request_stop();
    co_return false;
  }
  co_return true;
}

Awaitable<void> HttpConnection::refuse(HttpFault fault) {
  goes_on_ = false;
  lingers_ = true;
  HttpResponse response = service_.errors(fault.status, fault.error);
  co_await write(response, false);
}

Awaitable<void> HttpConnection::linger() {
  error_code ignored;
  socket_.shutdown(HttpSocket::shutdown_send, ignored);
  const Clock::time_point deadline = Clock::now() + kLinger;
  std::array<char, kReadBytes> dropped;
  while (Clock::now() < deadline) {
    if (!co_await Readiness(*this, Progress::kWantsRead, deadline)) co_return;
    const ssize_t count = ::recv(descriptor_, dropped.data(), dropped.size(), MSG_DONTWAIT);
    if (count == 0 || (count < 0 && moved_of(count).progress == Progress::kBroken)) co_return;
  }
}

}  // namespace understudy
