#include "net/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/channel.h"
#include "base/worker_pool.h"
#include "net/http_server.h"
#include "tests/support/raw_server.h"
#include "tests/support/run_awaitable.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace understudy {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using testing::make_certificate;
using testing::RawPeer;
using testing::RawServer;

class PieceStream : public ResponseStream {
 public:
  PieceStream(std::shared_ptr<Channel<std::string>> channel, const Call& call, std::atomic<int>& alive)
      : channel_(std::move(channel)),
        executor_(*call.executor),
        alive_(alive),
        stop_(call.stop, Close{channel_.get()}) {
    ++alive_;
  }
  ~PieceStream() override { --alive_; }
  Awaitable<std::optional<std::string>> next() override {
    std::optional<std::string> piece = co_await channel_->next(executor_);
    if (piece && *piece == "cut") throw Error(ErrorCode::kInternal, "planted");
    co_return piece;
  }

 private:
  struct Close {
    Channel<std::string>* channel;
    void operator()() const { channel->close(); }
  };
  std::shared_ptr<Channel<std::string>> channel_;
  Executor& executor_;
  std::atomic<int>& alive_;
  std::stop_callback<Close> stop_;
};

// An upstream of our own: what it answers stands in the path.
class HttpClientTest : public ::testing::Test {
 protected:
  HttpClientTest() {
    HttpServerOptions options;
    options.listen = {"127.0.0.1", 0};
    server_ = std::make_unique<HttpServer>(
        options, [this](const HttpRequest& request) { return answer(request); },
        [](int status, const Error& error) { return HttpResponse::of(status, "text/plain", error.message()); });
    server_->start();
  }
  ~HttpClientTest() override {
    channel_->close();
    server_->stop(milliseconds(0));
  }

  Awaitable<HttpResponse> answer(const HttpRequest& request) {
    ++requests_;
    if (request.path == "/wait") {
      Channel<std::string> never;
      const std::stop_callback stop(request.call.stop, [&never] { never.close(); });
      co_await never.next(*request.call.executor);
    }
    if (request.path == "/stream") {
      HttpResponse response = HttpResponse::of(200, "text/event-stream", "");
      response.stream = std::make_unique<PieceStream>(channel_, request.call, alive_);
      co_return response;
    }
    HttpResponse response =
        HttpResponse::of(request.path == "/busy" ? 429 : 200, "text/plain",
                         request.method + " " + std::string(request.header("x-mine")) + " " + request.body);
    if (request.path == "/busy") response.headers.emplace_back("Retry-After", "7");
    co_return response;
  }

  OutboundRequest request_for(const std::string& path) const {
    OutboundRequest request;
    request.url = "http://" + server_->address().text() + path;
    request.body = "body";
    request.allow_private_address = true;
    return request;
  }
  HttpOutcome send(OutboundRequest request, std::stop_token stop = {}) {
    return testing::run(client_->send(std::move(request), {&workers_, std::move(stop)}));
  }
  std::string body_of(HttpOutcome outcome) {
    EXPECT_TRUE(std::holds_alternative<std::unique_ptr<HttpReply>>(outcome));
    const auto body = testing::run(read_body(*std::get<0>(outcome), 1 << 20));
    return std::holds_alternative<std::string>(body) ? std::get<0>(body) : "failed: " + std::get<1>(body).message;
  }
  static HttpFailure failure_of(const HttpOutcome& outcome) {
    EXPECT_TRUE(std::holds_alternative<HttpFailure>(outcome));
    return std::get<HttpFailure>(outcome);
  }

  WorkerPool workers_{2};
  std::shared_ptr<Channel<std::string>> channel_ = std::make_shared<Channel<std::string>>();
  std::atomic<int> alive_{0};
  std::atomic<int> requests_{0};
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpClient> client_ = make_http_client();
};

TEST_F(HttpClientTest, SendsMethodHeadersAndBody) {
  OutboundRequest request = request_for("/");
  request.headers = {{"X-Mine", "yes"}};
  EXPECT_EQ(body_of(send(request)), "POST yes body");
  request.method = "GET";
  request.body.clear();
  EXPECT_EQ(body_of(send(request)), "GET yes ");
}

TEST_F(HttpClientTest, GivesStatusAndHeaders) {
  const HttpOutcome outcome = send(request_for("/busy"));
  const HttpReply& reply = *std::get<0>(outcome);
  EXPECT_EQ(reply.status(), 429);
  EXPECT_EQ(reply.header("retry-after"), "7");
}

TEST_F(HttpClientTest, ReadsAStreamAsItComes) {
  channel_->push("one ");
  HttpOutcome outcome = send(request_for("/stream"));
  HttpReply& reply = *std::get<0>(outcome);
  EXPECT_EQ(std::get<0>(testing::run(reply.next())), "one ");
  channel_->push("two");
  channel_->close();
  std::string rest;
  while (true) {
    auto next = testing::run(reply.next());
    ASSERT_TRUE(std::holds_alternative<std::optional<std::string>>(next));
    if (!std::get<0>(next)) break;
    rest += *std::get<0>(next);
  }
  EXPECT_EQ(rest, "two");
}

TEST_F(HttpClientTest, ACutStreamIsNoEnd) {
  channel_->push("one");
  channel_->push("cut");
  EXPECT_THAT(body_of(send(request_for("/stream"))), HasSubstr("failed: "));
}

TEST_F(HttpClientTest, DroppingAReplyLeavesTheServer) {
  channel_->push("one");
  {
    const HttpOutcome outcome = send(request_for("/stream"));
    ASSERT_EQ(std::get<0>(outcome)->status(), 200);
    EXPECT_EQ(alive_, 1);
  }
  for (int i = 0; i < 500 && alive_ > 0; ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(alive_, 0);
}

TEST_F(HttpClientTest, StopsWhenTold) {
  std::stop_source stop;
  std::thread later([&stop] {
    std::this_thread::sleep_for(milliseconds(30));
    stop.request_stop();
  });
  EXPECT_EQ(failure_of(send(request_for("/wait"), stop.get_token())).kind, HttpFailure::Kind::kCancelled);
  later.join();
}

TEST_F(HttpClientTest, TimesOut) {
  OutboundRequest request = request_for("/wait");
  request.timeouts.first_byte = milliseconds(40);
  const HttpFailure silent = failure_of(send(request));
  EXPECT_EQ(silent.kind, HttpFailure::Kind::kTimedOut);
  EXPECT_THAT(silent.message, HasSubstr("no answer came within 40 ms"));
  EXPECT_TRUE(silent.sent);
  request.timeouts.first_byte = milliseconds(10'000);
  request.timeouts.total = milliseconds(40);
  EXPECT_THAT(failure_of(send(request)).message, HasSubstr("not done within 40 ms"));
}

TEST_F(HttpClientTest, TimesOutBetweenTwoPieces) {
  channel_->push("one");
  OutboundRequest request = request_for("/stream");
  request.timeouts.between_bytes = milliseconds(50);
  EXPECT_THAT(body_of(send(request)), HasSubstr("nothing more came within 50 ms"));
}

TEST_F(HttpClientTest, RefusesPrivateAddressesUnlessAllowed) {
  OutboundRequest request = request_for("/");
  request.allow_private_address = false;
  const HttpFailure failure = failure_of(send(request));
  EXPECT_EQ(failure.kind, HttpFailure::Kind::kForbiddenAddress);
  EXPECT_FALSE(failure.sent);
  const std::string port = std::to_string(server_->address().port);
  // Other ways to write the same machine, and a name that turns to it.
  for (const char* host : {"localhost", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"}) {
    request.url = "http://" + std::string(host) + ":" + port + "/";
    EXPECT_TRUE(std::holds_alternative<HttpFailure>(send(request))) << host;
  }
  request.allow_private_address = true;
  request.url = "http://169.254.169.254/latest/meta-data";
  EXPECT_EQ(failure_of(send(request)).kind, HttpFailure::Kind::kForbiddenAddress);
  EXPECT_EQ(requests_, 0);
}

TEST_F(HttpClientTest, SaysThatNobodyIsThere) {
  OutboundRequest request = request_for("/");
  request.url = "http://127.0.0.1:1/";
  const HttpFailure failure = failure_of(send(request));
  EXPECT_EQ(failure.kind, HttpFailure::Kind::kConnect);
  EXPECT_THAT(failure.message, HasSubstr("127.0.0.1:1"));
  EXPECT_FALSE(failure.sent);
}

TEST_F(HttpClientTest, RefusesHeadersThatHoldAnother) {
  OutboundRequest request = request_for("/");
  request.headers = {{"X-Mine", "a\r\nX-Yours: b"}};
  EXPECT_THAT(failure_of(send(request)).message, HasSubstr("control character"));
  for (const char* url : {"file:///etc/passwd", "gopher://127.0.0.1/", "nonsense"}) {
    request = request_for("/");
    request.url = url;
    EXPECT_TRUE(std::holds_alternative<HttpFailure>(send(request))) << url;
  }
}

TEST_F(HttpClientTest, TakesManyAtOnce) {
  std::vector<std::thread> callers;
  std::atomic<int> right{0};
  for (int i = 0; i < 16; ++i) {
    callers.emplace_back([this, &right] {
      for (int j = 0; j < 20; ++j) {
        if (body_of(send(request_for("/"))) == "POST  body") ++right;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(right, 320);
}

TEST_F(HttpClientTest, ALargeBodyWaitsForASlowReader) {
  const std::string piece(100'000, 'x');
  for (int i = 0; i < 40; ++i) channel_->push(piece);
  channel_->close();
  HttpOutcome outcome = send(request_for("/stream"));
  std::this_thread::sleep_for(milliseconds(100));
  const auto body = testing::run(read_body(*std::get<0>(outcome), 10'000'000));
  EXPECT_EQ(std::get<0>(body).size(), 4'000'000U);
  const auto limited = [&] {
    auto fresh = std::make_shared<Channel<std::string>>();
    channel_ = fresh;
    fresh->push(piece);
    fresh->close();
    HttpOutcome again = send(request_for("/stream"));
    return testing::run(read_body(*std::get<0>(again), 1000));
  }();
  EXPECT_THAT(std::get<1>(limited).message, HasSubstr("longer than 1000 bytes"));
}

// ---- servers that do not behave

class RawUpstreamTest : public ::testing::Test {
 protected:
  static constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

  void serve(std::vector<RawServer::Script> scripts) { server_ = std::make_unique<RawServer>(std::move(scripts)); }
  OutboundRequest request() const {
    OutboundRequest request;
    request.url = "http://127.0.0.1:" + std::to_string(server_->port()) + "/";
    request.body = "body";
    request.allow_private_address = true;
    return request;
  }
  // The body, or "KIND: message".
  std::string outcome_of(OutboundRequest request) {
    HttpOutcome outcome = testing::run(client_->send(std::move(request), {&workers_, {}}));
    if (const auto* failure = std::get_if<HttpFailure>(&outcome)) return text_of(*failure);
    const auto body = testing::run(read_body(*std::get<0>(outcome), 1 << 20));
    return std::holds_alternative<std::string>(body) ? std::get<0>(body) : text_of(std::get<1>(body));
  }
  std::string text_of(const HttpFailure& failure) {
    failed_ = failure;
    const std::string_view kinds[] = {"forbidden", "connect", "timed out", "broken", "cancelled"};
    return std::string(kinds[static_cast<size_t>(failure.kind)]) + ": " + failure.message;
  }

  HttpFailure failed_;
  WorkerPool workers_{2};
  std::unique_ptr<RawServer> server_;
  std::unique_ptr<HttpClient> client_ = make_http_client();
};

TEST_F(RawUpstreamTest, SendsExactlyTheHeadersThatItWasGiven) {
  std::string seen;
  serve({[&](RawPeer& peer) {
    seen = peer.read_request();
    peer.send(kAnswer);
  }});
  OutboundRequest sent = request();
  sent.headers = {{"Content-Type", "application/json"},
                  {"X-Empty", ""},
                  {"Transfer-Encoding", "chunked"},
                  {"Content-Length", "7"},
                  {"host", "other"},
                  {"Connection", "close"},
                  {"User-Agent", "app/1"},
                  {"Expect", "100-continue"}};
  EXPECT_EQ(outcome_of(sent), "ok");
  const std::string host = "127.0.0.1:" + std::to_string(server_->port());
  EXPECT_EQ(seen, "POST / HTTP/1.1\r\nHost: " + host +
                      "\r\nContent-Type: application/json\r\nX-Empty:\r\nUser-Agent: app/1\r\nContent-Length: "
                      "4\r\n\r\nbody");
}

TEST_F(RawUpstreamTest, TakesNothingButAWholeAnswerForOne) {
  const std::vector<std::pair<std::string, std::string>> answers = {
      {"", "broken: "},
      {"garbage\r\n\r\n", "broken: "},
      {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "broken: "},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "broken: "},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n0\r\n\r\n", "broken: "},
      {"HTTP/1.1 200 OK\r\nContent-Len", "broken: "},
      {"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n", "broken: "},
  };
  std::vector<RawServer::Script> scripts;
  for (const auto& [bytes, expected] : answers) {
    scripts.emplace_back([bytes = bytes](RawPeer& peer) {
      peer.read_request();
      peer.send(bytes);
    });
  }
  serve(scripts);
  for (const auto& [bytes, expected] : answers) {
    EXPECT_THAT(outcome_of(request()), ::testing::StartsWith(expected)) << bytes;
    EXPECT_TRUE(failed_.sent);
  }
}

TEST_F(RawUpstreamTest, SaysThatAConnectionWasReset) {
  serve({[](RawPeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    peer.reset();
  }});
  EXPECT_THAT(outcome_of(request()), ::testing::StartsWith("broken: 127.0.0.1:"));
}

TEST_F(RawUpstreamTest, LimitsTheHeadOfAnAnswer) {
  serve({[](RawPeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 100; ++i) peer.send("X-Long: " + std::string(1000, 'x') + "\r\n");
    peer.send("Content-Length: 2\r\n\r\nok");
  }});
  EXPECT_THAT(outcome_of(request()), HasSubstr("the head of the answer is longer than 65536 bytes"));
}

TEST_F(RawUpstreamTest, ReplacesAKeptConnectionThatDied) {
  const auto answer_once = [](RawPeer& peer) {
    peer.read_request();
    peer.send(kAnswer);
  };
  // The second dies only when the next request has gone to it.
  const auto answer_and_leave_the_next = [](RawPeer& peer) {
    peer.read_request();
    peer.send(kAnswer);
    peer.read_request();
    peer.reset();
  };
  serve({answer_once, answer_and_leave_the_next, answer_once});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(outcome_of(request()), "ok") << i;
  EXPECT_EQ(server_->connections(), 3);
}

TEST_F(RawUpstreamTest, KnowsThatARequestWasNotSentWhole) {
  serve({[](RawPeer& peer) {
    std::this_thread::sleep_for(milliseconds(20));
    peer.reset();  // with most of the request unread
  }});
  OutboundRequest large = request();
  large.body = std::string(size_t{32} << 20, 'x');
  EXPECT_THAT(outcome_of(large), ::testing::StartsWith("broken: "));
  EXPECT_FALSE(failed_.sent);
}

TEST_F(RawUpstreamTest, GivesUpOnABodyThatDripsForTooLong) {
  serve({[](RawPeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    for (int i = 0; i < 100; ++i) {
      peer.send("x");
      std::this_thread::sleep_for(milliseconds(10));
    }
  }});
  OutboundRequest dripped = request();
  dripped.timeouts.total = milliseconds(150);
  EXPECT_THAT(outcome_of(dripped), HasSubstr("not done within 150 ms"));
}

TEST_F(RawUpstreamTest, CountsTheFirstByteToTheBody) {
  serve({[](RawPeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    peer.wait();
  }});
  OutboundRequest silent = request();
  silent.timeouts.first_byte = milliseconds(50);
  EXPECT_THAT(outcome_of(silent), HasSubstr("no answer came within 50 ms"));
}

// Another request, with the right to it, has opened a connection to a private address; this one has not that right.
TEST_F(RawUpstreamTest, AKeptConnectionIsNoWayAroundTheAddressRules) {
  serve({[](RawPeer& peer) {
    while (!peer.read_request().empty()) peer.send(kAnswer);
  }});
  EXPECT_EQ(outcome_of(request()), "ok");
  OutboundRequest guarded = request();
  guarded.allow_private_address = false;
  EXPECT_THAT(outcome_of(guarded), ::testing::StartsWith("forbidden: "));
  EXPECT_FALSE(failed_.sent);
}

// ---- TLS

class TlsClientTest : public RawUpstreamTest {
 protected:
  TlsClientTest() {
    make_certificate(folder_ / "cert.pem", folder_ / "key.pem");
    make_certificate(folder_ / "other.pem", folder_ / "other-key.pem");
    HttpServerOptions options;
    options.listen = {"127.0.0.1", 0};
    options.tls = CertificateFiles{(folder_ / "cert.pem").string(), (folder_ / "key.pem").string()};
    server_with_tls_ = std::make_unique<HttpServer>(
        options, [](const HttpRequest& request) { return answer(request); },
        [](int status, const Error& error) { return HttpResponse::of(status, "text/plain", error.message()); });
    server_with_tls_->start();
  }
  static Awaitable<HttpResponse> answer(const HttpRequest& request) {
    co_return HttpResponse::of(200, "text/plain", std::to_string(request.body.size()));
  }
  OutboundRequest to_tls(const std::string& host) const {
    OutboundRequest request;
    request.url = "https://" + host + ":" + std::to_string(server_with_tls_->address().port) + "/";
    request.body = std::string(3'000'000, 'x');
    request.allow_private_address = true;
    return request;
  }
  void trust(const std::string& file) {
    HttpClientOptions options;
    options.certificate_authorities = (folder_ / file).string();
    client_ = make_http_client(options);
  }

  testing::TemporaryFolder folder_;
  std::unique_ptr<HttpServer> server_with_tls_;
};

TEST_F(TlsClientTest, TalksToWhoProvesWhoItIs) {
  trust("cert.pem");
  EXPECT_EQ(outcome_of(to_tls("127.0.0.1")), "3000000");
  EXPECT_EQ(outcome_of(to_tls("localhost")), "3000000");
}

TEST_F(TlsClientTest, DoesNotTalkToWhoCannot) {
  EXPECT_THAT(outcome_of(to_tls("localhost")), ::testing::StartsWith("connect: localhost:"));
  EXPECT_FALSE(failed_.sent);
  trust("other.pem");
  EXPECT_THAT(outcome_of(to_tls("localhost")), ::testing::StartsWith("connect: "));
  trust("cert.pem");
  EXPECT_THAT(outcome_of(to_tls("127.0.0.2")), ::testing::StartsWith("connect: "));
}

TEST_F(TlsClientTest, TakesANewCertificateWithoutANewStart) {
  trust("other.pem");
  EXPECT_THAT(outcome_of(to_tls("localhost")), ::testing::StartsWith("connect: "));
  std::filesystem::copy_file(folder_ / "other.pem", folder_ / "cert.pem",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_THROW(server_with_tls_->reload_tls(), Error) << "the key is still the other one's";
  EXPECT_THAT(outcome_of(to_tls("localhost")), ::testing::StartsWith("connect: ")) << "the old certificate stays";
  std::filesystem::copy_file(folder_ / "other-key.pem", folder_ / "key.pem",
                             std::filesystem::copy_options::overwrite_existing);
  server_with_tls_->reload_tls();
  EXPECT_EQ(outcome_of(to_tls("localhost")), "3000000");
}

}  // namespace
}  // namespace understudy
