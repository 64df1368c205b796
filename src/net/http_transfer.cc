#include "net/http_transfer.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "net/address_policy.h"
#include "net/http_lane.h"

namespace understudy {

namespace {

constexpr size_t kMostHeadBytes = size_t{64} << 10;
// Bytes that wait for a slow reader; beyond it the sender waits too.
constexpr size_t kMostBuffered = size_t{256} << 10;

// What belongs to a connection and not to a request (RFC 9110, 7.6.1), or is derived from the request itself.
constexpr std::string_view kOfTheConnection[] = {"host",    "content-length",   "connection", "transfer-encoding",
                                                 "expect",  "proxy-connection", "keep-alive", "te",
                                                 "trailer", "upgrade"};
// What libcurl adds of its own accord where nobody says otherwise.
constexpr std::string_view kNotAdded[] = {"Expect", "Accept", "Content-Type"};

bool is_of_the_connection(std::string_view name) {
  return std::any_of(std::begin(kOfTheConnection), std::end(kOfTheConnection),
                     [&](std::string_view other) { return equal_ignoring_case(name, other); });
}

bool is_given(const HttpHeaders& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& header) { return equal_ignoring_case(header.first, name); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

HttpTransfer::HttpTransfer(std::shared_ptr<HttpLane> lane, OutboundRequest request)
    : lane_(std::move(lane)), request_(std::move(request)) {}

HttpTransfer::~HttpTransfer() {
  curl_slist_free_all(header_list_);
}

// ---- the caller's side

std::string HttpTransfer::refusal() const {
  for (const auto& [name, value] : request_.headers) {
    if (!is_header_name(name)) return fmt::format("a header's name is none: \"{:.40}\"", name);
    if (!is_header_value(value)) return fmt::format("header {:.40}: its value holds a control character", name);
  }
  if (!is_header_name(request_.method)) return "the method is none";
  return {};
}

bool HttpTransfer::wait(std::coroutine_handle<> waiting, Executor& executor, For what) {
  MutexLock lock(mutex_);
  waits_for_ = what;
  if (is_due()) return false;
  waiting_ = waiting;
  executor_ = &executor;
  return true;
}

std::optional<HttpFailure> HttpTransfer::failure_before_head() {
  MutexLock lock(mutex_);
  if (has_head_) return std::nullopt;
  return failure_.value_or(HttpFailure{HttpFailure::Kind::kBroken, host() + ": ended without an answer", true});
}

std::variant<std::optional<std::string>, HttpFailure> HttpTransfer::take() {
  MutexLock lock(mutex_);
  if (!body_.empty()) {
    if (std::exchange(is_paused_, false)) lane_->resume(shared_from_this());
    return std::optional<std::string>(std::exchange(body_, {}));
  }
  if (failure_) return *failure_;
  return std::optional<std::string>();
}

void HttpTransfer::cancel() {
  {
    MutexLock lock(mutex_);
    if (is_ended_) return;
  }
  lane_->cancel(shared_from_this());
}

void HttpTransfer::wake() {
  std::coroutine_handle<> waiting;
  Executor* executor = nullptr;
  {
    MutexLock lock(mutex_);
    if (!is_due()) return;
    waiting = std::exchange(waiting_, nullptr);
    executor = executor_;
  }
  if (waiting) executor->post([waiting] { waiting.resume(); });
}

// ---- the lane's side

bool HttpTransfer::begin(CURL* easy) {
  easy_ = easy;
  begun_at_ = phase_at_ = Clock::now();
  const bool has_body = request_.method != "GET" && request_.method != "HEAD";
  bool taken = curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str()) == CURLE_OK && add_headers();
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_.data());
  curl_easy_setopt(easy, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(easy, CURLOPT_NOBODY, request_.method == "HEAD" ? 1L : 0L);
  if (has_body) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.data());
  } else if (request_.method == "GET") {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  }
  const char* other = has_body && request_.method != "POST" ? request_.method.c_str() : nullptr;
  taken = taken && curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, other) == CURLE_OK;
  return taken;
}

bool HttpTransfer::add_headers() {
  const auto add = [this](const std::string& line) {
    curl_slist* longer = curl_slist_append(header_list_, line.c_str());
    if (longer != nullptr) header_list_ = longer;
    return longer != nullptr;
  };
  bool added = true;
  for (const auto& [name, value] : request_.headers) {
    if (is_of_the_connection(name)) continue;
    added = added && add(value.empty() ? name + ";" : name + ": " + value);
  }
  for (const std::string_view name : kNotAdded) {
    if (is_given(request_.headers, name) && name != "Expect") continue;
    added = added && add(std::string(name) + ":");
  }
  return added && curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, header_list_) == CURLE_OK;
}

void HttpTransfer::ended(std::optional<HttpFailure> failure) {
  easy_ = nullptr;
  {
    MutexLock lock(mutex_);
    if (std::exchange(is_ended_, true)) return;
    failure_ = std::move(failure);
  }
  wake();
}

void HttpTransfer::resume() {
  if (easy_ == nullptr) return;
  reader_is_slow_ = false;
  phase_at_ = Clock::now();
  lane_->deadline_changed(*this);
  curl_easy_pause(easy_, CURLPAUSE_CONT);
}

std::string HttpTransfer::host() const {
  const std::string& url = request_.url;
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url.substr(0, 100);
  std::string host = url.substr(scheme + 3, url.find_first_of("/?#", scheme + 3) - scheme - 3);
  return host.substr(host.rfind('@') + 1);  // whole where there is none
}

// ---- libcurl's callbacks

size_t HttpTransfer::header_came(char* data, size_t, size_t size, void* self) {
  return static_cast<HttpTransfer*>(self)->on_header({data, size});
}
size_t HttpTransfer::body_came(char* data, size_t, size_t size, void* self) {
  return static_cast<HttpTransfer*>(self)->on_body({data, size});
}

curl_socket_t HttpTransfer::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  return transfer.is_allowed(address->addr) ? transfer.lane_->socket_for(*address) : CURL_SOCKET_BAD;
}

// Called for a kept connection too, which another request with other rights may have opened.
int HttpTransfer::about_to_send(void* self, char* peer, char*, int, int) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  if (!transfer.is_allowed(peer)) return CURL_PREREQFUNC_ABORT;
  ++transfer.sendings_;
  transfer.phase_ = Phase::kWaiting;
  transfer.phase_at_ = Clock::now();
  transfer.lane_->deadline_changed(transfer);
  return CURL_PREREQFUNC_OK;
}

bool HttpTransfer::is_allowed(const sockaddr& address) {
  const AddressKind kind = kind_of_address(address);
  if (kind == AddressKind::kPublic) return true;
  if (kind == AddressKind::kPrivate && request_.allow_private_address) return true;
  forbidden_ = address_text(address);
  return false;
}

bool HttpTransfer::is_allowed(const char* address) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  if (::inet_pton(AF_INET, address, &v4.sin_addr) == 1) return is_allowed(reinterpret_cast<const sockaddr&>(v4));
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  if (::inet_pton(AF_INET6, address, &v6.sin6_addr) == 1) return is_allowed(reinterpret_cast<const sockaddr&>(v6));
  forbidden_ = address;
  return false;
}

// Line by line; "HTTP/..." begins a head (there are several where 100 or 103 come first), an empty line ends it. What
// comes behind the last head are trailers.
size_t HttpTransfer::on_header(std::string_view line) {
  const size_t size = line.size();
  header_bytes_ += size;
  if (header_bytes_ > kMostHeadBytes) return 0;  // ends the transfer
  if (head_ended_) return size;
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (line.empty()) {
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200) on_head_end(static_cast<int>(status));
    return size;
  }
  const size_t colon = line.find(':');
  if (line.rfind("HTTP/", 0) == 0) {
    headers_.clear();
  } else if (colon != std::string_view::npos && colon > 0 && line.front() != ' ' && line.front() != '\t') {
    headers_.emplace_back(line.substr(0, colon), trimmed(line.substr(colon + 1)));
  }
  return size;
}

void HttpTransfer::on_head_end(int status) {
  head_ended_ = true;
  status_ = status;
  {
    MutexLock lock(mutex_);
    has_head_ = true;
  }
  wake();
}

size_t HttpTransfer::on_body(std::string_view bytes) {
  {
    MutexLock lock(mutex_);
    if (body_.size() >= kMostBuffered) {
      is_paused_ = true;
      reader_is_slow_ = true;
      return CURL_WRITEFUNC_PAUSE;
    }
    body_ += bytes;
  }
  phase_at_ = Clock::now();
  if (std::exchange(phase_, Phase::kReading) != Phase::kReading) lane_->deadline_changed(*this);
  wake();
  return bytes.size();
}

// ---- limits and failures

HttpTransfer::Clock::time_point HttpTransfer::deadline() const {
  const HttpTimeouts& limits = request_.timeouts;
  const Clock::time_point whole = begun_at_ + limits.total;
  if (reader_is_slow_) return whole;
  const std::chrono::milliseconds limit = phase_ == Phase::kConnecting ? limits.connect
                                          : phase_ == Phase::kWaiting  ? limits.first_byte
                                                                       : limits.between_bytes;
  return std::min(whole, phase_at_ + limit);
}

HttpFailure HttpTransfer::timed_out() const {
  const HttpTimeouts& limits = request_.timeouts;
  const bool is_whole = Clock::now() >= begun_at_ + limits.total;
  const auto [what, limit] = is_whole                       ? std::pair("not done", limits.total)
                             : phase_ == Phase::kConnecting ? std::pair("no connection", limits.connect)
                             : phase_ == Phase::kWaiting    ? std::pair("no answer came", limits.first_byte)
                                                            : std::pair("nothing more came", limits.between_bytes);
  return {HttpFailure::Kind::kTimedOut, fmt::format("{}: {} within {} ms", host(), what, limit.count()), may_be_sent()};
}

HttpFailure HttpTransfer::cancelled() const {
  return {HttpFailure::Kind::kCancelled, host() + ": cancelled", may_be_sent()};
}

// Bytes count as sent once the kernel has them all. Of an earlier sending, on a connection that proved dead, nobody
// knows.
bool HttpTransfer::may_be_sent() const {
  if (sendings_ != 1 || easy_ == nullptr) return sendings_ > 0;
  curl_off_t uploaded = 0;
  curl_easy_getinfo(easy_, CURLINFO_SIZE_UPLOAD_T, &uploaded);
  return head_ended_ || static_cast<size_t>(uploaded) >= request_.body.size();
}

HttpFailure HttpTransfer::failure_of(CURLcode code) const {
  HttpFailure failure;
  failure.sent = may_be_sent();
  if (!forbidden_.empty() && sendings_ == 0) {
    failure.kind = HttpFailure::Kind::kForbiddenAddress;
    failure.message = fmt::format("{}: its address {} is in a network that is not allowed", host(), forbidden_);
    return failure;
  }
  const bool is_request = code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT;
  failure.kind = sendings_ > 0 || is_request ? HttpFailure::Kind::kBroken : HttpFailure::Kind::kConnect;
  if (header_bytes_ > kMostHeadBytes) {
    failure.message = fmt::format("{}: the head of the answer is longer than {} bytes", host(), kMostHeadBytes);
    return failure;
  }
  const std::string_view text = error_text_[0] != 0 ? error_text_.data() : curl_easy_strerror(code);
  failure.message = fmt::format("{}: {}", host(), text);
  return failure;
}

}  // namespace understudy
