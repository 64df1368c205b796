// Addresses, from the '@' outwards: at most 64 bytes before it, 253 after it (RFC 5321, 4.5.3.1).
#include <algorithm>

#include "privacy/finders.h"

namespace understudy {

namespace {

constexpr size_t kLongestName = 64;
constexpr size_t kLongestHost = 253;

bool is_name_char(char c) {
  return is_word(c) || std::string_view(".+-%&'!#$*=?^{}~|`").find(c) != std::string_view::npos;
}

// Where the name before the '@' begins; `at` where there is none.
size_t name_begin(std::string_view text, size_t at) {
  size_t begin = at;
  while (begin > 0 && at - begin < kLongestName && is_name_char(text[begin - 1])) --begin;
  if (begin > 0 && at - begin == kLongestName && is_name_char(text[begin - 1])) return at;  // too long for a name
  const size_t assigned = text.substr(begin, at - begin).find_last_of("={}`|");             // to=a@b.de
  if (assigned != std::string_view::npos) begin += assigned + 1;
  while (begin < at && !is_word(text[begin])) ++begin;  // marks around an address are no part of it
  if (begin < at && text[at - 1] == '.') return at;
  return text.substr(begin, at - begin).find("..") == std::string_view::npos ? begin : at;
}

bool all_digits(std::string_view label) {
  return !label.empty() && std::all_of(label.begin(), label.end(), is_digit);
}

// Where the host after the '@' ends: labels with dots between them, the last one of letters. 0 where it is no host.
size_t host_end(std::string_view text, size_t begin) {
  size_t end = 0;
  size_t labels = 0;
  bool numbers_only = true;
  for (size_t first = begin; first - begin < kLongestHost;) {
    size_t last = first;
    while (last < text.size() && (is_word(text[last]) || text[last] == '-') && text[last] != '_' &&
           last - begin < kLongestHost) {
      ++last;
    }
    const std::string_view label = text.substr(first, last - first);
    if (label.empty() || label.front() == '-') break;
    ++labels;
    numbers_only = numbers_only && all_digits(label);
    const bool can_end = label.size() >= 2 && label.size() <= 24 &&
                         std::none_of(label.begin(), label.end(), is_digit) && label.back() != '-';
    if (labels >= 2 && can_end) end = last;
    if (labels >= 2 && !can_end) end = 0;
    if (labels == 2 && numbers_only) return 0;  // a version: package@1.2.beta
    if (last >= text.size() || text[last] != '.') break;
    first = last + 1;
  }
  return end;
}

// "image@2x.png", "git@host.com:team/project.git", "https://name@host.com/", "ssh://user:word@host.com".
bool is_something_else(std::string_view text, size_t begin, size_t at, size_t end) {
  if (at + 2 < end && is_digit(text[at + 1]) && text[at + 2] == 'x' && text[at + 3] == '.') return true;
  if (end < text.size() && text[end] == ':' && end + 1 < text.size() && is_alpha(text[end + 1])) return true;
  const size_t back = begin - std::min<size_t>(begin, 64);
  const std::string_view before = text.substr(back, begin - back);
  const size_t scheme = before.rfind("://");
  return scheme != std::string_view::npos &&
         before.find_first_of(" \t\r\n/?#\"'<>", scheme + 3) == std::string_view::npos;
}

}  // namespace

void find_emails(std::string_view text, Findings& findings) {
  for (size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    const size_t begin = name_begin(text, at);
    const size_t end = begin == at ? 0 : host_end(text, at + 1);
    if (end == 0 || is_something_else(text, begin, at, end)) continue;
    if (!findings.empty() && findings.back().kind == PrivateKind::kEmail && findings.back().end > begin) continue;
    findings.push_back({begin, end, PrivateKind::kEmail});
  }
}

}  // namespace understudy
