// Bytes of a connection in, HTTP/1.1 requests out (RFC 9112), with every way in refused by which two readers of the
// same bytes can come to different requests ("request smuggling"): two lengths, a length and chunks, bare line feeds,
// folded headers, spaces before a colon, repeated Host. Knows no socket: fed by net/http_server.cc, the tests and the
// fuzzer. Used by one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http_message.h"

namespace understudy {

struct HttpReaderLimits {
  size_t header_bytes = 64 * 1024;  // request line and all headers
  size_t body_bytes = 16 * 1024 * 1024;
  size_t headers = 100;
};

// What was wrong with a request, and the status that says so. After it nothing on the connection can be trusted: it is
// closed.
struct HttpFault {
  int status = 400;
  Error error{ErrorCode::kInvalidInput, ""};
};

// The call protocol: (feed | read)* ; read() gives kComplete once per request, then take() it, and go on with read():
// the bytes of the next request may already be there.
class HttpRequestReader {
 public:
  enum class State {
    kNeedsMore,      // feed() and read() again
    kWantsContinue,  // the client waits for "100 Continue" before it sends the body (given once)
    kComplete,       // take()
    kFault,          // fault(); the reader is done for
  };

  explicit HttpRequestReader(const HttpReaderLimits& limits);
  ~HttpRequestReader();

  void feed(std::string_view bytes);
  State read();
  HttpRequest take();  // method, path, query, headers, body
  const HttpFault& fault() const;

  bool idle() const;         // between two requests, and no byte of the next one is there
  bool in_header() const;    // the header is not complete yet
  bool keep_alive() const;   // of the request last taken: whether the client wants to go on
  bool is_http_1_0() const;  // of the request last taken: the answer must not be chunked

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace understudy
