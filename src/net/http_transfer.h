// One outbound request on its way, for http_client.cc and http_lane.cc. Made by the caller's coroutine, then worked on
// by its lane (libcurl's callbacks, all on the lane's strand), which shares it with the reply: what both touch is
// guarded.
#pragma once

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/executor.h"
#include "base/mutex.h"
#include "net/http_client.h"

namespace understudy {

class HttpLane;

class HttpTransfer : public std::enable_shared_from_this<HttpTransfer> {
 public:
  using Clock = std::chrono::steady_clock;

  HttpTransfer(std::shared_ptr<HttpLane> lane, OutboundRequest request);
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;
  ~HttpTransfer();

  // ---- the caller's side

  // Why the request cannot be sent at all: a header that could hold another one. Empty where it can.
  std::string refusal() const;

  enum class For { kHead, kBody };
  class Waiting {  // co_await: until the head, or a piece of the body, or the end is there
   public:
    Waiting(HttpTransfer& transfer, Executor& executor, For what)
        : transfer_(transfer), executor_(executor), what_(what) {}
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiting) const { return transfer_.wait(waiting, executor_, what_); }
    void await_resume() const noexcept {}

   private:
    HttpTransfer& transfer_;
    Executor& executor_;
    For what_;
  };

  // Nothing where the head is there.
  std::optional<HttpFailure> failure_before_head() EXCLUDES(mutex_);
  // After a wait for the body: what has come of it, or its end, or the failure.
  std::variant<std::optional<std::string>, HttpFailure> take() EXCLUDES(mutex_);
  void cancel() EXCLUDES(mutex_);

  int status() const { return status_; }  // both constant once the head is there
  const HttpHeaders& headers() const { return headers_; }

  // ---- the lane's side, on its strand

  // Puts the request into a handle that has libcurl's fixed options already. False where libcurl does not take it.
  bool begin(CURL* easy);
  CURL* easy() const { return easy_; }  // null before begin() and after ended()
  // Tells the reader; the handle is the lane's again.
  void ended(std::optional<HttpFailure> failure) EXCLUDES(mutex_);
  void resume();

  HttpFailure failure_of(CURLcode code) const;
  HttpFailure cancelled() const;
  HttpFailure timed_out() const;
  Clock::time_point deadline() const;  // the earliest of its limits, as far as it has come

  Clock::time_point noted_deadline;  // under which the lane keeps it; never later than deadline()

  // libcurl's callbacks, for http_lane.cc, which sets them.
  static size_t header_came(char* data, size_t, size_t size, void* self);
  static size_t body_came(char* data, size_t, size_t size, void* self);
  static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* address);
  static int about_to_send(void* self, char* peer, char* local, int peer_port, int local_port);

 private:
  bool wait(std::coroutine_handle<> waiting, Executor& executor, For what) EXCLUDES(mutex_);
  bool is_due() const REQUIRES(mutex_) { return is_ended_ || (waits_for_ == For::kHead ? has_head_ : !body_.empty()); }
  void wake() EXCLUDES(mutex_);

  bool add_headers();
  size_t on_header(std::string_view line) EXCLUDES(mutex_);
  void on_head_end(int status) EXCLUDES(mutex_);
  size_t on_body(std::string_view bytes) EXCLUDES(mutex_);
  bool is_allowed(const sockaddr& address);
  bool is_allowed(const char* address);
  bool may_be_sent() const;
  std::string host() const;

  const std::shared_ptr<HttpLane> lane_;
  const OutboundRequest request_;

  // Used on the lane's strand only.
  enum class Phase { kConnecting, kWaiting, kReading };
  CURL* easy_ = nullptr;
  curl_slist* header_list_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  std::string forbidden_;  // the address that was refused
  size_t header_bytes_ = 0;
  bool head_ended_ = false;
  int sendings_ = 0;  // libcurl begins again once where a kept connection proves dead
  Phase phase_ = Phase::kConnecting;
  Clock::time_point begun_at_;
  Clock::time_point phase_at_;  // when the phase began; while reading: of the last byte
  bool reader_is_slow_ = false;

  int status_ = 0;
  HttpHeaders headers_;

  Mutex mutex_;
  bool has_head_ GUARDED_BY(mutex_) = false;
  bool is_ended_ GUARDED_BY(mutex_) = false;
  bool is_paused_ GUARDED_BY(mutex_) = false;
  std::string body_ GUARDED_BY(mutex_);  // not yet taken
  std::optional<HttpFailure> failure_ GUARDED_BY(mutex_);
  std::coroutine_handle<> waiting_ GUARDED_BY(mutex_);
  Executor* executor_ GUARDED_BY(mutex_) = nullptr;
  For waits_for_ GUARDED_BY(mutex_) = For::kHead;
};

}  // namespace understudy
