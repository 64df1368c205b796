#include "net/http_server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <future>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"
#include "net/http_connection.h"

namespace understudy {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

namespace {

// After accept() failed for want of descriptors or memory.
constexpr std::chrono::milliseconds kAcceptPause{100};

}  // namespace

// The acceptor and the list of connections.
struct HttpServer::Loop {
  Loop(const HttpServerOptions& options, HttpHandler handler, HttpErrorWriter errors, IoThreads* shared);

  void listen();
  void accept_next();
  void accepted(error_code code, HttpSocket socket);
  void accepting_ends() EXCLUDES(mutex);
  void turn_away(HttpSocket socket);
  void take_in(HttpSocket socket) EXCLUDES(mutex);
  void forget(const std::shared_ptr<HttpConnection>& connection) EXCLUDES(mutex);
  // Posts the member function to every connection's strand.
  void tell_all(void (HttpConnection::*what)()) EXCLUDES(mutex);
  bool wait_for_all(std::chrono::milliseconds time) EXCLUDES(mutex);

  HttpService service;
  ListenAddress address;            // constant after listen()
  std::unique_ptr<TlsContext> tls;  // constant
  std::unique_ptr<IoThreads> own_threads;
  asio::io_context& context;
  Strand accept_strand{asio::make_strand(context)};  // the next two are used on it only
  asio::basic_socket_acceptor<asio::ip::tcp, Strand> acceptor{accept_strand};
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Strand> accept_pause{accept_strand};

  Mutex mutex;
  CondVar gone;
  std::set<std::shared_ptr<HttpConnection>> connections GUARDED_BY(mutex);
  bool accepting GUARDED_BY(mutex) = false;  // the acceptor's callback is still to come
  bool stopped GUARDED_BY(mutex) = false;
};

HttpServer::Loop::Loop(const HttpServerOptions& options, HttpHandler handler, HttpErrorWriter errors, IoThreads* shared)
    : service{options, std::move(handler), std::move(errors)},
      tls(options.tls ? std::make_unique<TlsContext>(*options.tls) : nullptr),
      own_threads(shared == nullptr ? std::make_unique<IoThreads>(options.threads) : nullptr),
      context((shared == nullptr ? *own_threads : *shared).loop().context) {
  listen();
}

void HttpServer::Loop::listen() {
  asio::ip::tcp::resolver resolver(context);
  const ListenAddress& listen = service.options.listen;
  const std::string asked = listen.text();
  error_code code;
  const auto found = resolver.resolve(listen.host, std::to_string(listen.port), asio::ip::tcp::resolver::passive, code);
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
                            ListenAddress{listen.host, 0}.text()));
  }
  if (code) throw Error(ErrorCode::kNetwork, fmt::format("{}: cannot listen: {}", asked, code.message()));
  address = {listen.host, acceptor.local_endpoint().port()};
}

void HttpServer::Loop::accept_next() {
  acceptor.async_accept(asio::make_strand(context),
                        [this](error_code code, HttpSocket socket) { accepted(code, std::move(socket)); });
}

void HttpServer::Loop::accepted(error_code code, HttpSocket socket) {
  if (service.draining || code == asio::error::operation_aborted) {
    accepting_ends();
    return;
  }
  if (code) {
    accept_pause.expires_after(kAcceptPause);
    accept_pause.async_wait(
        [this](const error_code& ended) { ended || service.draining ? accepting_ends() : accept_next(); });
    return;
  }
  bool is_full = false;
  {
    MutexLock lock(mutex);
    is_full = connections.size() >= service.options.connections;
  }
  is_full ? turn_away(std::move(socket)) : take_in(std::move(socket));
  accept_next();
}

void HttpServer::Loop::accepting_ends() {
  MutexLock lock(mutex);
  accepting = false;
  gone.notify_all();
}

// Says so as far as the socket takes it at once: who is too many must not cost a coroutine. Under TLS it would cost a
// handshake to say anything.
void HttpServer::Loop::turn_away(HttpSocket socket) {
  if (tls) return;
  const HttpResponse refusal = service.errors(503, Error(ErrorCode::kOverloaded, "too many connections"));
  const std::string bytes =
      fmt::format("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
                  refusal.body.size(), refusal.body);
  (void)::send(socket.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void HttpServer::Loop::take_in(HttpSocket socket) {
  error_code ignored;
  // A token is a small packet, and must not wait for the next.
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  std::unique_ptr<TlsSession> session = tls ? tls->accept(socket.native_handle()) : nullptr;
  const auto connection = std::make_shared<HttpConnection>(service, std::move(socket), std::move(session));
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

void HttpServer::Loop::forget(const std::shared_ptr<HttpConnection>& connection) {
  MutexLock lock(mutex);
  connections.erase(connection);
  gone.notify_all();
}

void HttpServer::Loop::tell_all(void (HttpConnection::*what)()) {
  MutexLock lock(mutex);
  for (const std::shared_ptr<HttpConnection>& connection : connections) {
    asio::post(connection->strand(), [connection, what] { (connection.get()->*what)(); });
  }
}

bool HttpServer::Loop::wait_for_all(std::chrono::milliseconds time) {
  const Clock::time_point deadline = Clock::now() + time;
  MutexLock lock(mutex);
  while ((accepting || !connections.empty()) && Clock::now() < deadline) {
    gone.wait_for(mutex, deadline - Clock::now());
  }
  return !accepting && connections.empty();
}

HttpServer::HttpServer(const HttpServerOptions& options, HttpHandler handler, HttpErrorWriter errors)
    : loop_(std::make_unique<Loop>(options, std::move(handler), std::move(errors), nullptr)) {}

HttpServer::HttpServer(const HttpServerOptions& options, HttpHandler handler, HttpErrorWriter errors,
                       IoThreads& threads)
    : loop_(std::make_unique<Loop>(options, std::move(handler), std::move(errors), &threads)) {}

HttpServer::~HttpServer() {
  stop(std::chrono::milliseconds(0));
}

const ListenAddress& HttpServer::address() const {
  return loop_->address;
}

void HttpServer::start() {
  {
    MutexLock lock(loop_->mutex);
    loop_->accepting = true;
  }
  asio::post(loop_->accept_strand, [loop = loop_.get()] { loop->accept_next(); });
}

void HttpServer::reload_tls() {
  if (loop_->tls) loop_->tls->reload();
}

void HttpServer::stop(std::chrono::milliseconds drain) {
  {
    MutexLock lock(loop_->mutex);
    if (std::exchange(loop_->stopped, true)) return;
  }
  loop_->service.draining = true;
  const auto closed = std::make_shared<std::promise<void>>();  // shared: waking up must not free it under set_value()
  asio::post(loop_->accept_strand, [loop = loop_.get(), closed] {
    error_code ignored;
    loop->acceptor.close(ignored);
    loop->accept_pause.cancel();
    closed->set_value();
  });
  closed->get_future().wait();
  loop_->tell_all(&HttpConnection::close_if_idle);
  if (!loop_->wait_for_all(drain)) {
    loop_->tell_all(&HttpConnection::abort);
    // Handlers give up when they are told to stop; that they do is their contract, and a second Ctrl-C ends the
    // process.
    while (!loop_->wait_for_all(std::chrono::milliseconds(1000))) {
    }
  }
}

}  // namespace understudy
