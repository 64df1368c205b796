#include "base/json_syntax.h"

#include <algorithm>
#include <vector>

#include "base/fast_json.h"
#include "base/utf8.h"

namespace understudy {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The value of four hexadecimal digits at `at`; -1 where they are not there.
int four_digits(std::string_view text, size_t at) {
  if (text.size() < at + 4) return -1;
  int value = 0;
  for (const char c : text.substr(at, 4)) {
    const int digit = is_digit(c)            ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

// Reads from the front. Every take_...() is false, and the rest without meaning, where the grammar is broken.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool take_document() {
    do {
      skip_space();
      if (!take_value()) return false;
      skip_space();
      if (!take_ends()) return false;
    } while (!is_object_.empty());
    return at_ == text_.size();
  }

 private:
  char front() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (front() == ' ' || front() == '\n' || front() == '\r' || front() == '\t') ++at_;
  }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  // A value that has no others in it, whole; of a container as much as stands before its first value.
  bool take_value() {
    while (true) {
      switch (front()) {
        case '"':
          return take_string();
        case 't':
          return take_word("true");
        case 'f':
          return take_word("false");
        case 'n':
          return take_word("null");
        case '[':
        case '{':
          if (take_opening()) continue;
          return !is_broken_;
        default:
          return take_number();
      }
    }
  }

  // True where a value has to follow; false where the container is empty, and closed with that, or broken.
  bool take_opening() {
    const bool is_object = text_[at_++] == '{';
    skip_space();
    if (take(is_object ? '}' : ']')) return false;
    is_object_.push_back(is_object);
    if (is_object && !take_key()) {
      is_broken_ = true;
      return false;
    }
    return true;
  }

  // What stands behind a value: the ends of containers, and then the comma before the next value.
  bool take_ends() {
    while (!is_object_.empty()) {
      skip_space();
      if (take(',')) {
        skip_space();
        return !is_object_.back() || take_key();
      }
      if (!take(is_object_.back() ? '}' : ']')) return false;
      is_object_.pop_back();
    }
    skip_space();
    return true;
  }

  bool take_key() {
    if (front() != '"' || !take_string()) return false;
    skip_space();
    if (!take(':')) return false;
    skip_space();
    return true;
  }

  bool take_string() {
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\' && !take_escape()) return false;
    }
    return false;
  }

  // Up to its last character.
  bool take_escape() {
    ++at_;
    if (front() != 'u')
      return front() != '\0' && std::string_view("\"\\/bfnrt").find(front()) != std::string_view::npos;
    const int first = four_digits(text_, at_ + 1);
    at_ += 4;
    if (first < 0 || (first >= 0xDC00 && first <= 0xDFFF)) return false;
    if (first < 0xD800 || first > 0xDBFF) return true;
    if (text_.substr(std::min(at_ + 1, text_.size()), 2) != "\\u") return false;
    const int second = four_digits(text_, at_ + 3);
    at_ += 6;
    return second >= 0xDC00 && second <= 0xDFFF;
  }

  bool take_digits() {
    if (!is_digit(front())) return false;
    while (is_digit(front())) ++at_;
    return true;
  }
  bool take_number() {
    take('-');
    if (!take('0') && !take_digits()) return false;
    if (take('.') && !take_digits()) return false;
    if (!take('e') && !take('E')) return true;
    if (!take('+')) take('-');
    return take_digits();
  }

  const std::string_view text_;
  size_t at_ = 0;
  std::vector<bool> is_object_;  // by level: an object, else a list
  bool is_broken_ = false;
};

}  // namespace

bool is_valid_json(std::string_view text) {
  // What it refuses may have numbers or a depth that it cannot take.
  if (FastJson(text).error() == simdjson::SUCCESS) return true;
  return Scanner(text).take_document() && is_valid_utf8(text);
}

// From quote to quote: one is the string's last unless an odd number of backslashes stands before it.
size_t end_of_json_string(std::string_view text, size_t begin) {
  for (size_t quote = text.find('"', begin + 1); quote != std::string_view::npos; quote = text.find('"', quote + 1)) {
    size_t first = quote;
    while (first > begin + 1 && text[first - 1] == '\\') --first;
    if ((quote - first) % 2 == 0) return quote + 1;
  }
  return text.size();
}

}  // namespace understudy
