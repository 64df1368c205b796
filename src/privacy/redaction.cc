#include "privacy/redaction.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/json_syntax.h"
#include "base/utf8.h"
#include "privacy/finders.h"

namespace understudy {

namespace {

constexpr int kInnerDepth = 4;  // JSON in a string of JSON, and so on

// What stands first holds against what it overlaps: sorted by kind, then by place.
Findings without_overlaps(Findings findings) {
  std::stable_sort(findings.begin(), findings.end(), [](const PrivateFinding& a, const PrivateFinding& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
  Findings kept;
  for (const PrivateFinding& finding : findings) {
    if (kept.empty() || kept.back().end <= finding.begin) kept.push_back(finding);
  }
  return kept;
}

// Adds a kind's findings where those of earlier kinds leave room.
void merge(Findings& all, Findings more) {
  const Findings earlier = std::move(all);
  all = earlier;
  size_t i = 0;
  for (const PrivateFinding& finding : without_overlaps(std::move(more))) {
    while (i < earlier.size() && earlier[i].end <= finding.begin) ++i;
    if (i == earlier.size() || earlier[i].begin >= finding.end) all.push_back(finding);
  }
  std::sort(all.begin(), all.end(), [](const PrivateFinding& a, const PrivateFinding& b) { return a.begin < b.begin; });
}

// One value in all the ways in which it is written.
std::string normalised(PrivateKind kind, std::string_view value) {
  switch (kind) {
    case PrivateKind::kSecret:
      return std::string(value);
    case PrivateKind::kEmail:
      return lowered(value);
    case PrivateKind::kPhone:
      return value.starts_with("00") ? digits_of(value).substr(2) : digits_of(value);
    case PrivateKind::kCard:
      return digits_of(value);
    case PrivateKind::kIban: {
      std::string iban;
      std::copy_if(value.begin(), value.end(), std::back_inserter(iban), is_alnum);
      return lowered(iban);
    }
  }
  return {};
}

// An object or a list, of any depth: it is walked by its tokens, no tree is made of it.
bool is_json(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || (text[first] != '{' && text[first] != '[')) return false;
  return is_valid_json(text);
}

char32_t hex_of(std::string_view digits) {
  char32_t value = 0;
  for (const char c : digits) {
    value = value * 16 + static_cast<char32_t>(is_digit(c) ? c - '0' : lower(c) - 'a' + 10);
  }
  return value;
}

char escaped_char(char c) {
  constexpr std::string_view kLetters = "bfnrt";
  constexpr std::string_view kMeanings = "\b\f\n\r\t";
  const size_t at = kLetters.find(c);
  return at == std::string_view::npos ? c : kMeanings[at];
}

// Adds the character that is written at `place`, and moves behind it. `raw` is the inside of a string of valid JSON.
void take_character(std::string_view raw, size_t& place, std::string& text) {
  if (raw[place] != '\\') {
    text += raw[place++];
  } else if (raw[place + 1] != 'u') {
    text += escaped_char(raw[place + 1]);
    place += 2;
  } else {
    char32_t character = hex_of(raw.substr(place + 2, 4));
    place += 6;
    if (character >= 0xD800 && character < 0xDC00) {  // valid JSON has the other half behind it
      character = 0x10000 + ((character - 0xD800) << 10) + (hex_of(raw.substr(place + 2, 4)) - 0xDC00);
      place += 6;
    }
    append_utf8(text, character);
  }
}

std::string unescape(std::string_view raw) {
  std::string text;
  text.reserve(raw.size());
  size_t place = 0;
  while (place < raw.size()) {
    const size_t escape = std::min(raw.find('\\', place), raw.size());
    text += raw.substr(place, escape - place);
    place = escape;
    if (place < raw.size()) take_character(raw, place, text);
  }
  return text;
}

// Finds again in `raw` the places of its text, which are asked for in ascending order.
class RawPlaces {
 public:
  explicit RawPlaces(std::string_view raw) : raw_(raw) {}
  size_t of(size_t text_place) {
    std::string character;
    while (text_place_ < text_place) {
      character.clear();
      take_character(raw_, raw_place_, character);
      text_place_ += character.size();
    }
    return raw_place_;
  }

 private:
  std::string_view raw_;
  size_t raw_place_ = 0;
  size_t text_place_ = 0;
};

}  // namespace

std::string_view to_string(PrivateKind kind) {
  switch (kind) {
    case PrivateKind::kSecret:
      return "secret";
    case PrivateKind::kEmail:
      return "email";
    case PrivateKind::kPhone:
      return "phone";
    case PrivateKind::kIban:
      return "iban";
    case PrivateKind::kCard:
      return "card";
  }
  return "";
}

std::optional<PrivateKind> private_kind_from(std::string_view word) {
  for (size_t i = 0; i < kPrivateKinds; ++i) {
    if (word == to_string(static_cast<PrivateKind>(i))) return static_cast<PrivateKind>(i);
  }
  return std::nullopt;
}

PrivateKindSet PrivateKindSet::all() {
  PrivateKindSet kinds;
  for (size_t i = 0; i < kPrivateKinds; ++i) kinds.add(static_cast<PrivateKind>(i));
  return kinds;
}

std::vector<PrivateFinding> find_private(std::string_view text, PrivateKindSet kinds, std::string_view label) {
  Findings all;
  const auto add = [&](PrivateKind kind, auto find) {
    if (!kinds.has(kind)) return;
    Findings found;
    find(found);
    if (!found.empty()) merge(all, std::move(found));
  };
  add(PrivateKind::kSecret, [&](Findings& found) { find_secrets(text, label, found); });
  add(PrivateKind::kEmail, [&](Findings& found) { find_emails(text, found); });
  add(PrivateKind::kIban, [&](Findings& found) { find_ibans(text, found); });
  add(PrivateKind::kCard, [&](Findings& found) { find_cards(text, label, found); });
  add(PrivateKind::kPhone, [&](Findings& found) { find_phones(text, label, found); });
  return all;
}

std::string Redactor::placeholder(PrivateKind kind, std::string_view value) {
  ++replaced_;
  auto& numbers = numbers_[static_cast<size_t>(kind)];
  const auto [entry, is_new] = numbers.try_emplace(normalised(kind, value), static_cast<int>(numbers.size()) + 1);
  return fmt::format("[{}-{}]", to_string(kind), entry->second);
}

std::string Redactor::redact(std::string_view text, std::string_view label) {
  std::string redacted;
  redacted.reserve(text.size());
  size_t copied = 0;
  for (const PrivateFinding& finding : find_private(text, kinds_, label)) {
    redacted += text.substr(copied, finding.begin - copied);
    redacted += placeholder(finding.kind, text.substr(finding.begin, finding.end - finding.begin));
    copied = finding.end;
  }
  redacted += text.substr(copied);
  return redacted;
}

std::string Redactor::redact_body(std::string_view body) {
  if (kinds_.empty()) return std::string(body);
  if (is_json(body)) return redact_json(body, 0);
  return redact(body);
}

// Walks the tokens of valid JSON: all that matters are its strings, and which of them are keys.
std::string Redactor::redact_json(std::string_view json, int depth) {
  std::string redacted;
  redacted.reserve(json.size());
  std::string_view label;
  for (size_t i = 0; i < json.size();) {
    const size_t quote = std::min(json.find('"', i), json.size());
    redacted += json.substr(i, quote - i);
    i = quote;
    if (i == json.size()) break;
    const size_t end = end_of_json_string(json, i) - 1;
    const std::string_view raw = json.substr(i + 1, end - i - 1);
    const size_t next = json.find_first_not_of(" \t\r\n", end + 1);
    const bool is_key = next != std::string_view::npos && json[next] == ':';
    redacted += '"';
    redacted += redact_json_string(raw, is_key ? std::string_view() : label, depth);
    redacted += '"';
    if (is_key) label = raw;
    i = end + 1;
  }
  return redacted;
}

std::string Redactor::redact_json_string(std::string_view raw, std::string_view label, int depth) {
  if (raw.find('\\') == std::string_view::npos) return redact(raw, label);
  const std::string text = unescape(raw);
  if (depth < kInnerDepth && is_json(text)) {
    const std::string redacted = redact_json(text, depth + 1);
    if (redacted == text) return std::string(raw);
    const std::string quoted = dump_json(Json(redacted));
    return quoted.substr(1, quoted.size() - 2);
  }
  std::string redacted;
  size_t copied = 0;
  RawPlaces places(raw);
  for (const PrivateFinding& finding : find_private(text, kinds_, label)) {
    redacted += raw.substr(copied, places.of(finding.begin) - copied);
    redacted += placeholder(finding.kind, std::string_view(text).substr(finding.begin, finding.end - finding.begin));
    copied = places.of(finding.end);
  }
  redacted += raw.substr(copied);
  return redacted;
}

}  // namespace understudy
