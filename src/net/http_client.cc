#include "net/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <coroutine>
#include <deque>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "base/version.h"
#include "net/address_policy.h"

namespace understudy {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

namespace {

constexpr size_t kMostHeaderBytes = size_t{64} << 10;
// Bytes that wait for a slow reader; beyond it the sender waits too.
constexpr size_t kMostBuffered = size_t{256} << 10;

struct SlistFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Slist = std::unique_ptr<curl_slist, SlistFree>;

std::string host_of(const std::string& url) {
  const size_t begin = url.find("://");
  if (begin == std::string::npos) return url.substr(0, 100);
  return url.substr(begin + 3, url.find_first_of("/?#", begin + 3) - begin - 3);
}

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

}  // namespace

class CurlClient;

// One request on its way. Made by the caller's coroutine, then the loop's, which shares it with the reply: what both
// touch is guarded.
class Transfer : public std::enable_shared_from_this<Transfer> {
 public:
  Transfer(CurlClient& client, OutboundRequest given) : client_(client), request_(std::move(given)) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    if (easy_ != nullptr) curl_easy_cleanup(easy_);
  }

  // ---- the caller's side

  struct Waiting {  // co_await: until there is something to say
    Transfer& transfer;
    Executor& executor;
    bool for_head;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> handle) const { return transfer.wait(handle, executor, for_head); }
    void await_resume() const noexcept {}
  };

  bool wait(std::coroutine_handle<> handle, Executor& executor, bool for_head) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (is_ended_ || (for_head ? has_head_ : !chunks_.empty())) return false;
    waiting_ = handle;
    executor_ = &executor;
    waits_for_head_ = for_head;
    return true;
  }
  std::optional<HttpFailure> failure_before_head() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (has_head_) return std::nullopt;
    return failure_.value_or(HttpFailure{HttpFailure::Kind::kBroken, host() + ": ended without an answer", true});
  }
  std::variant<std::optional<std::string>, HttpFailure> take() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (!chunks_.empty()) {
      std::string all = std::move(chunks_.front());
      chunks_.pop_front();
      for (const std::string& chunk : chunks_) all += chunk;
      chunks_.clear();
      buffered_ = 0;
      if (std::exchange(is_paused_, false)) resume_later();
      return std::optional<std::string>(std::move(all));
    }
    if (failure_) return *failure_;
    return std::optional<std::string>();
  }
  void cancel_later();

  int status() const { return status_; }  // both constant once the head is there
  const HttpHeaders& headers() const { return headers_; }
  std::string host() const { return host_of(request_.url); }

  // ---- the loop's side

  // Throws kInvalidInput for a header with a line break, kInternal where libcurl refuses an option.
  void prepare();
  CURL* easy() const { return easy_; }
  void ended(CURLcode code);
  void fail(HttpFailure failure);
  void watch_silence();
  void resume() {
    if (is_running_) curl_easy_pause(easy_, CURLPAUSE_CONT);
  }
  bool is_running_ = false;  // whether it is in the multi handle

 private:
  template <class T>
  void set(CURLoption option, T value) {
    if (curl_easy_setopt(easy_, option, value) != CURLE_OK) {
      throw Error(ErrorCode::kInternal, fmt::format("libcurl refuses option {}", static_cast<int>(option)));
    }
  }
  void add_headers();
  void resume_later() REQUIRES(mutex_);
  void finish(std::optional<HttpFailure> failure) EXCLUDES(mutex_);
  void wake() EXCLUDES(mutex_);
  HttpFailure failure_of(CURLcode code) const;

  size_t on_header(std::string_view line) EXCLUDES(mutex_);
  size_t on_body(std::string_view bytes) EXCLUDES(mutex_);
  curl_socket_t on_open(curl_sockaddr* address);

  CurlClient& client_;
  const OutboundRequest request_;

  // Used by the loop only.
  CURL* easy_ = nullptr;
  Slist header_list_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  std::string forbidden_;  // the address that was refused
  size_t header_bytes_ = 0;
  bool head_ended_ = false;
  Clock::time_point last_byte_;
  bool has_body_byte_ = false;
  std::unique_ptr<asio::steady_timer> silence_;

  int status_ = 0;
  HttpHeaders headers_;

  Mutex mutex_;
  bool has_head_ GUARDED_BY(mutex_) = false;
  bool is_ended_ GUARDED_BY(mutex_) = false;
  bool is_paused_ GUARDED_BY(mutex_) = false;
  std::deque<std::string> chunks_ GUARDED_BY(mutex_);
  size_t buffered_ GUARDED_BY(mutex_) = 0;
  std::optional<HttpFailure> failure_ GUARDED_BY(mutex_);
  std::coroutine_handle<> waiting_ GUARDED_BY(mutex_);
  Executor* executor_ GUARDED_BY(mutex_) = nullptr;
  bool waits_for_head_ GUARDED_BY(mutex_) = false;
};

class CurlReply : public HttpReply {
 public:
  struct Cancel {
    Transfer* transfer;
    void operator()() const { transfer->cancel_later(); }
  };
  CurlReply(std::shared_ptr<Transfer> transfer, const Call& call)
      : transfer_(std::move(transfer)), executor_(*call.executor), stop_(call.stop, Cancel{transfer_.get()}) {}
  ~CurlReply() override { transfer_->cancel_later(); }

  int status() const override { return transfer_->status(); }
  const HttpHeaders& headers() const override { return transfer_->headers(); }
  std::string_view header(std::string_view name) const override {
    for (const auto& [key, value] : transfer_->headers()) {
      if (equal_ignoring_case(key, name)) return value;
    }
    return {};
  }
  Awaitable<std::variant<std::optional<std::string>, HttpFailure>> next() override {
    co_await Transfer::Waiting{*transfer_, executor_, false};
    co_return transfer_->take();
  }

 private:
  const std::shared_ptr<Transfer> transfer_;
  Executor& executor_;
  const std::stop_callback<Cancel> stop_;
};

// The loop: libcurl tells which sockets it waits for and until when; Asio waits.
class CurlClient : public HttpClient {
 public:
  CurlClient();
  ~CurlClient() override;

  Awaitable<HttpOutcome> send(OutboundRequest request, const Call& call) override;

  asio::io_context& context() { return context_; }
  void begin(const std::shared_ptr<Transfer>& transfer);
  void remove(Transfer& transfer);

 private:
  struct Watch {
    explicit Watch(asio::io_context& context, int socket) : descriptor(context, socket) {}
    asio::posix::stream_descriptor descriptor;
    int wants = CURL_POLL_NONE;
    bool reads = false;  // a wait is under way
    bool writes = false;
  };

  static int socket_changed(CURL*, curl_socket_t socket, int what, void* self, void*) {
    static_cast<CurlClient*>(self)->watch(socket, what);
    return 0;
  }
  static int timer_changed(CURLM*, long timeout_ms, void* self) {
    static_cast<CurlClient*>(self)->set_timer(timeout_ms);
    return 0;
  }
  void watch(curl_socket_t socket, int what);
  void arm(curl_socket_t socket, const std::shared_ptr<Watch>& watch);
  void ready(curl_socket_t socket, const std::shared_ptr<Watch>& watch, int event, error_code code);
  void set_timer(long timeout_ms);
  void act(curl_socket_t socket, int event);
  void collect_ended();

  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_{context_.get_executor()};
  asio::steady_timer timer_{context_};
  CURLM* multi_ = nullptr;
  // Used by the loop's thread only.
  std::map<curl_socket_t, std::shared_ptr<Watch>> watches_;
  std::map<CURL*, std::shared_ptr<Transfer>> running_;
  std::thread thread_;
};

// ---- Transfer

void Transfer::prepare() {
  easy_ = curl_easy_init();
  if (easy_ == nullptr) throw Error(ErrorCode::kOutOfMemory, "libcurl has no memory for a request");
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(CURLOPT_USERAGENT, fmt::format("understudy/{}", kVersion).c_str());
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.timeouts.connect.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeouts.total.count()));
  set(CURLOPT_ERRORBUFFER, error_text_.data());
  add_headers();
  if (request_.method == "GET") {
    set(CURLOPT_HTTPGET, 1L);
  } else {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_POSTFIELDS, request_.body.data());
    set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
  set(
      CURLOPT_HEADERFUNCTION, +[](char* data, size_t, size_t size, void* self) {
        return static_cast<Transfer*>(self)->on_header({data, size});
      });
  set(CURLOPT_HEADERDATA, this);
  set(
      CURLOPT_WRITEFUNCTION, +[](char* data, size_t, size_t size, void* self) {
        return static_cast<Transfer*>(self)->on_body({data, size});
      });
  set(CURLOPT_WRITEDATA, this);
  set(
      CURLOPT_OPENSOCKETFUNCTION,
      +[](void* self, curlsocktype, curl_sockaddr* address) { return static_cast<Transfer*>(self)->on_open(address); });
  set(CURLOPT_OPENSOCKETDATA, this);
}

void Transfer::add_headers() {
  curl_slist* list = curl_slist_append(nullptr, "Expect:");  // no waiting for "100 Continue"
  for (const auto& [name, value] : request_.headers) {
    if (has_line_break(name) || has_line_break(value)) {
      curl_slist_free_all(list);
      throw Error(ErrorCode::kInvalidInput, fmt::format("header {}: has a line break", name.substr(0, 40)));
    }
    list = curl_slist_append(list, (name + (value.empty() ? ";" : ": " + value)).c_str());
  }
  header_list_.reset(list);
  set(CURLOPT_HTTPHEADER, list);
}

curl_socket_t Transfer::on_open(curl_sockaddr* address) {
  const AddressKind kind = kind_of_address(address->addr);
  const bool is_allowed =
      kind == AddressKind::kPublic || (kind == AddressKind::kPrivate && request_.allow_private_address);
  if (!is_allowed) {
    forbidden_ = address_text(address->addr);
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// Line by line; "HTTP/..." begins a head (there are several where 100 or 103 come first), an empty line ends it.
size_t Transfer::on_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kMostHeaderBytes) return 0;  // ends the transfer
  const size_t size = line.size();
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (line.rfind("HTTP/", 0) == 0) {
    headers_.clear();
  } else if (const size_t colon = line.find(':'); colon != std::string_view::npos && !head_ended_) {
    const size_t begin = std::min(line.find_first_not_of(" \t", colon + 1), line.size());
    headers_.emplace_back(line.substr(0, colon), line.substr(begin));
  } else if (line.empty() && !head_ended_) {
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200) return size;
    head_ended_ = true;
    status_ = static_cast<int>(status);
    {
      MutexLock lock(mutex_);
      has_head_ = true;
    }
    last_byte_ = Clock::now();
    wake();
  }
  return size;
}

size_t Transfer::on_body(std::string_view bytes) {
  {
    MutexLock lock(mutex_);
    if (buffered_ + bytes.size() > kMostBuffered && buffered_ > 0) {
      is_paused_ = true;
      return CURL_WRITEFUNC_PAUSE;
    }
    buffered_ += bytes.size();
    chunks_.emplace_back(bytes);
  }
  last_byte_ = Clock::now();
  if (!std::exchange(has_body_byte_, true)) watch_silence();  // from now on with the other limit
  wake();
  return bytes.size();
}

// A timer that looks now and then, instead of one that is set anew with every byte.
void Transfer::watch_silence() {
  if (!silence_) {
    silence_ = std::make_unique<asio::steady_timer>(client_.context());
    last_byte_ = Clock::now();
  }
  const auto limit = has_body_byte_ ? request_.timeouts.between_bytes : request_.timeouts.first_byte;
  silence_->expires_at(last_byte_ + limit);
  silence_->async_wait([self = weak_from_this(), limit](error_code code) {
    const auto transfer = self.lock();
    if (code || !transfer || !transfer->is_running_) return;
    bool is_reader_slow = false;
    {
      MutexLock lock(transfer->mutex_);
      is_reader_slow = transfer->is_paused_;
    }
    if (is_reader_slow) transfer->last_byte_ = Clock::now();
    const auto now_limit =
        transfer->has_body_byte_ ? transfer->request_.timeouts.between_bytes : transfer->request_.timeouts.first_byte;
    if (Clock::now() < transfer->last_byte_ + now_limit) return transfer->watch_silence();
    const std::string what = transfer->has_body_byte_ ? "nothing more came" : "no answer came";
    transfer->fail({HttpFailure::Kind::kTimedOut,
                    fmt::format("{}: {} within {} ms", transfer->host(), what, limit.count()), true});
  });
}

HttpFailure Transfer::failure_of(CURLcode code) const {
  curl_off_t pretransfer = 0;
  curl_easy_getinfo(easy_, CURLINFO_PRETRANSFER_TIME_T, &pretransfer);
  HttpFailure failure;
  failure.sent = pretransfer > 0;
  if (!forbidden_.empty() && !failure.sent) {
    failure.kind = HttpFailure::Kind::kForbiddenAddress;
    failure.message = fmt::format("{}: its address {} is in a network that is not allowed", host(), forbidden_);
    return failure;
  }
  if (code == CURLE_OPERATION_TIMEDOUT) {
    failure.kind = HttpFailure::Kind::kTimedOut;
    failure.message = failure.sent
                          ? fmt::format("{}: not done within {} ms", host(), request_.timeouts.total.count())
                          : fmt::format("{}: no connection within {} ms", host(), request_.timeouts.connect.count());
    return failure;
  }
  const bool is_http = code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_GOT_NOTHING ||
                       code == CURLE_PARTIAL_FILE || code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM ||
                       code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_WRITE_ERROR ||
                       code == CURLE_UNSUPPORTED_PROTOCOL;
  failure.kind = is_http || failure.sent ? HttpFailure::Kind::kBroken : HttpFailure::Kind::kConnect;
  const std::string_view text = error_text_[0] != 0 ? error_text_.data() : curl_easy_strerror(code);
  failure.message = fmt::format("{}: {}", host(), text);
  return failure;
}

void Transfer::ended(CURLcode code) {
  finish(code == CURLE_OK ? std::nullopt : std::optional<HttpFailure>(failure_of(code)));
}

void Transfer::fail(HttpFailure failure) {
  client_.remove(*this);
  finish(std::move(failure));
}

void Transfer::finish(std::optional<HttpFailure> failure) {
  if (silence_) silence_->cancel();
  {
    MutexLock lock(mutex_);
    if (std::exchange(is_ended_, true)) return;
    failure_ = std::move(failure);
  }
  wake();
}

void Transfer::wake() {
  std::coroutine_handle<> waiting;
  Executor* executor = nullptr;
  {
    MutexLock lock(mutex_);
    const bool is_due = is_ended_ || (waits_for_head_ ? has_head_ : !chunks_.empty());
    if (!is_due) return;
    waiting = std::exchange(waiting_, nullptr);
    executor = executor_;
  }
  if (waiting) executor->post([waiting] { waiting.resume(); });
}

void Transfer::resume_later() {
  asio::post(client_.context(), [self = shared_from_this()] { self->resume(); });
}

void Transfer::cancel_later() {
  {
    MutexLock lock(mutex_);
    if (is_ended_) return;
  }
  asio::post(client_.context(), [self = shared_from_this()] {
    self->fail({HttpFailure::Kind::kCancelled, self->host() + ": cancelled", true});
  });
}

// ---- CurlClient

CurlClient::CurlClient() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_ALL); });
  multi_ = curl_multi_init();
  if (multi_ == nullptr) throw Error(ErrorCode::kInternal, "libcurl cannot be started");
  constexpr long kKept = 1024;  // idle connections
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kKept);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlClient::socket_changed);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlClient::timer_changed);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  thread_ = std::thread([this] { context_.run(); });
}

CurlClient::~CurlClient() {
  asio::post(context_, [this] {
    while (!running_.empty()) {
      const std::shared_ptr<Transfer> transfer = running_.begin()->second;
      transfer->fail({HttpFailure::Kind::kCancelled, "the client ends", true});
    }
    guard_.reset();
    context_.stop();
  });
  thread_.join();
  // libcurl's last calls still come here, for the sockets that it closes.
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, nullptr);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, nullptr);
  for (auto& [socket, watch] : watches_) watch->descriptor.release();
  curl_multi_cleanup(multi_);
}

Awaitable<HttpOutcome> CurlClient::send(OutboundRequest request, const Call& call) {
  const auto transfer = std::make_shared<Transfer>(*this, std::move(request));
  try {
    transfer->prepare();
  } catch (const Error& error) {
    co_return HttpFailure{HttpFailure::Kind::kBroken, error.message(), false};
  }
  asio::post(context_, [this, transfer] { begin(transfer); });
  {
    const std::stop_callback<CurlReply::Cancel> stop(call.stop, CurlReply::Cancel{transfer.get()});
    co_await Transfer::Waiting{*transfer, *call.executor, true};
  }
  if (std::optional<HttpFailure> failure = transfer->failure_before_head()) co_return std::move(*failure);
  co_return HttpOutcome(std::make_unique<CurlReply>(transfer, call));
}

void CurlClient::begin(const std::shared_ptr<Transfer>& transfer) {
  running_[transfer->easy()] = transfer;
  transfer->is_running_ = true;
  transfer->watch_silence();
  curl_multi_add_handle(multi_, transfer->easy());
}

void CurlClient::remove(Transfer& transfer) {
  if (!std::exchange(transfer.is_running_, false)) return;
  curl_multi_remove_handle(multi_, transfer.easy());
  running_.erase(transfer.easy());
}

void CurlClient::watch(curl_socket_t socket, int what) {
  const auto found = watches_.find(socket);
  if (what == CURL_POLL_REMOVE) {
    if (found == watches_.end()) return;
    found->second->wants = CURL_POLL_NONE;
    found->second->descriptor.release();  // the socket itself is libcurl's to close
    watches_.erase(found);
    return;
  }
  std::shared_ptr<Watch> watch =
      found == watches_.end() ? (watches_[socket] = std::make_shared<Watch>(context_, socket)) : found->second;
  watch->wants = what;
  arm(socket, watch);
}

void CurlClient::arm(curl_socket_t socket, const std::shared_ptr<Watch>& watch) {
  using Descriptor = asio::posix::stream_descriptor;
  if ((watch->wants & CURL_POLL_IN) != 0 && !std::exchange(watch->reads, true)) {
    watch->descriptor.async_wait(Descriptor::wait_read, [this, socket, watch](error_code code) {
      watch->reads = false;
      ready(socket, watch, CURL_CSELECT_IN, code);
    });
  }
  if ((watch->wants & CURL_POLL_OUT) != 0 && !std::exchange(watch->writes, true)) {
    watch->descriptor.async_wait(Descriptor::wait_write, [this, socket, watch](error_code code) {
      watch->writes = false;
      ready(socket, watch, CURL_CSELECT_OUT, code);
    });
  }
}

void CurlClient::ready(curl_socket_t socket, const std::shared_ptr<Watch>& watch, int event, error_code code) {
  if (code == asio::error::operation_aborted || watch->wants == CURL_POLL_NONE) return;
  const int wanted = event == CURL_CSELECT_IN ? CURL_POLL_IN : CURL_POLL_OUT;
  if ((watch->wants & wanted) == 0) return;
  act(socket, code ? CURL_CSELECT_ERR : event);
  const auto found = watches_.find(socket);
  if (found != watches_.end() && found->second == watch) arm(socket, watch);
}

void CurlClient::set_timer(long timeout_ms) {
  if (timeout_ms < 0) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(std::chrono::milliseconds(timeout_ms));
  timer_.async_wait([this](error_code code) {
    if (!code) act(CURL_SOCKET_TIMEOUT, 0);
  });
}

void CurlClient::act(curl_socket_t socket, int event) {
  int still_running = 0;
  curl_multi_socket_action(multi_, socket, event, &still_running);
  collect_ended();
}

void CurlClient::collect_ended() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    const auto found = running_.find(message->easy_handle);
    if (found == running_.end()) continue;
    const std::shared_ptr<Transfer> transfer = found->second;
    remove(*transfer);
    transfer->ended(code);
  }
}

std::unique_ptr<HttpClient> make_http_client() {
  return std::make_unique<CurlClient>();
}

Awaitable<std::variant<std::string, HttpFailure>> read_body(HttpReply& reply, size_t limit) {
  std::string body;
  for (;;) {
    std::variant<std::optional<std::string>, HttpFailure> next = co_await reply.next();
    if (const auto* failure = std::get_if<HttpFailure>(&next)) co_return *failure;
    std::optional<std::string>& bytes = std::get<0>(next);
    if (!bytes) co_return std::move(body);
    body += *bytes;
    if (body.size() > limit) {
      co_return HttpFailure{HttpFailure::Kind::kBroken, fmt::format("the answer is longer than {} bytes", limit), true};
    }
  }
}

}  // namespace understudy
