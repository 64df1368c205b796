// Rows for training: a question about a paper or about lines, and the answer that is right.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "generate/document.h"

namespace understudy::examples {

struct Row {
  std::string task;  // the family: what `understudy eval` slices by
  std::string input;
  std::string output;
};

// {"a": "b", "c": "d"}: one space after colons and commas, as the answers of people's data sets mostly have it.
std::string json_object(const std::vector<std::pair<std::string, std::string>>& members);
// {"name": ["a", "b"]}
std::string json_object_of_list(const std::string& name, const std::vector<std::string>& values);

// One JSON object in a line: {"id", "task", "input", "output"}.
std::string jsonl_line(const Row& row, const std::string& id);

// Asks for one to `most` of the fields that stand on the paper, in one of many ways, by names of pre-training.
// `as_written` answers copy; the others are normalised.
Row ask(Random& random, const Document& document, std::string task, bool as_written, int most);

// The paper alone, the answer with fixed names: company, date, address, total as written.
Row receipt_without_question(const Document& document);

// The paper alone, the answer with the demo's names, normalised.
Row demo_row(const Document& document);

}  // namespace understudy::examples
