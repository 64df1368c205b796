// Text inside a template's evaluation: bytes that know which message they came from. What the template itself writes
// has no source; what a message says keeps its source through every cutting, joining and changing of case. Values; one
// thread at a time, or shared as const.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/tokenizer.h"

namespace understudy::jinja {

// A number that the caller of the template gives to each place that values come from; kNoSource: the template.
using Source = int;
constexpr Source kNoSource = -1;

struct Origin {
  size_t begin = 0;  // bytes [begin, end)
  size_t end = 0;
  Source source = kNoSource;
};

class Text {
 public:
  Text() = default;
  explicit Text(std::string bytes, Source source = kNoSource);

  const std::string& bytes() const { return bytes_; }
  const std::vector<Origin>& origins() const { return origins_; }  // sorted, without overlaps; neighbours differ
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  Source source_at(size_t byte) const;
  // The first source in the text, or kNoSource.
  Source any_source() const { return origins_.empty() ? kNoSource : origins_.front().source; }

  void append(std::string_view bytes, Source source = kNoSource);
  void append(const Text& text);
  Text part(size_t begin, size_t end) const;

 private:
  std::string bytes_;
  std::vector<Origin> origins_;
};

// Python's str.isspace() for one character.
bool is_space(char32_t character);
// The stretch that is left when characters for which `drop` holds are taken from the left and/or the right.
TextSpan stripped(std::string_view text, const std::function<bool(char32_t)>& drop, bool left, bool right);
// Where each character begins, and the end: n + 1 numbers for n characters.
std::vector<size_t> character_starts(std::string_view text);
// Each character replaced by what `change` appends for it; its source stays.
Text map_characters(const Text& text, const std::function<void(std::string& out, char32_t character)>& change);

// Case, as Python has it but for words that end in a capital sigma: "ß" becomes "SS".
void append_upper(std::string& out, char32_t character);
void append_lower(std::string& out, char32_t character);
void append_title(std::string& out, char32_t character);
bool is_cased(char32_t character);  // has an upper or a lower form
Text upper(const Text& text);
Text lower(const Text& text);
std::string lower(std::string_view text);
Text capitalized(const Text& text);  // str.capitalize()
Text title_cased(const Text& text);  // str.title()

// Every `from` (all, or the first `limit` of them where it is not negative) replaced, as str.replace().
Text replaced(const Text& text, const Text& from, const Text& to, long limit = -1);
// Lines without their ends, as str.splitlines().
std::vector<Text> split_lines(const Text& text);

}  // namespace understudy::jinja
