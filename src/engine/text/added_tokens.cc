#include "engine/text/added_tokens.h"

#include <utf8proc.h>

#include <algorithm>

#include "base/utf8.h"

namespace understudy {

namespace {

bool is_word_character(char32_t c) {
  if (c == '_') return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return false;
  }
}

// Unicode's property White_Space.
bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// The beginning of the character that ends before `end`.
size_t character_before(std::string_view text, size_t end) {
  size_t begin = end - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return begin;
}

bool word_character_before(std::string_view text, size_t end) {
  if (end == 0) return false;
  size_t at = character_before(text, end);
  return is_word_character(next_code_point(text, at));
}

bool word_character_after(std::string_view text, size_t begin) {
  return begin < text.size() && is_word_character(next_code_point(text, begin));
}

// Moves `at` to the left over white space, not below `limit`.
size_t over_space_left(std::string_view text, size_t at, size_t limit) {
  while (at > limit) {
    const size_t begin = character_before(text, at);
    size_t position = begin;
    if (begin < limit || !is_white_space(next_code_point(text, position))) break;
    at = begin;
  }
  return at;
}

size_t over_space_right(std::string_view text, size_t at) {
  while (at < text.size()) {
    size_t position = at;
    if (!is_white_space(next_code_point(text, position))) break;
    at = position;
  }
  return at;
}

bool touches(TextSpan span, std::span<const TextSpan> sorted) {
  const auto after = std::upper_bound(sorted.begin(), sorted.end(), span.begin,
                                      [](size_t begin, const TextSpan& other) { return begin < other.end; });
  return after != sorted.end() && after->begin < span.end;
}

}  // namespace

AddedTokenFinder::AddedTokenFinder(std::vector<AddedToken> tokens, std::span<const std::string> patterns)
    : tokens_(std::move(tokens)), nodes_(1) {
  for (size_t i = 0; i < tokens_.size(); ++i) {
    const std::string& pattern = patterns[i];
    if (pattern.empty()) continue;
    int node = 0;
    for (const char c : pattern) {
      const auto [entry, is_new] = nodes_[static_cast<size_t>(node)].next.try_emplace(static_cast<unsigned char>(c),
                                                                                      static_cast<int>(nodes_.size()));
      node = entry->second;
      if (is_new) nodes_.emplace_back();
    }
    nodes_[static_cast<size_t>(node)].token = static_cast<int>(i);
    begins_[static_cast<unsigned char>(pattern.front())] = true;
  }
}

bool AddedTokenFinder::may_stand(const AddedToken& token, const Piece& piece, TextSpan at, const Rules& rules) const {
  if (token.special && !rules.special) return false;
  if (token.special && touches(piece.origin(at.begin, at.end), rules.plain)) return false;
  if (!token.single_word) return true;
  return !word_character_before(piece.text, at.begin) && !word_character_after(piece.text, at.end);
}

// The index of the longest token that may stand at `begin`, or -1; its end in `end`.
int AddedTokenFinder::longest_at(const Piece& piece, size_t begin, const Rules& rules, size_t& end) const {
  int found = -1;
  int node = 0;
  for (size_t i = begin; i < piece.text.size(); ++i) {
    const auto& next = nodes_[static_cast<size_t>(node)].next;
    const auto entry = next.find(static_cast<unsigned char>(piece.text[i]));
    if (entry == next.end()) break;
    node = entry->second;
    const int token = nodes_[static_cast<size_t>(node)].token;
    if (token >= 0 && may_stand(tokens_[static_cast<size_t>(token)], piece, {begin, i + 1}, rules)) {
      found = token;
      end = i + 1;
    }
  }
  return found;
}

void AddedTokenFinder::split(const Piece& piece, const Rules& rules, const std::function<void(const Piece&)>& text,
                             const std::function<void(const Piece&, TokenId)>& token) const {
  size_t done = 0;
  const auto text_up_to = [&](size_t end) {
    if (end > done) text(piece.part(done, end));
  };
  for (size_t at = 0; at < piece.text.size();) {
    size_t end = 0;
    const int found = begins_[static_cast<unsigned char>(piece.text[at])] ? longest_at(piece, at, rules, end) : -1;
    if (found < 0) {
      ++at;
      continue;
    }
    const AddedToken& added = tokens_[static_cast<size_t>(found)];
    const size_t begin = added.lstrip ? over_space_left(piece.text, at, done) : at;
    if (added.rstrip) end = over_space_right(piece.text, end);
    text_up_to(begin);
    token(piece.part(begin, end), added.id);
    done = at = end;
  }
  text_up_to(piece.text.size());
}

}  // namespace understudy
