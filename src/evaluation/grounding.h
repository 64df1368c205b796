// Grounding: where in the input a value stands. A value that stands nowhere was made up, and this needs no judge. Rules
// by kind:
//   amount   the same amount is among the input's numbers
//   number   the same value (within the field's tolerance) is among the input's numbers
//   date     the same calendar date is there, in any shape and any order that the task allows
//   exact    it is there as written, after NFKC
//   text     its letters and digits are one run of the input's letters and digits; or, of a text of five words or more,
//   at
//            least 80% of its words stand within a window of at most three times as many words
// A value that its kind cannot read (an amount without digits) is looked for as a text. Enums and booleans are not
// judged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_fwd.h"
#include "base/unicode.h"
#include "evaluation/field_kind.h"
#include "records/eval_report.h"

namespace understudy::evaluation {

// One input, prepared once and asked for many values. Used by one thread (it keeps what it has read).
class Grounding {
 public:
  explicit Grounding(std::string_view input);

  // The span of the value in the input's Unicode characters; nothing where it is not grounded.
  std::optional<CharSpan> find(const Json& value, const FieldRule& rule);

 private:
  struct Word {
    size_t begin;  // in folded_
    size_t end;
  };
  std::optional<CharSpan> find_amount(const Decimal& amount, const NumberFormat& format);
  std::optional<CharSpan> find_number(double number, const FieldRule& rule);
  std::optional<CharSpan> find_date(const Date& date, const DateFormat& format);
  std::optional<CharSpan> find_exact(std::string_view text);
  std::optional<CharSpan> find_text(std::string_view text);
  std::optional<CharSpan> find_run(std::u32string_view letters);
  std::optional<CharSpan> find_most_words(std::string_view text);
  const std::vector<FoundNumber>& numbers(const NumberFormat& format);
  const std::vector<FoundDate>& dates(const DateFormat& format);
  CharSpan span(size_t begin, size_t end) const;  // of [begin, end) in folded_

  std::string input_;
  MappedText folded_;
  std::optional<MappedText> plain_;  // NFKC without folding, made when first asked for
  std::u32string run_;               // letters and digits of folded_
  std::vector<size_t> run_origin_;   // where each stands in folded_
  std::vector<Word> words_;
  std::vector<std::pair<NumberFormat, std::vector<FoundNumber>>> numbers_;
  std::vector<std::pair<DateFormat, std::vector<FoundDate>>> dates_;
};

}  // namespace understudy::evaluation
