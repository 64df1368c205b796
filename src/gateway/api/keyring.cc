#include "gateway/api/keyring.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/hash.h"

namespace understudy {

namespace {

constexpr size_t kMostTags = 32;
constexpr size_t kMostTagBytes = 256;

bool is_sha256(std::string_view text) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == 64 && std::all_of(text.begin(), text.end(), is_digit);
}

bool begins_ignoring_case(std::string_view text, std::string_view beginning) {
  return text.size() >= beginning.size() && equal_ignoring_case(text.substr(0, beginning.size()), beginning);
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

// Header names come in any case: tags are kept in small letters.
std::map<std::string, std::string> tags_of(const HttpRequest& http) {
  constexpr std::string_view kPrefix = "x-understudy-tag-";
  std::map<std::string, std::string> tags;
  for (const auto& [name, value] : http.headers) {
    if (!begins_ignoring_case(name, kPrefix) || name.size() == kPrefix.size()) continue;
    if (tags.size() == kMostTags || value.size() > kMostTagBytes) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: at most {} tags of {} bytes", name, kMostTags, kMostTagBytes));
    }
    tags.emplace(lower(std::string_view(name).substr(kPrefix.size())), value);
  }
  return tags;
}

[[noreturn]] void refuse_key(std::string_view why) {
  throw Error(ErrorCode::kUnauthorized, std::string(why), "send a key of this gateway as Authorization: Bearer")
      .about("", "invalid_api_key");
}

}  // namespace

std::string_view key_of(const HttpRequest& http) {
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view authorization = http.header("authorization");
  if (begins_ignoring_case(authorization, kBearer)) return authorization.substr(kBearer.size());
  const std::string_view anthropic = http.header("x-api-key");
  return anthropic.empty() ? http.header("x-goog-api-key") : anthropic;
}

bool is_loopback_peer(std::string_view address) {
  constexpr std::string_view kMapped = "::ffff:";
  if (address.substr(0, kMapped.size()) == kMapped) address.remove_prefix(kMapped.size());
  return address.substr(0, 4) == "127." || address == "::1";
}

Keyring::Keyring(std::vector<VirtualKey> keys) {
  for (VirtualKey& key : keys) {
    if (!is_sha256(key.sha256)) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("keys.{}.sha256: expected 64 hexadecimal digits in small letters", key.name),
                  "`understudy keys create` prints the row");
    }
    std::string name = key.name;
    std::string hash = key.sha256;
    const auto [entry, is_new] = by_hash_.emplace(std::move(hash), std::move(key));
    if (is_new) continue;
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("keys.{}.sha256: the same key as keys.{}", name, entry->second.name));
  }
}

Caller Keyring::identify(const HttpRequest& http, int64_t now_ms) const {
  Caller caller;
  caller.task = std::string(http.header("x-understudy-task"));
  caller.tags = tags_of(http);
  if (by_hash_.empty()) {
    if (is_loopback_peer(http.peer)) return caller;
    refuse_key("this gateway has no keys: it serves callers of its own machine only");
  }
  const std::string_view given = key_of(http);
  if (given.empty()) refuse_key("the request brings no key");
  const auto found = by_hash_.find(sha256_hex(given));
  if (found == by_hash_.end()) refuse_key("the key is none of this gateway's");
  const VirtualKey& key = found->second;
  if (key.expires_ms && now_ms >= *key.expires_ms) refuse_key(fmt::format("the key {} has expired", key.name));
  caller.key = key.name;
  for (const auto& [name, value] : key.tags) caller.tags[name] = value;
  return caller;
}

}  // namespace understudy
