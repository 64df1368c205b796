// TLS of a server's connections: the certificate with its key, and one session per connection. 1.2 and newer; HTTP/1.1
// by ALPN; no client certificates, no renegotiation. No OpenSSL in this header.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"

namespace understudy {

// How far a transfer on a socket that does not block has come.
enum class Progress {
  kDone,
  kWantsRead,  // again when the socket can be read
  kWantsWrite,
  kEnded,   // the peer has closed its side
  kBroken,  // reset, or not TLS
};
struct Moved {
  Progress progress = Progress::kDone;
  size_t bytes = 0;
};

class TlsSession {  // used by one thread at a time
 public:
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  Progress handshake();
  Moved read(char* into, size_t most);
  Moved write(std::string_view bytes);
  // Whether the peer has left: kEnded or kBroken; kDone where bytes wait to be read; kWantsRead where nothing is there.
  Progress peek();
  bool has_unread() const;  // bytes that have left the socket already
  void say_goodbye();       // close_notify, so that the peer knows the end for the end; does not wait

 private:
  friend class TlsContext;
  struct State;
  explicit TlsSession(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct CertificateFiles {   // PEM
  std::string certificate;  // the server's, then those that lead to the root
  std::string private_key;
};

class TlsContext {  // thread-safe
 public:
  // Throws kInvalidInput naming the file that cannot be used, kNotFound for one that is not there.
  explicit TlsContext(CertificateFiles files);
  ~TlsContext();

  // Reads the files again: new connections get what they say now. Throws as the constructor does, and then the old
  // certificate stays.
  void reload() EXCLUDES(mutex_);
  // `socket` must not block, and outlives the session.
  std::unique_ptr<TlsSession> accept(int socket) const EXCLUDES(mutex_);

 private:
  struct Loaded;
  const CertificateFiles files_;
  mutable Mutex mutex_;
  std::shared_ptr<const Loaded> loaded_ GUARDED_BY(mutex_);
};

}  // namespace understudy
