#include "net/http_request_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/fuzz_count.h"

namespace understudy {
namespace {

using State = HttpRequestReader::State;

State read_text(HttpRequestReader& reader, std::string_view text) {
  reader.feed(text);
  return reader.read();
}

HttpFault fault_of(std::string_view text) {
  HttpRequestReader reader({});
  EXPECT_EQ(read_text(reader, text), State::kFault) << text;
  return reader.read() == State::kFault ? reader.fault() : HttpFault{0, Error(ErrorCode::kInternal, "no fault")};
}

TEST(HttpRequestReader, ReadsARequestInOnePiece) {
  HttpRequestReader reader({});
  ASSERT_EQ(
      read_text(reader, "POST /v1/x?a=1?b HTTP/1.1\r\nHost: h\r\nX-Name:  value \r\nContent-Length: 5\r\n\r\nhello"),
      State::kComplete);
  const HttpRequest request = reader.take();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/v1/x");
  EXPECT_EQ(request.query, "a=1?b");
  EXPECT_EQ(request.header("x-name"), "value");
  EXPECT_EQ(request.body, "hello");
  EXPECT_TRUE(reader.keep_alive());
  EXPECT_TRUE(reader.idle());
}

TEST(HttpRequestReader, ReadsARequestByteByByteAndTheNextOneBehindIt) {
  const std::string text =
      "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"
      "GET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  HttpRequestReader reader({});
  std::vector<HttpRequest> requests;
  for (const char c : text) {
    reader.feed(std::string_view(&c, 1));
    if (reader.read() == State::kComplete) requests.push_back(reader.take());
  }
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].body, "hello world");
  EXPECT_EQ(requests[1].path, "/b");
  EXPECT_FALSE(reader.keep_alive());
}

TEST(HttpRequestReader, RefusesWhatTwoReadersCouldReadDifferently) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  const std::vector<std::string> smuggled = {
      head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
      head + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
      head + "Content-Length: 5, 5\r\n\r\nhello",
      head + "Content-Length: +5\r\n\r\nhello",
      head + "Content-Length: -1\r\n\r\n",
      head + "Content-Length: 0x5\r\n\r\nhello",
      head + "Content-Length: 99999999999999999999999\r\n\r\n",
      head + "Content-Length : 5\r\n\r\nhello",
      head + "Content-Length:\r\n\r\n",
      head + "X: a\nContent-Length: 5\r\n\r\nhello",
      head + "X: a\rContent-Length: 5\r\n\r\nhello",
      head + "X: a\r\n folded\r\n\r\n",
      head + " X: a\r\n\r\n",
      head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      head + "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
      head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX0\r\n\r\n",
      head + "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
      head + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n",
      head + "Host: other\r\n\r\n",
      head + std::string("X: a\0b\r\n\r\n", 10),
      "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\nHost: h\n\n",
      "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /\r\nHost: h\r\n\r\n",
      "G(T / HTTP/1.1\r\nHost: h\r\n\r\n",
  };
  for (const std::string& text : smuggled) {
    const int status = fault_of(text).status;
    EXPECT_TRUE(status == 400 || status == 501 || status == 413) << status << " for\n" << text;
  }
  EXPECT_EQ(fault_of("GET / HTTP/2.0\r\nHost: h\r\n\r\n").status, 505);
}

TEST(HttpRequestReader, KeepsTrailersOutOfTheHeaders) {
  HttpRequestReader reader({});
  ASSERT_EQ(
      read_text(reader,
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Late: yes\r\n\r\n"),
      State::kComplete);
  const HttpRequest request = reader.take();
  EXPECT_EQ(request.body, "a");
  EXPECT_EQ(request.header("X-Late"), "");
}

TEST(HttpRequestReader, HoldsToItsLimits) {
  HttpReaderLimits limits;
  limits.header_bytes = 200;
  limits.body_bytes = 10;
  limits.headers = 3;
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  const auto status_of = [&](const std::string& text) {
    HttpRequestReader reader(limits);
    return read_text(reader, text) == State::kFault ? reader.fault().status : 0;
  };
  EXPECT_EQ(status_of(head + "X: " + std::string(200, 'a') + "\r\n\r\n"), 431);
  EXPECT_EQ(status_of(head + "X: " + std::string(200, 'a')), 431) << "a header without end";
  EXPECT_EQ(status_of(head + "A: 1\r\nB: 1\r\nC: 1\r\n\r\n"), 431);
  EXPECT_EQ(status_of(head + "Content-Length: 11\r\n\r\n"), 413) << "before a byte of the body came";
  EXPECT_EQ(status_of(head + "Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcdef\r\n"), 413);
  EXPECT_EQ(status_of(head + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(300, 'x')), 431);
  EXPECT_EQ(status_of(head + "Content-Length: 10\r\n\r\n0123456789"), 0);
}

TEST(HttpRequestReader, SaysOnceThatTheClientWaitsForContinue) {
  HttpRequestReader reader({});
  ASSERT_EQ(read_text(reader, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
            State::kWantsContinue);
  EXPECT_EQ(reader.read(), State::kNeedsMore);
  EXPECT_EQ(read_text(reader, "ok"), State::kComplete);
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\nContent-Length: 2\r\n\r\n").status, 417);
}

// Damaged requests end in a request, a fault or the wish for more, and how they are cut into pieces changes nothing.
TEST(HttpRequestReader, TakesDamagedInputTheSameInOnePieceAndInMany) {
  const std::vector<std::string> seeds = {
      "POST /v1/x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: h\r\n\r\n",
      "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: x\r\n\r\n"};
  const auto outcome = [](std::string_view text, size_t piece) {
    HttpRequestReader reader({});
    std::string log;
    for (size_t at = 0; at < text.size(); at += piece) {
      reader.feed(text.substr(at, piece));
      State state = reader.read();
      while (state == State::kComplete) {
        const HttpRequest request = reader.take();
        log += request.method + " " + request.path + " " + request.body + "|";
        state = reader.read();
      }
      if (state == State::kFault) return log + "fault";
    }
    return log;
  };
  Random random(20260101);
  for (int i = 0; i < testing::fuzz_count(400); ++i) {
    const std::string text = testing::mutated(seeds[static_cast<size_t>(i) % seeds.size()], random);
    ASSERT_EQ(outcome(text, text.size() + 1), outcome(text, 1)) << "round " << i << "\n" << text;
  }
}

}  // namespace
}  // namespace understudy
