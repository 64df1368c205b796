#include "net/http_request_reader.h"

#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

namespace understudy {

namespace http = boost::beast::http;

namespace {

HttpFault bad_request(std::string message, int status = 400) {
  return {status, Error(ErrorCode::kInvalidInput, std::move(message))};
}

bool is_token(std::string_view text) {  // RFC 9110, 5.6.2
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos) return false;
  }
  return !text.empty();
}

bool is_number(std::string_view text) {
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return !text.empty();
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// How often the headers stand there that decide where a request ends and for whom it is.
struct Framing {
  size_t headers = 0;
  int hosts = 0;
  int lengths = 0;
  int encodings = 0;
};

std::optional<HttpFault> check_header_line(std::string_view line, Framing& framing) {
  const size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos || !is_token(name)) {
    return bad_request("a header line is not \"name: value\" (folded lines and spaces before the colon are refused)");
  }
  const std::string_view value = trimmed(line.substr(colon + 1));
  ++framing.headers;
  if (equal_ignoring_case(name, "host")) ++framing.hosts;
  if (equal_ignoring_case(name, "content-length")) {
    ++framing.lengths;
    if (!is_number(value)) return bad_request("Content-Length: expected one whole number");
  }
  if (equal_ignoring_case(name, "transfer-encoding")) {
    ++framing.encodings;
    if (!equal_ignoring_case(value, "chunked")) return bad_request("Transfer-Encoding: only \"chunked\" is known", 501);
  }
  return std::nullopt;
}

std::optional<HttpFault> check_request_line(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last == first || !is_token(line.substr(0, first))) {
    return bad_request("the request line is not \"METHOD target HTTP/1.1\"");
  }
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (target.empty() || target.find(' ') != std::string_view::npos) {
    return bad_request("the request line is not \"METHOD target HTTP/1.1\"");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    const bool known = version.substr(0, 5) == "HTTP/";
    return bad_request("only HTTP/1.1 and HTTP/1.0 are spoken here", known ? 505 : 400);
  }
  return std::nullopt;
}

// `head` ends with the empty line. Every line must end with CR LF and hold no other control character than a tab: a
// reader that takes a lone LF for a line's end sees headers where another sees none.
std::optional<HttpFault> check_head(std::string_view head, size_t most_headers) {
  Framing framing;
  bool is_first = true;
  bool is_1_0 = false;
  while (head.size() > 2) {
    const size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    for (const char c : line) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && c != '\t') || byte == 0x7f) return bad_request("a control character stands in the header");
    }
    const std::optional<HttpFault> fault = is_first ? check_request_line(line) : check_header_line(line, framing);
    if (fault) return fault;
    if (is_first) is_1_0 = line.substr(line.size() - 3) == "1.0";
    is_first = false;
  }
  if (framing.headers > most_headers) return bad_request(fmt::format("more than {} headers", most_headers), 431);
  if (framing.lengths > 1) return bad_request("Content-Length stands there more than once");
  if (framing.encodings > 1) return bad_request("Transfer-Encoding stands there more than once");
  if (framing.lengths + framing.encodings > 1) return bad_request("both Content-Length and Transfer-Encoding");
  if (is_1_0 && framing.encodings > 0) return bad_request("Transfer-Encoding in a request of HTTP/1.0");
  if (framing.hosts > 1 || (framing.hosts == 0 && !is_1_0)) return bad_request("expected one Host header");
  return std::nullopt;
}

}  // namespace

struct HttpRequestReader::Parser {
  HttpReaderLimits limits;
  std::string bytes;                                               // fed and not yet parsed
  size_t searched = 0;                                             // of `bytes`: holds no end of a header
  std::optional<http::request_parser<http::string_body>> message;  // once a header is complete
  HttpRequest request;  // made from the header alone: trailer fields, which nobody has checked, never get into it
  bool continue_given = false;
  bool keep_alive = true;
  bool is_http_1_0 = false;
  std::optional<HttpFault> fault;

  State fail(HttpFault what) {
    fault = std::move(what);
    return State::kFault;
  }
  State read_head();
  State read_body();
  void note_header();
  HttpFault meaning_of(const boost::system::error_code& code) const;
};

HttpFault HttpRequestReader::Parser::meaning_of(const boost::system::error_code& code) const {
  if (code == http::error::body_limit) {
    return {413, Error(ErrorCode::kTooLarge, fmt::format("the body is larger than {} bytes", limits.body_bytes))};
  }
  if (code == http::error::header_limit) {
    return {431, Error(ErrorCode::kTooLarge, fmt::format("the header is larger than {} bytes", limits.header_bytes))};
  }
  return bad_request(fmt::format("not a valid HTTP request: {}", code.message()));
}

HttpRequestReader::State HttpRequestReader::Parser::read_head() {
  // One empty line before a request is allowed (RFC 9112, 2.2): some old clients end a body with it.
  if (searched == 0 && bytes.compare(0, 2, "\r\n") == 0) bytes.erase(0, 2);
  const size_t from = searched < 3 ? 0 : searched - 3;
  const size_t end = bytes.find("\r\n\r\n", from);
  if ((end == std::string::npos ? bytes.size() : end + 4) > limits.header_bytes) {
    return fail(meaning_of(http::error::header_limit));
  }
  if (end == std::string::npos) {
    // Said as soon as it is seen: who ends lines with a lone LF would wait for an answer, and we for an end, until the
    // time is up.
    for (size_t lf = bytes.find('\n', from); lf != std::string::npos; lf = bytes.find('\n', lf + 1)) {
      if (lf == 0 || bytes[lf - 1] != '\r') return fail(bad_request("a line of the header ends with LF, not CR LF"));
    }
    searched = bytes.size();
    return State::kNeedsMore;
  }
  if (std::optional<HttpFault> what = check_head(std::string_view(bytes).substr(0, end + 4), limits.headers)) {
    return fail(std::move(*what));
  }
  message.emplace();
  message->header_limit(static_cast<uint32_t>(limits.header_bytes));
  message->body_limit(limits.body_bytes);
  message->eager(false);
  boost::system::error_code code;
  const size_t used = message->put(boost::asio::buffer(bytes.data(), end + 4), code);
  bytes.erase(0, used);
  searched = 0;
  if (code) return fail(meaning_of(code));
  note_header();
  const std::string_view expected = request.header("expect");
  continue_given = expected.empty();
  if (!expected.empty() && !equal_ignoring_case(expected, "100-continue")) {
    return fail(bad_request("Expect: only \"100-continue\" is known", 417));
  }
  return read_body();
}

void HttpRequestReader::Parser::note_header() {
  const http::request<http::string_body>& header = message->get();
  keep_alive = header.keep_alive();
  is_http_1_0 = header.version() < 11;
  request = {};
  request.method = std::string(header.method_string());
  const std::string target(header.target());
  const size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = target.substr(question + 1);
  for (const auto& field : header) request.headers.emplace_back(field.name_string(), field.value());
}

HttpRequestReader::State HttpRequestReader::Parser::read_body() {
  message->eager(true);
  while (!message->is_done() && !bytes.empty()) {
    boost::system::error_code code;
    const size_t used = message->put(boost::asio::buffer(bytes), code);
    bytes.erase(0, used);
    if (code == http::error::need_more) {
      // A chunk's head or the trailer has to stand there whole; it is as little allowed to grow without end as the
      // header.
      if (bytes.size() > limits.header_bytes) return fail(meaning_of(http::error::header_limit));
      break;
    }
    if (code) return fail(meaning_of(code));
  }
  if (message->is_done()) return State::kComplete;
  if (!continue_given && bytes.empty()) {
    continue_given = true;
    return State::kWantsContinue;
  }
  return State::kNeedsMore;
}

HttpRequestReader::HttpRequestReader(const HttpReaderLimits& limits) : parser_(std::make_unique<Parser>()) {
  parser_->limits = limits;
}
HttpRequestReader::~HttpRequestReader() = default;

void HttpRequestReader::feed(std::string_view bytes) {
  parser_->bytes += bytes;
}

HttpRequestReader::State HttpRequestReader::read() {
  if (parser_->fault) return State::kFault;
  return parser_->message ? parser_->read_body() : parser_->read_head();
}

HttpRequest HttpRequestReader::take() {
  HttpRequest request = std::move(parser_->request);
  request.body = std::move(parser_->message->get().body());
  parser_->message.reset();
  return request;
}

const HttpFault& HttpRequestReader::fault() const {
  return *parser_->fault;
}
bool HttpRequestReader::idle() const {
  return !parser_->message && parser_->bytes.empty();
}
bool HttpRequestReader::in_header() const {
  return !parser_->message;
}
bool HttpRequestReader::keep_alive() const {
  return parser_->keep_alive;
}
bool HttpRequestReader::is_http_1_0() const {
  return parser_->is_http_1_0;
}

}  // namespace understudy
