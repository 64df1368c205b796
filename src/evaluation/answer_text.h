// From an answer's text to a JSON value: whole and valid, recovered from a code fence or from words around one object,
// or neither. Answers are strangers' bytes: size and depth are limited, nothing throws. Pure functions.
#pragma once

#include <string_view>

#include "base/json.h"
#include "records/eval_report.h"

namespace understudy::evaluation {

inline constexpr size_t kMaxAnswerBytes = 1 << 20;  // longer answers are invalid

struct ParsedAnswer {
  AnswerState state = AnswerState::kInvalid;  // valid, recovered or invalid
  Json value;                                 // null where invalid
};

// Valid: exactly one JSON document (RFC 8259, repeated keys refused). Recovered: one code fence around a document, or
// text around exactly one balanced object, taken away; an object with a repeated key is not recovered.
ParsedAnswer parse_answer(std::string_view text);

}  // namespace understudy::evaluation
