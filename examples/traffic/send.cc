#include "traffic/send.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/mutex.h"
#include "base/task_group.h"
#include "base/worker_pool.h"
#include "net/http_client.h"
#include "rows.h"

namespace understudy::examples {

namespace {

constexpr size_t kMostAnswerBytes = size_t{1} << 20;

class Sender {
 public:
  explicit Sender(const SendOptions& options) : options_(options), rows_(read_rows(options.rows)) {
    const int64_t n_rows = std::ssize(rows_);
    next_ = std::min(options.skip, n_rows);
    end_ = options.limit > 0 ? std::min(n_rows, next_ + options.limit) : n_rows;
  }

  SendReport run() {
    for (int i = 0; i < options_.parallel; ++i) tasks_.start(send_some());
    tasks_.stop_and_wait();  // nobody asks for its stop token: they end when all rows were sent
    MutexLock lock(mutex_);
    return report_;
  }

 private:
  // One of those that send at the same time: one row after the other.
  Awaitable<void> send_some() {
    co_await resume_on(pool_);
    for (int64_t at = next_.fetch_add(1); at < end_; at = next_.fetch_add(1)) {
      const LabelledRow& row = rows_[static_cast<size_t>(at)];
      HttpOutcome outcome = co_await client_->send(request_of(row), call_);
      if (const auto* failure = std::get_if<HttpFailure>(&outcome)) {
        note_failure(failure->message);
        continue;
      }
      const std::unique_ptr<HttpReply>& reply = std::get<0>(outcome);
      const std::variant<std::string, HttpFailure> body = co_await read_body(*reply, kMostAnswerBytes);
      if (const auto* failure = std::get_if<HttpFailure>(&body)) {
        note_failure(failure->message);
      } else if (reply->status() != 200) {
        note_failure(fmt::format("status {}: {:.300}", reply->status(), std::get<0>(body)));
      } else {
        note_answer(std::get<0>(body), row, std::string(reply->header("X-Understudy-Provider")));
      }
    }
  }

  OutboundRequest request_of(const LabelledRow& row) const {
    Json messages = Json::array();
    if (!options_.instructions.empty()) messages.push_back({{"role", "system"}, {"content", options_.instructions}});
    messages.push_back({{"role", "user"}, {"content", row.input}});
    OutboundRequest request;
    request.url = options_.to + "/chat/completions";
    request.headers = {{"Content-Type", "application/json"}};
    if (!options_.task.empty()) request.headers.emplace_back("X-Understudy-Task", options_.task);
    request.body = dump_json(
        {{"model", options_.model}, {"messages", std::move(messages)}, {"temperature", 0}, {"max_tokens", 200}});
    request.allow_private_address = true;
    return request;
  }

  void note_failure(const std::string& why) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (report_.failed++ == 0) report_.first_failure = why;
  }
  void note_answer(const std::string& body, const LabelledRow& row, const std::string& provider) EXCLUDES(mutex_) {
    const std::optional<Json> answer = try_parse_json(body);
    std::string text;
    if (answer && answer->contains("choices") && !answer->at("choices").empty()) {
      const Json& message = answer->at("choices").front().value("message", Json::object());
      if (message.contains("content") && message["content"].is_string()) text = message["content"].get<std::string>();
    }
    MutexLock lock(mutex_);
    ++report_.answered;
    ++report_.answered_by[provider.empty() ? "(not said)" : provider];
    report_.right += text == row.output ? 1 : 0;
  }

  const SendOptions options_;
  const std::vector<LabelledRow> rows_;
  std::atomic<int64_t> next_{0};
  int64_t end_ = 0;
  Mutex mutex_;
  SendReport report_ GUARDED_BY(mutex_);
  const std::unique_ptr<HttpClient> client_ = make_http_client();
  WorkerPool pool_{1};
  const Call call_{&pool_, {}};
  TaskGroup tasks_;  // ends before what its tasks use
};

}  // namespace

SendReport send_rows(const SendOptions& options) {
  return Sender(options).run();
}

}  // namespace understudy::examples
