#include "evaluation/field_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/json.h"
#include "base/unicode.h"

namespace understudy::evaluation {

namespace {

constexpr size_t kLongestForDistance = 4000;  // characters; the distance is quadratic

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// JSON's own numbers have a point, whatever the task's locale, and may have an exponent.
std::optional<Decimal> json_number(const Json& value) {
  return parse_number(dump_json(value), {'.'});
}

size_t edit_distance(std::u32string_view a, std::u32string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<Kind> kind_from(std::string_view word) {
  for (const Kind kind :
       {Kind::kText, Kind::kExact, Kind::kAmount, Kind::kNumber, Kind::kDate, Kind::kChoice, Kind::kBoolean}) {
    if (to_string(kind) == word) return kind;
  }
  return std::nullopt;
}

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kText:
      return "text";
    case Kind::kExact:
      return "exact";
    case Kind::kAmount:
      return "amount";
    case Kind::kNumber:
      return "number";
    case Kind::kDate:
      return "date";
    case Kind::kChoice:
      return "enum";
    case Kind::kBoolean:
      return "boolean";
  }
  return "";
}

bool FieldRule::is_judged_by_grounding() const {
  if (kind == Kind::kChoice || kind == Kind::kBoolean) return false;
  return extractive.value_or(true);
}

std::string scalar_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

std::optional<Decimal> amount_of(const Json& value, const NumberFormat& format) {
  return value.is_number() ? json_number(value) : parse_amount(scalar_text(value), format);
}

std::optional<Decimal> number_of(const Json& value, const NumberFormat& format) {
  return value.is_number() ? json_number(value) : parse_number(scalar_text(value), format);
}

std::optional<Date> date_of(const Json& value, const DateFormat& format) {
  return parse_date(scalar_text(value), format);
}

std::u32string letters_and_digits(std::string_view text) {
  const std::u32string folded = to_utf32(nfkc_casefold(text));
  std::u32string kept;
  for (const char32_t c : folded) {
    if (is_letter_or_digit(c)) kept += ascii_digit(c);
  }
  return kept.empty() ? to_utf32(trimmed(to_utf8(folded))) : kept;
}

MatchKey match_key(const Json& value, const FieldRule& rule) {
  const std::string text = scalar_text(value);
  MatchKey key;
  switch (rule.kind) {
    case Kind::kText:
      key.text = to_utf8(letters_and_digits(text));
      break;
    case Kind::kExact:
      key.text = std::string(trimmed(nfkc(text)));
      break;
    case Kind::kChoice:
    case Kind::kBoolean:
      key.text = std::string(trimmed(nfkc_casefold(text)));
      break;
    case Kind::kAmount:
      if (const auto amount = amount_of(value, rule.number)) key.value = amount->text();
      key.text = std::string(trimmed(nfkc(text)));
      break;
    case Kind::kNumber:
      if (const auto number = number_of(value, rule.number)) {
        key.number = number->value();
        key.value = number->text();
      }
      key.text = std::string(trimmed(nfkc(text)));
      break;
    case Kind::kDate:
      if (const auto date = date_of(value, rule.date)) key.value = date->text();
      key.text = to_utf8(letters_and_digits(text));
      break;
  }
  return key;
}

bool keys_match(const MatchKey& a, const MatchKey& b, const FieldRule& rule) {
  if (a.value.empty() || b.value.empty()) return a.text == b.text;
  if (!a.number || !b.number) return a.value == b.value;
  const double larger = std::max(std::abs(*a.number), std::abs(*b.number));
  return std::abs(*a.number - *b.number) <= rule.tolerance * larger;
}

double soft_score(std::string_view gold, std::string_view answer) {
  const std::u32string a = letters_and_digits(gold);
  const std::u32string b = letters_and_digits(answer);
  if (a == b) return 1;
  const size_t longer = std::max(a.size(), b.size());
  if (longer > kLongestForDistance) return 0;
  const double score = 1 - static_cast<double>(edit_distance(a, b)) / static_cast<double>(longer);
  return score < 0.5 ? 0 : score;
}

}  // namespace understudy::evaluation
