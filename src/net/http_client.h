// HTTP out: requests to providers, as coroutines on an executor of ours, over libcurl's multi interface on the
// process's io threads: HTTP/1.1 and HTTP/2, TLS that verifies, proxies from the environment, connections kept and
// reused. libcurl is seen by http_client.cc, http_lane and http_transfer.
//
// Addresses are checked when a name has been resolved, at the moment of connecting (so no name can turn to a forbidden
// address between check and use): loopback, private, link-local (cloud metadata), unique-local, mapped and
// translated forms of them, multicast and unspecified are refused unless the target allows private addresses;
// link-local never is. The same holds for the address of a proxy. Redirects are not followed. A stream that is read
// slowly slows its sender down.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/awaitable.h"
#include "base/error.h"
#include "base/executor.h"
#include "net/http_message.h"
#include "net/io_threads.h"

namespace understudy {

struct HttpTimeouts {
  std::chrono::milliseconds connect{2'000};         // name, connection, TLS
  std::chrono::milliseconds first_byte{30'000};     // from the connection to the first byte of the body
  std::chrono::milliseconds between_bytes{15'000};  // not while the reader is slow
  std::chrono::milliseconds total{300'000};
};

struct OutboundRequest {
  std::string method = "POST";
  std::string url;      // http: or https:
  HttpHeaders headers;  // those of the connection (Host, Content-Length, Connection, ...) are the client's affair
  std::string body;
  HttpTimeouts timeouts;
  bool allow_private_address = false;
};

// Why there is no (more of an) answer.
struct HttpFailure {
  enum class Kind {
    kForbiddenAddress,  // see above
    kConnect,           // refused, unreachable, no such name, TLS
    kTimedOut,          // which one the message says
    kBroken,            // reset, cut, not HTTP
    kCancelled,         // by the call's stop token
  };
  Kind kind = Kind::kBroken;
  std::string message;  // "api.example.com: connect: connection refused"; never holds a header or a body
  bool sent = false;    // whether the whole request may have reached the server
};

// An answer whose head is there. Destroying it before its end closes the connection.
class HttpReply {
 public:
  virtual ~HttpReply() = default;
  virtual int status() const = 0;
  virtual const HttpHeaders& headers() const = 0;
  virtual std::string_view header(std::string_view name) const = 0;  // first of that name; empty where there is none
  // The next bytes of the body, never empty; nothing at its proper end; or the failure.
  virtual Awaitable<std::variant<std::optional<std::string>, HttpFailure>> next() = 0;
};

using HttpOutcome = std::variant<std::unique_ptr<HttpReply>, HttpFailure>;

class HttpClient {  // thread-safe; one per process
 public:
  virtual ~HttpClient() = default;
  // Sends, and waits for the head of the answer (at most 64 KiB). Never throws for what the network does. A header that
  // could hold another one is refused (kBroken, not sent). A kept connection that turns out dead is replaced once.
  virtual Awaitable<HttpOutcome> send(OutboundRequest request, const Call& call) = 0;
};

// The whole body, or the failure; a body longer than `limit` is kBroken.
Awaitable<std::variant<std::string, HttpFailure>> read_body(HttpReply& reply, size_t limit);

struct HttpClientOptions {
  std::string certificate_authorities;  // a PEM file; empty: the system's
};

// Replies must be gone before the client, and it before `threads`. Not to be destroyed on one of them. Throws kInternal
// where libcurl cannot be started.
std::unique_ptr<HttpClient> make_http_client(IoThreads& threads, const HttpClientOptions& options = {});
std::unique_ptr<HttpClient> make_http_client(const HttpClientOptions& options = {});  // with a thread of its own

}  // namespace understudy
