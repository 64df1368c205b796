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

}  // namespace
}  // namespace understudy
