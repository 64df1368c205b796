#include "evaluation/grounding.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/json.h"

namespace understudy::evaluation {

namespace {

constexpr size_t kFewestWordsForShare = 5;
constexpr size_t kWindowTimes = 3;

size_t most_of(size_t n_words) {
  return (4 * n_words + 4) / 5;
}  // 80%, rounded up

std::vector<std::u32string> words_of(std::string_view text) {
  std::vector<std::u32string> words(1);
  for (const char32_t c : to_utf32(nfkc_casefold(text))) {
    if (is_letter_or_digit(c)) {
      words.back() += ascii_digit(c);
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

}  // namespace

Grounding::Grounding(std::string_view input) : input_(input), folded_(map_nfkc(input, CaseFold::kYes)) {
  bool in_word = false;
  for (size_t i = 0; i < folded_.size(); ++i) {
    char32_t& c = folded_.characters[i];
    c = ascii_digit(c);
    const bool counts = is_letter_or_digit(c);
    if (counts) {
      run_ += c;
      run_origin_.push_back(i);
      if (!in_word) words_.push_back({i, i});
      words_.back().end = i + 1;
    }
    in_word = counts;
  }
}

CharSpan Grounding::span(size_t begin, size_t end) const {
  return {folded_.first[begin], folded_.after[end - 1]};
}

std::optional<CharSpan> Grounding::find(const Json& value, const FieldRule& rule) {
  switch (rule.kind) {
    case Kind::kAmount:
      if (const auto amount = amount_of(value, rule.number)) return find_amount(*amount, rule.number);
      break;
    case Kind::kNumber:
      if (const auto number = number_of(value, rule.number)) return find_number(number->value(), rule);
      break;
    case Kind::kDate:
      if (const auto date = date_of(value, rule.date)) return find_date(*date, rule.date);
      break;
    case Kind::kExact:
      return find_exact(scalar_text(value));
    case Kind::kText:
    case Kind::kChoice:
    case Kind::kBoolean:
      break;
  }
  return find_text(scalar_text(value));
}

const std::vector<FoundNumber>& Grounding::numbers(const NumberFormat& format) {
  for (const auto& [known, found] : numbers_) {
    if (known == format) return found;
  }
  return numbers_.emplace_back(format, find_numbers(folded_.characters, format)).second;
}

const std::vector<FoundDate>& Grounding::dates(const DateFormat& format) {
  for (const auto& [known, found] : dates_) {
    if (known == format) return found;
  }
  return dates_.emplace_back(format, find_dates(folded_.characters, format)).second;
}

std::optional<CharSpan> Grounding::find_amount(const Decimal& amount, const NumberFormat& format) {
  Decimal magnitude = amount;
  magnitude.negative = false;
  for (const FoundNumber& found : numbers(format)) {
    if (found.value == magnitude && (!amount.negative || found.may_be_negative)) return span(found.begin, found.end);
  }
  return std::nullopt;
}

std::optional<CharSpan> Grounding::find_number(double number, const FieldRule& rule) {
  for (const FoundNumber& found : numbers(rule.number)) {
    const double there = found.value.value();
    const double larger = std::max(std::abs(number), there);
    if (std::abs(std::abs(number) - there) > rule.tolerance * larger) continue;
    if (number >= 0 || found.may_be_negative) return span(found.begin, found.end);
  }
  return std::nullopt;
}

std::optional<CharSpan> Grounding::find_date(const Date& date, const DateFormat& format) {
  for (const FoundDate& found : dates(format)) {
    if (found.date == date) return span(found.begin, found.end);
  }
  return std::nullopt;
}

std::optional<CharSpan> Grounding::find_exact(std::string_view text) {
  if (!plain_) plain_ = map_nfkc(input_, CaseFold::kNo);
  std::u32string wanted = to_utf32(nfkc(text));
  while (!wanted.empty() && wanted.back() <= U' ') wanted.pop_back();
  while (!wanted.empty() && wanted.front() <= U' ') wanted.erase(0, 1);
  if (wanted.empty()) return std::nullopt;
  const size_t at = plain_->characters.find(wanted);
  if (at == std::u32string::npos) return std::nullopt;
  return CharSpan{plain_->first[at], plain_->after[at + wanted.size() - 1]};
}

std::optional<CharSpan> Grounding::find_text(std::string_view text) {
  const std::u32string letters = letters_and_digits(text);
  if (letters.empty()) return std::nullopt;
  if (!is_letter_or_digit(letters[0])) return find_exact(text);  // signs alone: "***"
  if (const auto found = find_run(letters)) return found;
  return find_most_words(text);
}

std::optional<CharSpan> Grounding::find_run(std::u32string_view letters) {
  const size_t at = run_.find(letters);
  if (at == std::u32string::npos) return std::nullopt;
  return span(run_origin_[at], run_origin_[at + letters.size() - 1] + 1);
}

// Slides a window of three times the value's number of words over the input's words, counting the value's words as a
// multiset, and takes the first window that holds the most of them.
std::optional<CharSpan> Grounding::find_most_words(std::string_view text) {
  const std::vector<std::u32string> wanted = words_of(text);
  if (wanted.size() < kFewestWordsForShare) return std::nullopt;
  std::map<std::u32string_view, int> ids;
  std::vector<int> needed;
  for (const std::u32string& word : wanted) {
    const auto [entry, fresh] = ids.emplace(word, static_cast<int>(needed.size()));
    if (fresh) needed.push_back(0);
    ++needed[static_cast<size_t>(entry->second)];
  }
  std::vector<int> sequence;  // the input's words as ids of the value's; -1 for others
  for (const Word& word : words_) {
    const auto entry = ids.find(std::u32string_view(folded_.characters).substr(word.begin, word.end - word.begin));
    sequence.push_back(entry == ids.end() ? -1 : entry->second);
  }
  std::vector<int> inside(needed.size(), 0);
  size_t held = 0;
  size_t most = 0;
  size_t best_end = 0;
  const size_t window = wanted.size() * kWindowTimes;
  for (size_t i = 0; i < sequence.size(); ++i) {
    if (sequence[i] >= 0) {
      const auto id = static_cast<size_t>(sequence[i]);
      if (++inside[id] <= needed[id]) ++held;
    }
    if (i >= window && sequence[i - window] >= 0) {
      const auto id = static_cast<size_t>(sequence[i - window]);
      if (--inside[id] < needed[id]) --held;
    }
    if (held > most) {
      most = held;
      best_end = i + 1;
    }
  }
  if (most < most_of(wanted.size())) return std::nullopt;
  size_t first = best_end > window ? best_end - window : 0;
  while (sequence[first] < 0) ++first;
  return span(words_[first].begin, words_[best_end - 1].end);
}

}  // namespace understudy::evaluation
