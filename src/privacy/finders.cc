#include "privacy/finders.h"

#include <algorithm>

namespace understudy {

namespace {

constexpr size_t kBefore = 48;
constexpr size_t kAfter = 24;

bool begins_with_one_of(std::string_view word, std::span<const std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [word](std::string_view beginning) {
    return beginning.size() <= 3 ? word == beginning : word.starts_with(beginning);
  });
}

// Of the last word that says something; the first where `last` is false.
Hint hint_in(std::string_view text, const HintWords& words) {
  const std::string folded = lowered(text);
  Hint hint = Hint::kNone;
  for (size_t begin = 0; begin < folded.size();) {
    // "cardNumber" and "card_number" are two words, each.
    size_t end = begin;
    while (end < folded.size() && is_word(folded[end]) && folded[end] != '_' && !is_digit(folded[end]) &&
           (end == begin || !is_upper(text[end]) || is_upper(text[end - 1]))) {
      ++end;
    }
    const std::string_view word = std::string_view(folded).substr(begin, end - begin);
    if (!word.empty() && begins_with_one_of(word, words.for_it)) hint = Hint::kFor;
    if (!word.empty() && begins_with_one_of(word, words.against)) hint = Hint::kAgainst;
    begin = std::max(end, begin + (end == begin ? 1 : 0));
  }
  return hint;
}

}  // namespace

std::string lowered(std::string_view text) {
  std::string folded(text);
  std::transform(folded.begin(), folded.end(), folded.begin(), lower);
  return folded;
}

std::string digits_of(std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits), is_digit);
  return digits;
}

Hint hint_at(std::string_view text, size_t begin, size_t end, std::string_view label, const HintWords& words) {
  size_t first = begin - std::min(begin, kBefore);
  while (first > 0 && first < begin && is_word(text[first - 1])) ++first;  // no half word
  const Hint before = hint_in(text.substr(first, begin - first), words);
  if (before != Hint::kNone) return before;
  const Hint of_label = hint_in(label, words);
  if (of_label != Hint::kNone) return of_label;
  return hint_in(text.substr(end, kAfter), words) == Hint::kFor ? Hint::kFor : Hint::kNone;
}

}  // namespace understudy
