// Who may knock: virtual keys, known by their SHA-256 only. The key comes as `Authorization: Bearer`, `x-api-key` or
// `x-goog-api-key`, whatever the endpoint, and goes no further than this file. Immutable; a reload makes a new one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/routing/router.h"
#include "net/http_message.h"

namespace understudy {

struct VirtualKey {
  std::string name;
  std::string sha256;                       // of the key's text, 64 small hexadecimal digits
  std::map<std::string, std::string> tags;  // put on every exchange
  std::optional<int64_t> expires_ms;        // the first instant at which it is no longer taken, since 1970, UTC
};

class Keyring {  // immutable
 public:
  // Throws kInvalidInput for a hash that is none or that two keys share.
  explicit Keyring(std::vector<VirtualKey> keys);

  // Who asks, with the tags of key and headers (X-Understudy-Tag-<name>; the key's own win) and X-Understudy-Task.
  // Throws kUnauthorized for a key that is missing, unknown or expired, without repeating it. Without any key
  // configured only loopback peers are served, and none is asked for.
  Caller identify(const HttpRequest& http, int64_t now_ms) const;

 private:
  std::unordered_map<std::string, VirtualKey> by_hash_;
};

// The key that a request brings; empty where it brings none.
std::string_view key_of(const HttpRequest& http);
bool is_loopback_peer(std::string_view address);  // 127.0.0.0/8, ::1, and the first mapped into IPv6

}  // namespace understudy
