// Requests and responses as values, and the little of HTTP/1.1 that handlers meet. No sockets here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/awaitable.h"
#include "base/executor.h"

namespace understudy {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;  // in the order in which they came or go

struct HttpRequest {
  std::string method;  // "GET"
  std::string path;    // percent-encoded as it came, without the query: "/v1/models/a%20b"
  std::string query;   // what stands behind the first '?'
  HttpHeaders headers;
  std::string body;
  std::string peer;  // "127.0.0.1"
  Call call;         // stops when the client leaves or the server ends

  // The first header of that name, in any case; empty where there is none.
  std::string_view header(std::string_view name) const;
};

// A body that is made while it is sent. Pulled by the connection, so that a slow reader slows the maker down.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;  // whoever makes the body stops making it
  // The next bytes, never empty; nothing at the end. An exception cuts the connection, so that no client takes half for
  // all.
  virtual Awaitable<std::optional<std::string>> next() = 0;
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers;  // Content-Length, Transfer-Encoding, Connection and Date are the connection's affair
  std::string body;
  std::unique_ptr<ResponseStream> stream;  // instead of body

  static HttpResponse of(int status, std::string content_type, std::string body);
};

std::string_view reason_phrase(int status);  // "Not Found"; "Status" for one that has no name here

// What may stand in a head (RFC 9110, 5.1 and 5.5): a name of the characters of a token; a value without control
// characters but the tab. Anything else could end the line and begin another one.
bool is_header_name(std::string_view text);
bool is_header_value(std::string_view text);

bool equal_ignoring_case(std::string_view a, std::string_view b);  // of ASCII

// "a%20b" as "a b"; nothing where a percent sign is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);

// One event of a text/event-stream (WHATWG HTML, 9.2): "data: ...\n\n", with a name "event: ...\ndata: ...\n\n".
// Neither may hold a line break (JSON does not).
std::string server_sent_event(std::string_view data);
std::string server_sent_event(std::string_view name, std::string_view data);

}  // namespace understudy
