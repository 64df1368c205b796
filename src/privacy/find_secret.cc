// Secrets, in five scans: vendors' shapes, JSON Web Tokens and bearer tokens, private key blocks, passwords in URLs,
// and values given to names such as api_key. Only the value goes, never its name.
#include <algorithm>
#include <array>
#include <cmath>

#include "privacy/finders.h"

namespace understudy {

namespace {

constexpr size_t kLongestToken = 4096;

bool is_base64_char(char c) {
  return is_token_char(c) || c == '+' || c == '/' || c == '=' || c == '.' || c == '~';
}

size_t run_of(std::string_view text, size_t begin, bool (*belongs)(char)) {
  size_t end = begin;
  while (end < text.size() && end - begin < kLongestToken && belongs(text[end])) ++end;
  return end - begin;
}

// How many bits a byte of `value` tells, by how often each of its bytes is in it (Shannon).
double entropy(std::string_view value) {
  std::array<int, 256> counts{};
  for (const char c : value) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const int count : counts) {
    const double share = static_cast<double>(count) / static_cast<double>(value.size());
    if (count > 0) bits -= share * std::log2(share);
  }
  return bits;
}

// Of letters and digits that change places often: not a word, a path, a date or a name with a number at its end.
bool looks_random(std::string_view value, size_t shortest) {
  if (value.size() < shortest || !std::all_of(value.begin(), value.end(), is_base64_char)) return false;
  const auto kind_of = [](char c) { return is_digit(c) ? 1 : is_upper(c) ? 2 : is_lower(c) ? 3 : 0; };
  bool digits = false, letters = false;
  int changes = 0;
  int last = 0;
  for (const char c : value) {
    const int kind = kind_of(c);
    digits = digits || kind == 1;
    letters = letters || kind >= 2;
    if (kind != 0 && last != 0 && kind != last) ++changes;
    if (kind != 0) last = kind;
  }
  return digits && letters && changes >= 4 && entropy(value) >= 3.0;
}

struct Shape {
  std::string_view prefix;
  size_t shortest;  // bytes after the prefix
  size_t longest;
};
// As the vendors publish them, or as their keys have looked; the first that fits holds.
constexpr Shape kShapes[] = {
    {"sk-ant-", 20, 256},
    {"sk-proj-", 20, 256},
    {"sk-or-v1-", 32, 256},
    {"sk-svcacct-", 20, 256},
    {"sk-", 20, 256},
    {"sk_live_", 16, 128},
    {"sk_test_", 16, 128},
    {"rk_live_", 16, 128},
    {"rk_test_", 16, 128},
    {"whsec_", 20, 128},
    {"gsk_", 20, 128},
    {"AIza", 35, 35},
    {"AKIA", 16, 16},
    {"ASIA", 16, 16},
    {"ghp_", 36, 255},
    {"gho_", 36, 255},
    {"ghu_", 36, 255},
    {"ghs_", 36, 255},
    {"ghr_", 36, 255},
    {"github_pat_", 22, 255},
    {"glpat-", 20, 64},
    {"xoxb-", 10, 255},
    {"xoxp-", 10, 255},
    {"xoxa-", 10, 255},
    {"xoxs-", 10, 255},
    {"xoxr-", 10, 255},
    {"xapp-", 10, 255},
    {"hf_", 30, 64},
    {"r8_", 30, 64},
    {"pplx-", 32, 128},
    {"npm_", 36, 36},
    {"pypi-", 50, 512},
    {"dop_v1_", 64, 64},
    {"shpat_", 32, 32},
    {"shpss_", 32, 32},
    {"xai-", 20, 128},
    {"nvapi-", 20, 128},
    {"tgp_v1_", 20, 128},
    {"fw_", 20, 64},
    {"csk-", 20, 128},
    {"lin_api_", 32, 64},
    {"sq0atp-", 22, 22},
    {"sq0csp-", 43, 43},
    {"ya29.", 20, 2048},
    {"EAACEdEose0cBA", 8, 256},
    {"AGE-SECRET-KEY-1", 50, 64},
    {"SG.", 40, 80},
    {"key-", 32, 32},
    {"dckr_pat_", 20, 64},
    {"PMAK-", 50, 70},
    {"rubygems_", 48, 48},
    {"understudy-", 24, 128},
};

bool is_shaped(const Shape& shape, std::string_view tail) {
  if (shape.prefix == "AKIA" || shape.prefix == "ASIA") {
    return std::all_of(tail.begin(), tail.end(), [](char c) { return is_upper(c) || is_digit(c); });
  }
  if (shape.prefix == "key-") {
    return std::all_of(tail.begin(), tail.end(), [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
  }
  // A length that fits to the byte says enough. Else a name made of words ("sk-learn-pipeline-with-steps") is told by
  // having no digits among its letters.
  return shape.shortest == shape.longest ? entropy(tail) >= 3.0 : looks_random(tail, 8);
}

// Of one token, or two with a point between them.
bool is_dotted_token_char(char c) {
  return is_token_char(c) || c == '.';
}

size_t token_end(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && is_dotted_token_char(text[end])) ++end;
  return end;
}

// Where the next token of `length` bytes or more begins, from the token or the mark at `begin` on; the text's end where
// there is none. Looked at from behind: one mark in those bytes, and no token that begins before it is long enough.
size_t next_long_token(std::string_view text, size_t begin, size_t length) {
  while (text.size() - begin >= length) {
    size_t after_mark = begin + length;
    while (after_mark > begin && is_dotted_token_char(text[after_mark - 1])) --after_mark;
    if (after_mark == begin) return begin;
    begin = after_mark;
  }
  return text.size();
}

// The places of two characters in ascending order; each is looked for with find(), most texts have few of them.
class PlacesOfTwo {
 public:
  PlacesOfTwo(std::string_view text, char a, char b)
      : text_(text), a_(a), b_(b), next_a_(text.find(a)), next_b_(text.find(b)) {}
  // The first from `place` on, npos where there is none. Asked for in ascending order.
  size_t from(size_t place) {
    if (next_a_ < place) next_a_ = text_.find(a_, place);
    if (next_b_ < place) next_b_ = text_.find(b_, place);
    return std::min(next_a_, next_b_);
  }

 private:
  std::string_view text_;
  char a_;
  char b_;
  size_t next_a_;
  size_t next_b_;
};

// Word by word: most are shorter than any key.
void find_shapes(std::string_view text, Findings& findings) {
  constexpr size_t kShortestKey = 15;
  size_t end = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i >= end) {
      i = next_long_token(text, i, kShortestKey);
      end = token_end(text, i);
    }
    if (i >= end || !is_alpha(text[i]) || (i > 0 && is_token_char(text[i - 1]))) continue;
    for (const Shape& shape : kShapes) {
      if (text[i] != shape.prefix.front() || !text.substr(i).starts_with(shape.prefix)) continue;
      const size_t begin = i + shape.prefix.size();
      const bool dotted = shape.prefix.back() == '.';
      const size_t run = run_of(text, begin, dotted ? is_base64_char : is_token_char);
      if (run < shape.shortest || run > shape.longest || !is_shaped(shape, text.substr(begin, run))) continue;
      findings.push_back({i, begin + run, PrivateKind::kSecret});
      i = begin + run - 1;
      break;
    }
  }
}

// header.payload.signature, each base64url; header and payload begin with {" .
void find_web_tokens(std::string_view text, Findings& findings) {
  // By its rarest letter.
  for (size_t j = text.find('J'); j != std::string_view::npos; j = text.find('J', j + 1)) {
    if (j < 2 || text[j - 1] != 'y' || text[j - 2] != 'e') continue;
    const size_t i = j - 2;
    if (i > 0 && is_token_char(text[i - 1])) continue;
    size_t end = i + run_of(text, i, is_token_char);
    if (!text.substr(end).starts_with(".eyJ")) continue;
    end += 1 + run_of(text, end + 1, is_token_char);
    if (end < text.size() && text[end] == '.') end += 1 + run_of(text, end + 1, is_token_char);
    findings.push_back({i, end, PrivateKind::kSecret});
    j = end - 1;
  }
}

// "Authorization: Bearer abc": what follows the scheme's word.
void find_bearers(std::string_view text, Findings& findings) {
  PlacesOfTwo places(text, 'b', 'B');
  for (size_t i = places.from(0); i != std::string_view::npos && i + 8 < text.size(); i = places.from(i + 1)) {
    if (i > 0 && is_word(text[i - 1])) continue;
    const std::string word = lowered(text.substr(i, 7));
    const size_t length = word == "bearer " ? 7 : word.starts_with("basic ") ? 6 : 0;
    if (length == 0) continue;
    size_t run = run_of(text, i + length, is_base64_char);
    while (run > 0 && text[i + length + run - 1] == '.') --run;  // a sentence's end
    if (!looks_random(text.substr(i + length, run), 16)) continue;
    findings.push_back({i + length, i + length + run, PrivateKind::kSecret});
    i += length + run - 1;
  }
}

// PEM (RFC 7468) and OpenPGP. A block without its end goes to the text's.
void find_key_blocks(std::string_view text, Findings& findings) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  for (size_t begin = text.find(kBegin); begin != std::string_view::npos; begin = text.find(kBegin, begin + 1)) {
    const std::string_view label = text.substr(begin + kBegin.size(), 48);
    const size_t label_end = label.find("-----");
    if (label_end == std::string_view::npos ||
        label.substr(0, label_end).find("PRIVATE KEY") == std::string_view::npos) {
      continue;
    }
    const std::string last = "-----END " + std::string(label.substr(0, label_end)) + "-----";
    const size_t at = text.find(last, begin);
    const size_t end = at == std::string_view::npos ? text.size() : at + last.size();
    findings.push_back({begin, end, PrivateKind::kSecret});
    if (end == text.size()) return;
    begin = end - 1;
  }
}

// A place that somebody is to fill in, or where something else puts the value.
bool is_stand_in(std::string_view value) {
  if (value.empty() || std::string_view("$<{[*%").find(value.front()) != std::string_view::npos) return true;
  const std::string folded = lowered(value);
  for (const std::string_view word :
       {"env:", "file:", "process.env", "os.environ", "getenv", "your", "xxx", "placeholder"}) {
    if (folded.starts_with(word)) return true;
  }
  return std::all_of(value.begin(), value.end(), [&](char c) { return c == value.front(); });
}

// scheme://user:password@host
void find_url_passwords(std::string_view text, Findings& findings) {
  constexpr size_t kLongest = 512;
  for (size_t at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 3)) {
    const std::string_view rest = text.substr(at + 3, kLongest);
    const std::string_view authority = rest.substr(0, rest.find_first_of(" \t\r\n/?#\"'<>"));
    const size_t host = authority.rfind('@');
    const size_t colon = authority.find(':');
    if (host == std::string_view::npos || colon == std::string_view::npos || colon + 1 >= host) continue;
    if (is_stand_in(authority.substr(colon + 1, host - colon - 1))) continue;
    findings.push_back({at + 3 + colon + 1, at + 3 + host, PrivateKind::kSecret});
  }
}

enum class Name { kOther, kPassword, kSecret, kKey };

// What a name is said to hold: "OPENAI_API_KEY", "clientSecret", "db.password". Counts of tokens and public keys are
// none.
Name name_of(std::string_view name) {
  // The last letters of all endings below: most names end here.
  const auto last = std::find_if(name.rbegin(), name.rend(), is_alnum);
  if (last == name.rend() || std::string_view("dehlnsty").find(lower(*last)) == std::string_view::npos) {
    return Name::kOther;
  }
  std::string folded;
  for (const char c : name) {
    if (is_alnum(c)) folded += lower(c);
  }
  const auto ends = [&folded](std::initializer_list<std::string_view> endings) {
    return std::any_of(endings.begin(), endings.end(),
                       [&folded](std::string_view end) { return folded.ends_with(end); });
  };
  if (ends({"password", "passwd", "pwd", "passphrase", "passwort", "kennwort"})) return Name::kPassword;
  if (ends({"publickey", "publishablekey"})) return Name::kOther;
  if (ends({"apikey", "secret", "secretkey", "accesskey", "privatekey", "authkey", "signingkey", "encryptionkey",
            "token", "credential", "credentials", "authorization", "apitoken", "subscriptionkey", "accountkey",
            "sharedaccesskey"})) {
    return Name::kSecret;
  }
  return folded == "key" || folded == "auth" ? Name::kKey : Name::kOther;
}

// A password has a digit or a mark among letters; a word alone is what people say about passwords ("password:
// required").
bool looks_like_password(std::string_view value) {
  if (value.size() < 6 || value.size() > 128 || is_stand_in(value)) return false;
  const bool letters = std::any_of(value.begin(), value.end(), is_alpha);
  const auto is_mark = [](char c) {
    return !is_word(c) && std::string_view(".:()-/_").find(c) == std::string_view::npos;
  };
  const bool other = std::any_of(value.begin(), value.end(), [&](char c) { return is_digit(c) || is_mark(c); });
  return letters && other && value.back() != ':' && value.find("()") == std::string_view::npos;
}

bool is_secret_value(Name name, std::string_view value) {
  switch (name) {
    case Name::kPassword:
      return looks_like_password(value);
    case Name::kSecret:
      return looks_random(value, 16) && !is_stand_in(value);
    case Name::kKey:
      return looks_random(value, 20) && entropy(value) >= 3.2 && !is_stand_in(value);
    case Name::kOther:
      break;
  }
  return false;
}

// The name that ends at `end`, past quotes and spaces: `"api_key" :`.
std::string_view name_before(std::string_view text, size_t end) {
  const auto passes = [](char c) { return c == ' ' || c == '"' || c == '\'' || c == '\\' || c == '`' || c == ']'; };
  for (int i = 0; i < 4 && end > 0 && passes(text[end - 1]); ++i) --end;
  size_t begin = end;
  while (begin > 0 && end - begin < 64 && (is_token_char(text[begin - 1]) || text[begin - 1] == '.')) --begin;
  return text.substr(begin, end - begin);
}

bool ends_value(char c) {
  return static_cast<unsigned char>(c) <= ' ' || std::string_view("\"'`,;<>()[]{}\\").find(c) != std::string_view::npos;
}

bool passes_before_value(char c) {
  return c == ' ' || c == '"' || c == '\'' || c == '\\' || c == '`' || c == '>' || c == '=';
}

// Where the value that begins here ends: at a mark, a space, or the point of a sentence's end.
size_t value_end(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && end - begin < 512 && !ends_value(text[end]) && text[end] != '&') ++end;
  while (end > begin && (text[end - 1] == '.' || text[end - 1] == '!' || text[end - 1] == '?') &&
         (end == text.size() || text[end] == ' ' || text[end] == '\n')) {
    --end;
  }
  return end;
}

// name = value, name: value, "name" => "value", ?name=value&. Of names that stand in one another's values
// (key=key=key=) a few are looked at: each look is as long as the value.
void find_assignments(std::string_view text, Findings& findings) {
  constexpr int kMostInOneValue = 4;
  size_t last_end = 0;
  int looks = 0;
  PlacesOfTwo places(text, '=', ':');
  for (size_t i = places.from(0); i < text.size(); i = places.from(i + 1)) {
    if (i < last_end && looks >= kMostInOneValue) continue;
    const Name name = name_of(name_before(text, i));
    if (name == Name::kOther) continue;
    size_t begin = i + 1;
    for (int skipped = 0; skipped < 6 && begin < text.size() && passes_before_value(text[begin]); ++skipped) ++begin;
    const size_t end = value_end(text, begin);
    looks = i < last_end ? looks + 1 : 1;
    last_end = std::max(last_end, end);
    if (!is_secret_value(name, text.substr(begin, end - begin))) continue;
    findings.push_back({begin, end, PrivateKind::kSecret});
    i = end - 1;
  }
}

// A JSON member's whole value.
void find_labelled(std::string_view text, std::string_view label, Findings& findings) {
  const Name name = name_of(label);
  if (name == Name::kOther || text.size() > 512) return;
  const bool one_word = text.find_first_of(" \t\r\n") == std::string_view::npos;
  if (one_word && is_secret_value(name, text)) findings.push_back({0, text.size(), PrivateKind::kSecret});
}

}  // namespace

void find_secrets(std::string_view text, std::string_view label, Findings& findings) {
  find_key_blocks(text, findings);
  find_labelled(text, label, findings);
  find_shapes(text, findings);
  find_web_tokens(text, findings);
  find_bearers(text, findings);
  find_url_passwords(text, findings);
  find_assignments(text, findings);
}

}  // namespace understudy
