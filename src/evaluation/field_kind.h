// What kind of value a field holds, and when two values of a kind are the same (a table in docs: kinds and their
// matching). Pure functions over JSON scalars.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json_fwd.h"
#include "evaluation/amount.h"
#include "evaluation/date.h"

namespace understudy::evaluation {

// text: NFKC, casefold, letters and digits only. exact: NFKC, trimmed. amount, number, date: by value. choice (written
// `enum`) and boolean: casefold, trimmed.
enum class Kind { kText, kExact, kAmount, kNumber, kDate, kChoice, kBoolean };
std::optional<Kind> kind_from(std::string_view word);  // "text", "exact", "amount", "number", "date", "enum", "boolean"
std::string_view to_string(Kind kind);

struct FieldRule {
  Kind kind = Kind::kText;
  NumberFormat number;
  DateFormat date;
  double tolerance = 1e-9;              // of numbers: relative difference
  std::optional<bool> extractive;       // whether the value has to stand in the input; by kind where unset
  bool is_judged_by_grounding() const;  // enums and booleans never are
};

// A scalar as text: a string as it is, a number as JSON writes it, true and false. Containers: their JSON.
std::string scalar_text(const Json& value);

// A value prepared for comparing; make it once where it is compared often.
struct MatchKey {
  std::string value;             // the kind's value; empty where the text has none
  std::string text;              // what is compared where either side has no value
  std::optional<double> number;  // of Kind::kNumber
};
MatchKey match_key(const Json& value, const FieldRule& rule);
bool keys_match(const MatchKey& a, const MatchKey& b, const FieldRule& rule);

inline bool values_match(const Json& a, const Json& b, const FieldRule& rule) {
  return keys_match(match_key(a, rule), match_key(b, rule), rule);
}

std::optional<Decimal> amount_of(const Json& value, const NumberFormat& format);
std::optional<Decimal> number_of(const Json& value, const NumberFormat& format);
std::optional<Date> date_of(const Json& value, const DateFormat& format);

// Letters and digits of NFKC with case folding. A text without any keeps its characters.
std::u32string letters_and_digits(std::string_view text);

// ANLS of one pair (Biten et al. 2019): 1 - edit distance / longer length over letters_and_digits, 0 below 0.5.
double soft_score(std::string_view gold, std::string_view answer);

}  // namespace understudy::evaluation
