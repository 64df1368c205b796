// The room's page. net/ is HTTP/1.1 on Boost.Asio, and the only room that sees Boost: requests in as values, responses
// out as values or as streams of server-sent events. It knows no model, no protocol of a provider, no endpoint.
//
// A connection is one coroutine on a strand of its own: read a request, call the handler, write its response, again.
// Handlers are coroutines too and run on that strand (HttpRequest::call.executor): they must never block it. While a
// handler works or a stream is written the connection watches its client; when the client leaves,
// HttpRequest::call.stop is requested. A client that only closes its sending side counts as one that left.
//
// A response with a header that holds a control character is never written: it becomes a 500.
//
// What a handler throws becomes a response through the HttpErrorWriter; so do faults of the connection itself (400,
// 408, 413, 431, 503). After a fault in a request the connection is closed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/http_message.h"
#include "net/http_request_reader.h"
#include "net/io_threads.h"
#include "net/listen_address.h"
#include "net/tls.h"

namespace understudy {

using HttpHandler = std::function<Awaitable<HttpResponse>(const HttpRequest&)>;
using HttpErrorWriter = std::function<HttpResponse(int status, const Error&)>;

struct HttpServerOptions {
  ListenAddress listen{"127.0.0.1", 8080};
  std::optional<CertificateFiles> tls;  // HTTPS instead of HTTP
  HttpReaderLimits reader;
  // How long a client may take: between two requests, from the first byte of a header to its end, for a body, and to
  // read what is written to it before the next piece can go.
  std::chrono::milliseconds idle{75'000};
  std::chrono::milliseconds header{10'000};
  std::chrono::milliseconds body{60'000};
  std::chrono::milliseconds write{30'000};
  size_t connections = 1000;  // more are answered 503 and closed
  int threads = 2;            // of the server's own, where it shares none; they only move bytes
};

class HttpServer {  // thread-safe
 public:
  // Binds and listens. Throws kNetwork where the port is in use or the host is none of this machine's, and what
  // TlsContext throws. With threads of its own, or on `threads`, which outlive it.
  HttpServer(const HttpServerOptions& options, HttpHandler handler, HttpErrorWriter errors);
  HttpServer(const HttpServerOptions& options, HttpHandler handler, HttpErrorWriter errors, IoThreads& threads);
  ~HttpServer();  // stop() without waiting for answers under way

  const ListenAddress& address() const;  // with the port that was taken
  void start();
  // Reads certificate and key again, for connections that come from now on. Throws as TlsContext does; then the old
  // ones stay.
  void reload_tls();
  // Takes no new connections, closes idle ones, lets requests under way finish for `drain`, then stops them, and
  // returns when the last connection is closed. Called again it returns at once.
  void stop(std::chrono::milliseconds drain);

  struct Loop;  // what the connections share; http_server.cc has it

 private:
  std::unique_ptr<Loop> loop_;
};

}  // namespace understudy
