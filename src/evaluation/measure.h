// From scored records to a report: sums, rates with intervals, fields, labels, slices, comparisons with other answers.
// Runs no model and reads no files: examples and answers are given. Deterministic; pure apart from its own working
// memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "evaluation/answers.h"
#include "evaluation/eval_config.h"
#include "records/eval_report.h"
#include "records/example.h"

namespace understudy::evaluation {

// Answers that stand beside the specialist's. Teacher and previous are compared with it; a baseline is only shown.
struct OtherAnswers {
  std::string name;  // "teacher", "previous", "baseline"
  Answers answers;
  bool is_compared() const { return name != "baseline"; }
};

// The report without gates (evaluation/gates.h) and without made_from. `wall_seconds`: how long the model took for all
// answers together; unset: the sum of the rows' latencies. Throws kInvalidInput for right answers that cannot be one.
EvalReport measure(const EvalConfig& config, const std::vector<Example>& examples, const Answers& answers,
                   const std::vector<OtherAnswers>& others, std::optional<double> wall_seconds = std::nullopt);

}  // namespace understudy::evaluation
