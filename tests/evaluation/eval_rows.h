// Rows written in a test, as examples, answers and a config: what measure() takes.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "evaluation/answers.h"
#include "evaluation/eval_config.h"
#include "records/example.h"

namespace understudy::evaluation::testing_rows {

inline std::vector<Example> examples_of(const std::vector<std::pair<std::string, std::string>>& input_and_output) {
  std::vector<Example> examples;
  for (const auto& [input, output] : input_and_output) {
    Example example;
    example.line = static_cast<int>(examples.size()) + 1;
    example.id = "r" + std::to_string(example.line);
    example.input = input;
    example.output = output;
    examples.push_back(std::move(example));
  }
  return examples;
}

// One text for each of r1, r2, ...; "" is a missing row.
inline Answers answers_of(const std::vector<std::string>& texts) {
  Answers answers;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].empty()) continue;
    GivenAnswer given;
    given.id = "r" + std::to_string(i + 1);
    given.text = texts[i];
    answers.emplace(given.id, given);
  }
  return answers;
}

inline EvalConfig config_of(std::vector<std::pair<std::string, Kind>> fields) {
  EvalConfig config;
  config.data = "test.jsonl";
  config.bootstrap.draws = 500;
  for (auto& [path, kind] : fields) {
    FieldConfig field;
    field.path = path;
    field.kind = kind;
    field.rule.number.decimal = '.';
    field.rule.date.orders = {DateOrder::kDayMonthYear};
    config.fields.push_back(std::move(field));
  }
  return config;
}

inline EvalConfig labels_config(std::vector<std::string> labels) {
  EvalConfig config;
  config.data = "test.jsonl";
  config.kind = "classification";
  config.labels = std::move(labels);
  config.bootstrap.draws = 500;
  return config;
}

}  // namespace understudy::evaluation::testing_rows
