#include "net/http_lane.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <mutex>

#include "base/error.h"
#include "base/version.h"

namespace understudy {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr long kKeptConnections = 1024;
constexpr size_t kSpareHandles = 256;
// Times that libcurl is called in a row because it asks to be called at once; then others have their turn.
constexpr int kMostRounds = 8;
// The transfer's own deadlines come first.
constexpr long kNeverMs = 24L * 3600 * 1000;

template <class T>
void set(CURL* easy, CURLoption option, T value) {
  CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK, "libcurl refuses an option that it has had for years");
}

// The options that are the same for every request.
void set_fixed_options(CURL* easy, const HttpClientOptions& options) {
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  set(easy, CURLOPT_PATH_AS_IS, 1L);
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, kNeverMs);
  set(easy, CURLOPT_USERAGENT, fmt::format("understudy/{}", kVersion).c_str());
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options.certificate_authorities.empty()) {
    set(easy, CURLOPT_CAINFO, options.certificate_authorities.c_str());
    set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  set(easy, CURLOPT_HEADERFUNCTION, &HttpTransfer::header_came);
  set(easy, CURLOPT_WRITEFUNCTION, &HttpTransfer::body_came);
  set(easy, CURLOPT_OPENSOCKETFUNCTION, &HttpTransfer::open_socket);
  set(easy, CURLOPT_PREREQFUNCTION, &HttpTransfer::about_to_send);
}

}  // namespace

HttpLane::HttpLane(IoThreads& threads, HttpClientOptions options)
    : options_(std::move(options)), strand_(asio::make_strand(threads.loop().context)), timer_(strand_) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_ALL); });
  multi_ = curl_multi_init();
  if (multi_ == nullptr) throw Error(ErrorCode::kInternal, "libcurl cannot be started");
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kKeptConnections);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(
      multi_, CURLMOPT_SOCKETFUNCTION, +[](CURL*, curl_socket_t socket, int what, void* self, void*) {
        static_cast<HttpLane*>(self)->watch(socket, what);
        return 0;
      });
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(
      multi_, CURLMOPT_TIMERFUNCTION, +[](CURLM*, long timeout_ms, void* self) {
        static_cast<HttpLane*>(self)->curl_at_ =
            timeout_ms < 0 ? Clock::time_point::max() : Clock::now() + std::chrono::milliseconds(timeout_ms);
        return 0;
      });
}

HttpLane::~HttpLane() {
  CHECK(multi_ == nullptr, "a lane is closed before it goes");
}

// At once where the strand is free: who sends is on an io thread, and never inside one of libcurl's callbacks, which
// wake coroutines by posting.
void HttpLane::send(std::shared_ptr<HttpTransfer> transfer) {
  asio::dispatch(strand_, [self = shared_from_this(), transfer = std::move(transfer)] { self->begin(transfer); });
}

void HttpLane::cancel(std::shared_ptr<HttpTransfer> transfer) {
  asio::post(strand_, [self = shared_from_this(), transfer = std::move(transfer)] {
    if (transfer->easy() == nullptr) return;
    self->end(*transfer, transfer->cancelled());
    self->settle();
  });
}

void HttpLane::resume(std::shared_ptr<HttpTransfer> transfer) {
  asio::post(strand_, [self = shared_from_this(), transfer = std::move(transfer)] {
    transfer->resume();
    self->settle();
  });
}

void HttpLane::close() {
  while (!running_.empty()) {
    HttpTransfer& transfer = *running_.begin()->second;
    end(transfer, transfer.cancelled());
  }
  for (CURL* easy : std::exchange(spare_, {})) curl_easy_cleanup(easy);
  curl_multi_cleanup(std::exchange(multi_, nullptr));
  for (const auto& [socket, watch] : watches_) {
    if (!watch->is_ours) watch->descriptor.release();
  }
  watches_.clear();
  timer_.cancel();
}

// ---- transfers

void HttpLane::begin(const std::shared_ptr<HttpTransfer>& transfer) {
  CURL* easy = multi_ == nullptr ? nullptr : take_easy();
  if (easy == nullptr) {
    transfer->ended(HttpFailure{HttpFailure::Kind::kCancelled, "the client ends, or is out of memory", false});
    return;
  }
  const bool taken = transfer->begin(easy);
  transfer->noted_deadline = transfer->deadline();
  running_.emplace(std::pair(transfer->noted_deadline, transfer.get()), transfer);
  if (!taken || curl_multi_add_handle(multi_, easy) != CURLM_OK) {
    end(*transfer, HttpFailure{HttpFailure::Kind::kBroken, "libcurl does not take the request", false});
    return;
  }
  settle();
}

void HttpLane::end(HttpTransfer& transfer, std::optional<HttpFailure> failure) {
  const auto entry = running_.extract(std::pair(transfer.noted_deadline, &transfer));  // keeps it to the end of this
  CURL* easy = transfer.easy();
  curl_multi_remove_handle(multi_, easy);
  give_back(easy);
  transfer.ended(std::move(failure));
}

CURL* HttpLane::take_easy() {
  if (!spare_.empty()) {
    CURL* easy = spare_.back();
    spare_.pop_back();
    return easy;
  }
  CURL* easy = curl_easy_init();
  if (easy == nullptr) return nullptr;
  set_fixed_options(easy, options_);
  set(easy, CURLOPT_CLOSESOCKETDATA, this);
  set(
      easy, CURLOPT_CLOSESOCKETFUNCTION, +[](void* self, curl_socket_t socket) {
        static_cast<HttpLane*>(self)->close_socket(socket);
        return 0;
      });
  return easy;
}

void HttpLane::give_back(CURL* easy) {
  if (spare_.size() >= kSpareHandles) {
    curl_easy_cleanup(easy);
    return;
  }
  set(easy, CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
  set(easy, CURLOPT_HTTPHEADER, static_cast<curl_slist*>(nullptr));
  set(easy, CURLOPT_POSTFIELDS, static_cast<char*>(nullptr));
  spare_.push_back(easy);
}

// The list's order is by deadlines that may be too early, never too late: most come and go without being looked at.
void HttpLane::deadline_changed(HttpTransfer& transfer) {
  const Clock::time_point deadline = transfer.deadline();
  if (deadline >= transfer.noted_deadline) return;
  auto entry = running_.extract(std::pair(transfer.noted_deadline, &transfer));
  if (entry.empty()) return;
  transfer.noted_deadline = deadline;
  entry.key().first = deadline;
  running_.insert(std::move(entry));
}

// ---- sockets

int HttpLane::socket_for(const curl_sockaddr& address) {
  const int socket = ::socket(address.family, address.socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.protocol);
  if (socket < 0) return CURL_SOCKET_BAD;
  const auto watch = std::make_shared<Watch>(strand_, socket);
  watch->is_ours = true;
  watches_[socket] = watch;
  return socket;
}

void HttpLane::close_socket(curl_socket_t socket) {
  const auto found = watches_.find(socket);
  if (found == watches_.end()) {
    ::close(socket);
    return;
  }
  error_code ignored;
  found->second->wants = CURL_POLL_NONE;
  found->second->descriptor.close(ignored);
  watches_.erase(found);
}

void HttpLane::watch(curl_socket_t socket, int what) {
  const auto found = watches_.find(socket);
  if (what == CURL_POLL_REMOVE) {
    if (found == watches_.end()) return;
    found->second->wants = CURL_POLL_NONE;
    if (found->second->is_ours) return;
    found->second->descriptor.release();  // the socket is libcurl's to close
    watches_.erase(found);
    return;
  }
  const std::shared_ptr<Watch> watch =
      found == watches_.end() ? (watches_[socket] = std::make_shared<Watch>(strand_, socket)) : found->second;
  watch->wants = what;
  wait_for(socket, watch);
}

void HttpLane::wait_for(curl_socket_t socket, const std::shared_ptr<Watch>& watch) {
  if ((watch->wants & CURL_POLL_IN) != 0 && !std::exchange(watch->reads, true)) {
    watch->descriptor.async_wait(Descriptor::wait_read, [self = shared_from_this(), socket, watch](error_code code) {
      watch->reads = false;
      if (code != asio::error::operation_aborted) self->ready(socket, watch, CURL_CSELECT_IN, code.failed());
    });
  }
  if ((watch->wants & CURL_POLL_OUT) != 0 && !std::exchange(watch->writes, true)) {
    watch->descriptor.async_wait(Descriptor::wait_write, [self = shared_from_this(), socket, watch](error_code code) {
      watch->writes = false;
      if (code != asio::error::operation_aborted) self->ready(socket, watch, CURL_CSELECT_OUT, code.failed());
    });
  }
}

// A wait may end when libcurl is not interested any more: on a kept connection that the server closes, say.
void HttpLane::ready(curl_socket_t socket, const std::shared_ptr<Watch>& watch, int event, bool failed) {
  const int wanted = event == CURL_CSELECT_IN ? CURL_POLL_IN : CURL_POLL_OUT;
  if (multi_ == nullptr || (watch->wants & wanted) == 0) return;
  act(socket, failed ? CURL_CSELECT_ERR : event);
  wait_for(socket, watch);  // `wants` is none where it was closed
}

// ---- libcurl's turn

void HttpLane::act(curl_socket_t socket, int event) {
  int running = 0;
  curl_multi_socket_action(multi_, socket, event, &running);
  settle();
}

// After every call into libcurl: what has ended is told, what it wants at once it gets, and the timer is set.
void HttpLane::settle() {
  if (multi_ == nullptr) return;
  collect_ended();
  for (int round = 0; round < kMostRounds && curl_at_ <= Clock::now(); ++round) {
    curl_at_ = Clock::time_point::max();
    int running = 0;
    curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    collect_ended();
  }
  arm_timer();
}

void HttpLane::collect_ended() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    HttpTransfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    end(*transfer, code == CURLE_OK ? std::nullopt : std::optional<HttpFailure>(transfer->failure_of(code)));
  }
}

// One timer for all, which may ring too early: setting it anew for every request costs more than that.
void HttpLane::arm_timer() {
  const Clock::time_point next = std::min(curl_at_, running_.empty() ? curl_at_ : running_.begin()->first.first);
  if (next >= timer_at_) return;
  timer_at_ = next;
  timer_.expires_at(next);
  timer_.async_wait([self = shared_from_this()](error_code code) {
    if (!code && self->multi_ != nullptr) self->timer_rang();
  });
}

void HttpLane::timer_rang() {
  timer_at_ = Clock::time_point::max();
  const Clock::time_point now = Clock::now();
  while (!running_.empty() && running_.begin()->first.first <= now) {
    const std::shared_ptr<HttpTransfer> transfer = running_.begin()->second;
    if (transfer->deadline() <= now) {
      end(*transfer, transfer->timed_out());
      continue;
    }
    auto entry = running_.extract(running_.begin());
    entry.key().first = transfer->noted_deadline = transfer->deadline();
    running_.insert(std::move(entry));
  }
  settle();
}

}  // namespace understudy
