#include "net/http_client.h"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <future>
#include <stop_token>
#include <utility>
#include <vector>

#include "net/http_lane.h"
#include "net/http_transfer.h"

namespace understudy {

namespace {

struct Cancel {
  HttpTransfer* transfer;
  void operator()() const { transfer->cancel(); }
};

class Reply : public HttpReply {
 public:
  Reply(std::shared_ptr<HttpTransfer> transfer, const Call& call)
      : transfer_(std::move(transfer)), executor_(*call.executor), stop_(call.stop, Cancel{transfer_.get()}) {}
  ~Reply() override { transfer_->cancel(); }

  int status() const override { return transfer_->status(); }
  const HttpHeaders& headers() const override { return transfer_->headers(); }
  std::string_view header(std::string_view name) const override {
    for (const auto& [key, value] : transfer_->headers()) {
      if (equal_ignoring_case(key, name)) return value;
    }
    return {};
  }
  Awaitable<std::variant<std::optional<std::string>, HttpFailure>> next() override {
    co_await HttpTransfer::Waiting(*transfer_, executor_, HttpTransfer::For::kBody);
    co_return transfer_->take();
  }

 private:
  const std::shared_ptr<HttpTransfer> transfer_;
  Executor& executor_;
  const std::stop_callback<Cancel> stop_;
};

// Requests go to the lanes, one for each io thread, in turn.
class Client : public HttpClient {
 public:
  Client(IoThreads& threads, const HttpClientOptions& options) {
    for (int i = 0; i < threads.count(); ++i) lanes_.push_back(std::make_shared<HttpLane>(threads, options));
  }
  ~Client() override {
    for (const std::shared_ptr<HttpLane>& lane : lanes_) {
      const auto closed = std::make_shared<std::promise<void>>();
      boost::asio::post(lane->strand(), [lane, closed] {
        lane->close();
        closed->set_value();
      });
      closed->get_future().wait();
    }
  }

  Awaitable<HttpOutcome> send(OutboundRequest request, const Call& call) override {
    const std::shared_ptr<HttpLane>& lane = lanes_[next_lane_.fetch_add(1, std::memory_order_relaxed) % lanes_.size()];
    const auto transfer = std::make_shared<HttpTransfer>(lane, std::move(request));
    if (std::string refusal = transfer->refusal(); !refusal.empty()) {
      co_return HttpFailure{HttpFailure::Kind::kBroken, std::move(refusal), false};
    }
    lane->send(transfer);
    {
      const std::stop_callback<Cancel> stop(call.stop, Cancel{transfer.get()});
      co_await HttpTransfer::Waiting(*transfer, *call.executor, HttpTransfer::For::kHead);
    }
    if (std::optional<HttpFailure> failure = transfer->failure_before_head()) co_return std::move(*failure);
    co_return HttpOutcome(std::make_unique<Reply>(transfer, call));
  }

 private:
  std::vector<std::shared_ptr<HttpLane>> lanes_;  // constant after construction
  std::atomic<size_t> next_lane_{0};
};

class ClientWithThread : public HttpClient {
 public:
  explicit ClientWithThread(const HttpClientOptions& options) : client_(threads_, options) {}
  Awaitable<HttpOutcome> send(OutboundRequest request, const Call& call) override {
    return client_.send(std::move(request), call);
  }

 private:
  IoThreads threads_{1};
  Client client_;
};

}  // namespace

std::unique_ptr<HttpClient> make_http_client(IoThreads& threads, const HttpClientOptions& options) {
  return std::make_unique<Client>(threads, options);
}

std::unique_ptr<HttpClient> make_http_client(const HttpClientOptions& options) {
  return std::make_unique<ClientWithThread>(options);
}

Awaitable<std::variant<std::string, HttpFailure>> read_body(HttpReply& reply, size_t limit) {
  std::string body;
  for (;;) {
    std::variant<std::optional<std::string>, HttpFailure> next = co_await reply.next();
    if (const auto* failure = std::get_if<HttpFailure>(&next)) co_return *failure;
    std::optional<std::string>& bytes = std::get<0>(next);
    if (!bytes) co_return std::move(body);
    body.empty() ? body.swap(*bytes) : void(body += *bytes);
    if (body.size() > limit) {
      co_return HttpFailure{HttpFailure::Kind::kBroken, fmt::format("the answer is longer than {} bytes", limit), true};
    }
  }
}

}  // namespace understudy
