#include "net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

#include "base/channel.h"
#include "tests/support/raw_client.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace understudy {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using testing::RawClient;
using ::testing::StartsWith;

HttpResponse plain_error(int status, const Error& error) {
  return HttpResponse::of(status, "text/plain", error.message() + "\n");
}

// A stream that gives what is pushed into its channel.
class ChannelStream : public ResponseStream {
 public:
  ChannelStream(std::shared_ptr<Channel<std::string>> channel, Executor& executor, std::atomic<int>& alive)
      : channel_(std::move(channel)), executor_(executor), alive_(alive) {
    ++alive_;
  }
  ~ChannelStream() override { --alive_; }
  Awaitable<std::optional<std::string>> next() override {
    std::optional<std::string> piece = co_await channel_->next(executor_);
    if (piece && *piece == "throw") throw Error(ErrorCode::kInternal, "planted");
    co_return piece;
  }

 private:
  std::shared_ptr<Channel<std::string>> channel_;
  Executor& executor_;
  std::atomic<int>& alive_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  void start(HttpServerOptions options = {}) {
    options.listen = {"127.0.0.1", 0};
    server_ = std::make_unique<HttpServer>(
        options, [this](const HttpRequest& request) { return answer(request); }, plain_error);
    server_->start();
  }
  RawClient client() { return RawClient(server_->address().port); }
  RawClient ask(const std::string& path) {
    RawClient one = client();
    one.send("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    return one;
  }

  Awaitable<HttpResponse> answer(const HttpRequest& request) {
    if (request.path == "/error") throw Error(ErrorCode::kNotFound, "no such thing");
    if (request.path == "/injected") {
      HttpResponse response = HttpResponse::of(200, "text/plain", "");
      response.headers.emplace_back("X-Name", *percent_decode(request.query));
      co_return response;
    }
    if (request.path == "/framed") {
      HttpResponse response = HttpResponse::of(200, "text/plain", "whole");
      response.headers.insert(response.headers.end(), {{"content-length", "1"}, {"Transfer-Encoding", "chunked"}});
      co_return response;
    }
    if (request.path == "/fault") throw std::runtime_error("a secret of ours");
    if (request.path == "/stream") {
      HttpResponse response = HttpResponse::of(200, "text/event-stream", "");
      response.stream = std::make_unique<ChannelStream>(pieces_, *request.call.executor, streams_alive_);
      stop_of_stream_ = request.call.stop;
      stream_began_.set_value();
      co_return response;
    }
    if (request.path == "/wait") {
      Channel<std::string> stopped;
      const std::stop_callback wake(request.call.stop, [&] { stopped.close(); });
      waits_.set_value();
      (void)co_await stopped.next(*request.call.executor);
      stopped_.set_value();
      throw Error(ErrorCode::kCancelled, "the client left");
    }
    co_return HttpResponse::of(200, "text/plain", request.method + " " + request.path + " " + request.body);
  }

  std::shared_ptr<Channel<std::string>> pieces_ = std::make_shared<Channel<std::string>>();
  std::atomic<int> streams_alive_{0};
  std::stop_token stop_of_stream_;
  std::promise<void> stream_began_;
  std::promise<void> waits_;
  std::promise<void> stopped_;
  std::unique_ptr<HttpServer> server_;
};

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

TEST_F(HttpServerTest, AnswersManyRequestsOnOneConnection) {
  start();
  RawClient one = client();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(one.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"));
    const std::string response = one.read_response();
    EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(response, HasSubstr("\r\n\r\nPOST /echo hi"));
  }
  one.send("GET /bye HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(one.read_all(), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(one.ended());
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  RawClient one = client();
  one.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(one.read_response(), HasSubstr("GET /a"));
  EXPECT_THAT(one.read_response(), HasSubstr("GET /b"));
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
  start();
  RawClient one = client();
  one.send("HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string response = one.read_all();
  EXPECT_THAT(response, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_EQ(response.substr(response.size() - 4), "\r\n\r\n");
}

TEST_F(HttpServerTest, SendsContinueToAClientThatWaitsForIt) {
  start();
  RawClient one = client();
  one.send("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(one.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  one.send("ok");
  EXPECT_THAT(one.read_response(), HasSubstr("POST /a ok"));
}

TEST_F(HttpServerTest, MakesErrorsOfWhatHandlersThrowAndKeepsInnerFaultsToItself) {
  start();
  RawClient one = ask("/error");
  EXPECT_THAT(one.read_response(), ::testing::AllOf(StartsWith("HTTP/1.1 404 Not Found"), HasSubstr("no such thing")));
  one.send("GET /fault HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(one.read_response(),
              ::testing::AllOf(StartsWith("HTTP/1.1 500 "), ::testing::Not(HasSubstr("a secret of ours"))));
  one.send("GET /still HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(one.read_response(), HasSubstr("GET /still")) << "the connection goes on after an error";
}

TEST_F(HttpServerTest, AnswersASmuggledRequestWith400AndCloses) {
  start();
  RawClient one = client();
  one.send(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
      "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string response = one.read_all();
  EXPECT_TRUE(one.ended());
  EXPECT_THAT(response, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(response, ::testing::Not(HasSubstr("smuggled")));
}

TEST_F(HttpServerTest, RefusesALargeBodySoThatTheClientReadsWhy) {
  HttpServerOptions options;
  options.reader.body_bytes = 1000;
  start(options);
  RawClient one = client();
  one.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n");
  one.send(std::string(500000, 'x'));
  EXPECT_THAT(one.read_all(), StartsWith("HTTP/1.1 413 Content Too Large\r\n"));
}

TEST_F(HttpServerTest, DoesNotWaitForSlowClientsForEver) {
  HttpServerOptions options;
  options.header = options.body = milliseconds(100);
  options.idle = milliseconds(300);
  start(options);
  RawClient in_header = client();
  in_header.send("GET / HTTP/1.1\r\nHost:");
  RawClient in_body = client();
  in_body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe");
  RawClient silent = client();
  EXPECT_THAT(in_header.read_all(), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_THAT(in_body.read_all(), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_TRUE(silent.ended());
}

TEST_F(HttpServerTest, StreamsPiecesAsTheyCome) {
  start();
  RawClient one = ask("/stream");
  EXPECT_THAT(one.read_until("\r\n\r\n"), HasSubstr("Transfer-Encoding: chunked\r\n"));
  pieces_->push("first");
  EXPECT_EQ(one.read_until("first\r\n"), "5\r\nfirst\r\n");
  pieces_->push("0123456789abcdef");
  EXPECT_EQ(one.read_until("f\r\n"), "10\r\n0123456789abcdef\r\n");
  pieces_->close();
  EXPECT_EQ(one.read_until("0\r\n\r\n"), "0\r\n\r\n");
  one.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(one.read_response(), HasSubstr("GET /next"));
}

TEST_F(HttpServerTest, StreamsToHttp10WithoutChunksAndCloses) {
  start();
  RawClient one = client();
  one.send("GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_THAT(one.read_until("\r\n\r\n"), ::testing::Not(HasSubstr("chunked")));
  pieces_->push("all");
  pieces_->close();
  EXPECT_EQ(one.read_all(), "all");
  EXPECT_TRUE(one.ended());
}

TEST_F(HttpServerTest, CutsAStreamThatFailsSoThatHalfIsNotTakenForAll) {
  start();
  RawClient one = ask("/stream");
  pieces_->push("half");
  pieces_->push("throw");
  const std::string response = one.read_all();
  EXPECT_TRUE(one.ended());
  EXPECT_THAT(response, HasSubstr("half"));
  EXPECT_THAT(response, ::testing::Not(HasSubstr("\r\n0\r\n")));
}

TEST_F(HttpServerTest, StopsTheStreamOfAClientThatHangsUp) {
  start();
  RawClient one = ask("/stream");
  stream_began_.get_future().wait();
  one.read_until("\r\n\r\n");
  one.close();
  EXPECT_TRUE(eventually([this] { return stop_of_stream_.stop_requested(); }));
  pieces_->close();
  EXPECT_TRUE(eventually([this] { return streams_alive_ == 0; }));
}

TEST_F(HttpServerTest, StopsTheHandlerOfAClientThatHangsUpBeforeTheAnswer) {
  start();
  RawClient one = ask("/wait");
  waits_.get_future().wait();
  one.close();
  EXPECT_EQ(stopped_.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST_F(HttpServerTest, TurnsAwayWhatIsTooMuch) {
  HttpServerOptions options;
  options.connections = 1;
  start(options);
  RawClient first = ask("/a");
  first.read_response();
  RawClient second = client();
  EXPECT_THAT(second.read_all(), StartsWith("HTTP/1.1 503 "));
  first.close();
  EXPECT_TRUE(eventually([this] {
    RawClient third = ask("/c");
    return third.read_response().find("GET /c") != std::string::npos;
  })) << "a place that became free is given away again";
}

TEST_F(HttpServerTest, SaysThatThePortIsInUse) {
  start();
  HttpServerOptions options;
  options.listen = server_->address();
  try {
    HttpServer second(
        options, [this](const HttpRequest& request) { return answer(request); }, plain_error);
    FAIL() << "two servers on one port";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNetwork);
    EXPECT_EQ(error.message(), server_->address().text() + ": the port is in use");
    EXPECT_THAT(error.hint(), HasSubstr("--listen"));
  }
}

TEST_F(HttpServerTest, DrainsLetsAnswersFinishAndClosesIdleConnections) {
  start();
  RawClient idle = client();
  idle.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  idle.read_response();
  RawClient busy = ask("/stream");
  busy.read_until("\r\n\r\n");
  std::thread stopping([this] { server_->stop(std::chrono::seconds(10)); });
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_TRUE(idle.ended());
  pieces_->push("last words");
  pieces_->close();
  EXPECT_THAT(busy.read_all(), HasSubstr("last words\r\n0\r\n\r\n"));
  stopping.join();
  EXPECT_FALSE(client().connected());
}

TEST_F(HttpServerTest, StopsAnswersThatOutlastTheDrain) {
  start();
  RawClient busy = ask("/wait");
  waits_.get_future().wait();
  server_->stop(milliseconds(50));
  EXPECT_EQ(stopped_.get_future().wait_for(milliseconds(0)), std::future_status::ready);
}

TEST_F(HttpServerTest, ServesManyClientsAtOnce) {
  start();
  std::vector<std::thread> clients;
  std::atomic<int> right{0};
  for (int i = 0; i < 16; ++i) {
    clients.emplace_back([this, i, &right] {
      RawClient one = client();
      for (int round = 0; round < 20; ++round) {
        const std::string path = "/" + std::to_string(i) + "/" + std::to_string(round);
        one.send("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
        if (one.read_response().find("GET " + path) != std::string::npos) ++right;
      }
    });
  }
  for (std::thread& thread : clients) thread.join();
  EXPECT_EQ(right, 320);
}

TEST_F(HttpServerTest, NeverWritesAHeaderThatHoldsAnother) {
  start();
  for (const std::string_view value :
       {"a%0d%0aSet-Cookie:%20b", "a%0aSet-Cookie:%20b", "a%0dSet-Cookie:%20b", "a%00b"}) {
    const std::string response = ask("/injected?" + std::string(value)).read_response();
    EXPECT_THAT(response, StartsWith("HTTP/1.1 500 ")) << value;
    EXPECT_EQ(response.find("Set-Cookie"), std::string::npos) << value;
    EXPECT_EQ(response.find("X-Name"), std::string::npos) << value;
  }
  EXPECT_THAT(ask("/injected?a%20b").read_response(), HasSubstr("X-Name: a b\r\n"));
}

TEST_F(HttpServerTest, SaysItselfWhereAResponseEnds) {
  start();
  const std::string response = ask("/framed").read_response();
  EXPECT_THAT(response, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_EQ(response.find("content-length"), std::string::npos);
  EXPECT_EQ(response.find("Transfer-Encoding"), std::string::npos);
}

TEST_F(HttpServerTest, AnswersEveryKindOfSmugglingOnceAndCloses) {
  start();
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
  const std::string next = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
  for (const std::string& text : {
           post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next,
           post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + next,
           post + "Content-Length: 0\r\nContent-Length: 37\r\n\r\n" + next,
           post + "X: y\nContent-Length: 0\r\n\r\n" + next,
           post + "Transfer-Encoding: chunked\r\n\r\n0;" + std::string(100'000, 'x') + "\r\n\r\n" + next,
           post + "Transfer-Encoding: chunked\r\n\r\n0\nX: y\r\n\r\n" + next,
       }) {
    RawClient one = client();
    one.send(text);
    const std::string all = one.read_all();
    EXPECT_THAT(all, StartsWith("HTTP/1.1 4")) << text.substr(0, 200);
    EXPECT_EQ(all.find("/smuggled"), std::string::npos) << text.substr(0, 200);
    EXPECT_TRUE(one.ended());
  }
}

TEST_F(HttpServerTest, RefusesTargetsThatAreNoUtf8) {
  start();
  for (const std::string& path :
       {std::string("/\xff"), std::string("/\xc3\xa4"), std::string("/%ff"), std::string("/a%c3")}) {
    EXPECT_THAT(ask(path).read_response(), StartsWith("HTTP/1.1 400 ")) << path;
  }
  EXPECT_THAT(ask("/%c3%a4").read_response(), HasSubstr("GET /%c3%a4"));
}

TEST_F(HttpServerTest, LimitsTheHeaderAsItWasTold) {
  HttpServerOptions options;
  options.reader.header_bytes = 1000;
  start(options);
  RawClient one = client();
  one.send("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(1000, 'x'));
  EXPECT_THAT(one.read_all(), StartsWith("HTTP/1.1 431 "));
}

TEST_F(HttpServerTest, ClosesAConnectionThatNobodyUses) {
  HttpServerOptions options;
  options.idle = milliseconds(50);
  start(options);
  RawClient silent = client();
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_TRUE(silent.ended());
  RawClient used = ask("/");
  EXPECT_THAT(used.read_response(), HasSubstr("GET /"));
  EXPECT_EQ(used.read_all(), "");
  EXPECT_TRUE(used.ended());
}

TEST_F(HttpServerTest, GivesUpOnAClientThatDoesNotRead) {
  HttpServerOptions options;
  options.write = milliseconds(100);
  start(options);
  RawClient one = ask("/stream");
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 32; ++i) pieces_->push(piece);
  stream_began_.get_future().wait();
  EXPECT_TRUE(eventually([this] { return streams_alive_ == 0; }));
  EXPECT_TRUE(stop_of_stream_.stop_requested());
}

TEST_F(HttpServerTest, SharesItsThreadsWithOthers) {
  IoThreads threads(1);
  HttpServerOptions options;
  options.listen = {"127.0.0.1", 0};
  const auto handler = [this](const HttpRequest& request) { return answer(request); };
  HttpServer other(options, handler, plain_error, threads);
  server_ = std::make_unique<HttpServer>(options, handler, plain_error, threads);
  other.start();
  server_->start();
  RawClient left(other.address().port);
  left.send("GET /left HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(left.read_response(), HasSubstr("GET /left"));
  EXPECT_THAT(ask("/right").read_response(), HasSubstr("GET /right"));
  other.stop(milliseconds(1000));
  EXPECT_THAT(ask("/right").read_response(), HasSubstr("GET /right")) << "who ends leaves the others alone";
  server_.reset();
}

// ---- TLS

class HttpsServerTest : public HttpServerTest {
 protected:
  HttpsServerTest() {
    testing::make_certificate(folder_ / "cert.pem", folder_ / "key.pem");
    options_.tls = CertificateFiles{(folder_ / "cert.pem").string(), (folder_ / "key.pem").string()};
  }
  testing::TemporaryFolder folder_;
  HttpServerOptions options_;
};

TEST_F(HttpsServerTest, ClosesOnWhoDoesNotSpeakTls) {
  options_.header = milliseconds(100);
  start(options_);
  RawClient plain = ask("/");
  EXPECT_EQ(plain.read_all().find("GET /"), std::string::npos);
  EXPECT_TRUE(plain.ended());
  RawClient silent = client();
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_TRUE(silent.ended());
}

TEST_F(HttpsServerTest, NamesTheFileThatCannotBeUsed) {
  const auto message_of = [this](const std::string& certificate, const std::string& key) {
    options_.tls = CertificateFiles{(folder_ / certificate).string(), (folder_ / key).string()};
    try {
      start(options_);
    } catch (const Error& error) {
      return error.message();
    }
    return std::string("no error");
  };
  folder_.write("none.pem", "not PEM");
  testing::make_certificate(folder_ / "other.pem", folder_ / "other-key.pem");
  EXPECT_THAT(message_of("absent.pem", "key.pem"), HasSubstr("absent.pem: there is no such file"));
  EXPECT_THAT(message_of("none.pem", "key.pem"), HasSubstr("none.pem: "));
  EXPECT_THAT(message_of("cert.pem", "none.pem"), HasSubstr("none.pem: "));
  EXPECT_THAT(message_of("cert.pem", "other-key.pem"), HasSubstr("other-key.pem: "));
}

}  // namespace
}  // namespace understudy
