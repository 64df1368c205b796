// Given answers: rows {"id", "answer", ...}, of a specialist, a teacher, an earlier run or a baseline. Plain values.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/json_fwd.h"

namespace understudy::evaluation {

struct GivenAnswer {
  std::string id;
  std::optional<std::string> text;  // nothing where the row says null or the row is missing
  std::string finish;               // "stop", "length", ...; empty where not told
  std::optional<int64_t> prompt_tokens;
  std::optional<int64_t> answer_tokens;
  std::optional<double> latency_ms;
  std::optional<double> confidence;  // of a label, 0 to 1
  std::string failure;               // why the model gave no answer
};

using Answers = std::unordered_map<std::string, GivenAnswer>;

// Throws kInvalidInput with file, line and field for a row that is no JSON, lacks id or answer, or repeats an id. An
// answer that is a JSON object or list is taken as its text. Rows of no asked id are kept: the caller asks by id.
Answers read_answers(const std::filesystem::path& path);

// As a line of answers.jsonl: {"id", "answer", "finish", "prompt_tokens", "answer_tokens", "latency_ms"} and what else
// is set.
Json to_json(const GivenAnswer& answer);

}  // namespace understudy::evaluation
