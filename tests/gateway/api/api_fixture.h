// The endpoints over a real HTTP server and a stand-in provider, and a client that reads what they say.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/metrics.h"
#include "base/worker_pool.h"
#include "gateway/api/api.h"
#include "gateway/routing/local_router.h"
#include "net/http_server.h"
#include "tests/support/raw_client.h"
#include "tests/support/stand_in_provider.h"

namespace understudy::testing {

struct Reply {
  int status = 0;
  std::string head;
  std::string body;
  Json json() const { return parse_json(body, "body"); }
  // Of a stream: the payloads of its events.
  std::vector<std::string> events() const {
    std::vector<std::string> payloads;
    for (size_t at = body.find("data: "); at != std::string::npos; at = body.find("data: ", at)) {
      const size_t end = body.find("\n\n", at);
      payloads.push_back(body.substr(at + 6, end - at - 6));
      at = end;
    }
    return payloads;
  }
};

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() {
    router_.add(provider_);
    HttpServerOptions options;
    options.listen = {"127.0.0.1", 0};
    server_ = std::make_unique<HttpServer>(
        options, [this](const HttpRequest& http) { return api_.answer(http); }, Api::write_error);
    server_->start();
  }

  RawClient send(const std::string& method, const std::string& path, const std::string& body = "") {
    RawClient client(server_->address().port);
    client.send(method + " " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    return client;
  }
  Reply ask(const std::string& method, const std::string& path, const std::string& body = "") {
    RawClient client = send(method, path, body);
    Reply reply;
    reply.head = client.read_until("\r\n\r\n");
    reply.status = reply.head.size() > 12 ? std::stoi(reply.head.substr(9, 3)) : 0;
    reply.body = client.read_all();
    if (reply.head.find("chunked") != std::string::npos) reply.body = unchunked(reply.body);
    return reply;
  }
  Reply get(const std::string& path) { return ask("GET", path); }
  Reply post(const std::string& path, const Json& body) { return ask("POST", path, dump_json(body)); }

  static std::string unchunked(std::string_view bytes) {
    std::string body;
    while (!bytes.empty()) {
      const size_t length = std::stoul(std::string(bytes.substr(0, bytes.find("\r\n"))), nullptr, 16);
      bytes.remove_prefix(bytes.find("\r\n") + 2);
      if (length == 0) break;
      body += bytes.substr(0, length);
      bytes.remove_prefix(length + 2);
    }
    return body;
  }
  static bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 1000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  StandInProvider provider_;
  LocalRouter router_;
  WorkerPool workers_{2};
  Metrics metrics_;
  std::atomic<int> ids_{0};
  Api api_{{.router = router_,
            .workers = workers_,
            .metrics = metrics_,
            .now = [] { return 1800000000; },
            .random_id = [this] { return "id" + std::to_string(++ids_); }}};
  std::unique_ptr<HttpServer> server_;
};

}  // namespace understudy::testing
