// The room's page. privacy/ finds personal data and secrets in texts, by pattern, checksum and context, and replaces
// them consistently. It decides nothing: which kinds, and in which task, is the config's.
//
// Every finder is a scanner written by hand whose work per byte has a fixed limit: time grows with the text's length
// and with nothing else. Findings begin and end between characters, so that what was UTF-8 stays UTF-8.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace understudy {

enum class PrivateKind { kSecret, kEmail, kPhone, kIban, kCard };
inline constexpr size_t kPrivateKinds = 5;
std::string_view to_string(PrivateKind kind);  // "secret", "email", "phone", "iban", "card"
std::optional<PrivateKind> private_kind_from(std::string_view word);

// Some of the kinds.
class PrivateKindSet {
 public:
  PrivateKindSet() = default;
  PrivateKindSet(std::initializer_list<PrivateKind> kinds) {
    for (const PrivateKind kind : kinds) add(kind);
  }
  static PrivateKindSet all();
  void add(PrivateKind kind) { bits_ |= 1U << static_cast<unsigned>(kind); }
  bool has(PrivateKind kind) const { return (bits_ >> static_cast<unsigned>(kind) & 1U) != 0; }
  bool empty() const { return bits_ == 0; }
  bool operator==(const PrivateKindSet&) const = default;

 private:
  unsigned bits_ = 0;
};

struct PrivateFinding {
  size_t begin = 0;  // bytes of the text: [begin, end)
  size_t end = 0;
  PrivateKind kind = PrivateKind::kSecret;
  bool operator==(const PrivateFinding&) const = default;
};

// In the order of the text, none over another. `label` is what the text is the value of ("phone", the key of a JSON
// member): context, as the words just before a value are.
//   secret  API keys of known vendors' shapes, JSON Web Tokens, bearer tokens, private key blocks, passwords in URLs,
//   and
//           what looks random (or like a password) where a name such as api_key, token or password is given a value
//   email   addresses; not the names before a host in a URL
//   phone   numbers with +, with 00, in North American form; others beside a word such as "phone"
//   iban    of 75 countries' lengths with the right check digits (ISO 13616, mod 97 of ISO 7064)
//   card    numbers of the schemes' ranges and lengths with the right check digit (Luhn), not after words such as
//   "order"
std::vector<PrivateFinding> find_private(std::string_view text, PrivateKindSet kinds, std::string_view label = {});

// Replaces what is found by "[email-1]", "[email-2]", ...: the same value (however it is written) has the same
// placeholder in everything that one Redactor is given. One for each exchange; used by one thread at a time.
class Redactor {
 public:
  explicit Redactor(PrivateKindSet kinds) : kinds_(kinds) {}

  std::string redact(std::string_view text, std::string_view label = {});
  // A body: where it is JSON only its strings change (values and keys, and the strings of JSON written inside a string)
  // and it stays JSON; numbers stay. Anything else is a text. A stream is redacted as the body collected from it: what
  // is cut over its chunks is not seen in them.
  std::string redact_body(std::string_view body);

  int64_t replaced() const { return replaced_; }

 private:
  std::string redact_json(std::string_view json, int depth);
  std::string redact_json_string(std::string_view raw, std::string_view label, int depth);
  std::string placeholder(PrivateKind kind, std::string_view value);

  PrivateKindSet kinds_;
  std::array<std::map<std::string, int, std::less<>>, kPrivateKinds> numbers_;  // normalised value: its number
  int64_t replaced_ = 0;
};

}  // namespace understudy
