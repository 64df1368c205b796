#include "net/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>

#include "base/error.h"

namespace understudy {

namespace {

constexpr std::string_view kAlpnHttp11("\x08http/1.1", 9);

// OpenSSL's own BIO for sockets writes with write(2), and a peer that left would end the process with SIGPIPE.
int socket_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
}

bool may_be_tried_again() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int write_bio(BIO* bio, const char* bytes, int length) {
  BIO_clear_retry_flags(bio);
  const ssize_t count = ::send(socket_of(bio), bytes, static_cast<size_t>(length), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0 && may_be_tried_again()) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

int read_bio(BIO* bio, char* bytes, int length) {
  BIO_clear_retry_flags(bio);
  const ssize_t count = ::recv(socket_of(bio), bytes, static_cast<size_t>(length), MSG_DONTWAIT);
  if (count < 0 && may_be_tried_again()) BIO_set_retry_read(bio);
  return static_cast<int>(count);
}

long control_bio(BIO*, int what, long, void*) {
  return what == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    CHECK(made != nullptr, "out of memory");
    BIO_meth_set_write(made, write_bio);
    BIO_meth_set_read(made, read_bio);
    BIO_meth_set_ctrl(made, control_bio);
    return made;
  }();
  return method;
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                    unsigned int offered_length, void*) {
  const auto* ours = reinterpret_cast<const unsigned char*>(kAlpnHttp11.data());
  unsigned char* found = nullptr;
  const int outcome = SSL_select_next_proto(&found, length, ours, static_cast<unsigned int>(kAlpnHttp11.size()),
                                            offered, offered_length);
  *chosen = found;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// What OpenSSL says of the last thing that failed, for an operator.
std::string why() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "cannot be used" : reason;
}

int no_passphrase(char*, int, int, void*) {
  return -1;  // or OpenSSL would ask on the terminal
}

}  // namespace

// ---- a session

struct TlsSession::State {
  SSL* ssl = nullptr;
  std::shared_ptr<const void> context;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { SSL_free(ssl); }

  Progress progress_of(int result) {
    if (result > 0) return Progress::kDone;
    const int error = SSL_get_error(ssl, result);
    ERR_clear_error();
    switch (error) {
      case SSL_ERROR_WANT_READ:
        return Progress::kWantsRead;
      case SSL_ERROR_WANT_WRITE:
        return Progress::kWantsWrite;
      case SSL_ERROR_ZERO_RETURN:
        return Progress::kEnded;
      default:
        is_broken = true;
        return Progress::kBroken;
    }
  }
  bool is_broken = false;  // nothing may be said to the peer any more
};

TlsSession::TlsSession(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsSession::~TlsSession() = default;

Progress TlsSession::handshake() {
  ERR_clear_error();
  return state_->progress_of(SSL_accept(state_->ssl));
}

Moved TlsSession::read(char* into, size_t most) {
  ERR_clear_error();
  size_t count = 0;
  const Progress progress = state_->progress_of(SSL_read_ex(state_->ssl, into, most, &count));
  return {progress, count};
}

Moved TlsSession::write(std::string_view bytes) {
  ERR_clear_error();
  size_t count = 0;
  const Progress progress = state_->progress_of(SSL_write_ex(state_->ssl, bytes.data(), bytes.size(), &count));
  return {progress, count};
}

Progress TlsSession::peek() {
  ERR_clear_error();
  char byte = 0;
  size_t count = 0;
  return state_->progress_of(SSL_peek_ex(state_->ssl, &byte, 1, &count));
}

bool TlsSession::has_unread() const {
  return SSL_has_pending(state_->ssl) == 1;
}

void TlsSession::say_goodbye() {
  if (state_->is_broken || SSL_is_init_finished(state_->ssl) == 0) return;
  ERR_clear_error();
  SSL_shutdown(state_->ssl);
  ERR_clear_error();
}

// ---- certificate and key

struct TlsContext::Loaded {
  SSL_CTX* context = nullptr;

  explicit Loaded(const CertificateFiles& files) {
    for (const std::string& file : {files.certificate, files.private_key}) {
      if (!std::filesystem::exists(file)) throw Error(ErrorCode::kNotFound, file + ": there is no such file");
    }
    context = SSL_CTX_new(TLS_server_method());
    if (context == nullptr) throw Error(ErrorCode::kInternal, "TLS: " + why());
    try {
      load(files);
    } catch (...) {
      SSL_CTX_free(context);
      throw;
    }
  }
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;
  ~Loaded() { SSL_CTX_free(context); }

  void load(const CertificateFiles& files) {
    const auto unusable = [](const std::string& file, std::string_view expected) {
      return Error(ErrorCode::kInvalidInput, fmt::format("{}: {}; expected {}", file, why(), expected));
    };
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
      throw unusable(files.certificate, "certificates in PEM");
    }
    if (SSL_CTX_use_PrivateKey_file(context, files.private_key.c_str(), SSL_FILETYPE_PEM) != 1) {
      throw unusable(files.private_key, "the certificate's private key in PEM, without a passphrase");
    }
    if (SSL_CTX_check_private_key(context) != 1) {
      throw unusable(files.private_key, "the key that belongs to " + files.certificate);
    }
  }
};

TlsContext::TlsContext(CertificateFiles files)
    : files_(std::move(files)), loaded_(std::make_shared<const Loaded>(files_)) {}
TlsContext::~TlsContext() = default;

void TlsContext::reload() {
  auto fresh = std::make_shared<const Loaded>(files_);
  MutexLock lock(mutex_);
  loaded_.swap(fresh);
}

std::unique_ptr<TlsSession> TlsContext::accept(int socket) const {
  std::shared_ptr<const Loaded> loaded;
  {
    MutexLock lock(mutex_);
    loaded = loaded_;
  }
  auto state = std::make_unique<TlsSession::State>();
  state->ssl = SSL_new(loaded->context);
  BIO* bio = BIO_new(bio_method());
  CHECK(state->ssl != nullptr && bio != nullptr, "out of memory");
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(socket)));
  BIO_set_init(bio, 1);
  SSL_set_bio(state->ssl, bio, bio);  // owns it
  state->context = std::move(loaded);
  return std::unique_ptr<TlsSession>(new TlsSession(std::move(state)));
}

}  // namespace understudy
