#include "evaluation/answers.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "records/json_lines.h"

namespace understudy::evaluation {

namespace {

std::optional<int64_t> count_field(const Json& row, const std::string& field, const std::string& where) {
  const std::optional<double> number = number_field(row, field, where);
  if (!number) return std::nullopt;
  if (*number < 0 || *number != std::floor(*number) || *number > 1e15) {
    throw field_error(where, field, "a whole number from 0", row[field]);
  }
  return static_cast<int64_t>(*number);
}

std::string optional_text(const Json& row, const std::string& field, const std::string& where) {
  return row.contains(field) && !row[field].is_null() ? text_field(row, field, where) : "";
}

GivenAnswer read_row(const Json& row, const std::string& where) {
  if (!row.is_object()) throw field_error(where, "", "an object with id and answer", row);
  GivenAnswer given;
  given.id = id_field(row, where);
  const auto answer = row.find("answer");
  if (answer == row.end()) throw field_error(where, "answer", "a text", Json());
  if (answer->is_structured()) {
    given.text = dump_json(*answer);
  } else if (!answer->is_null()) {
    given.text = text_field(row, "answer", where);
  }
  given.finish = optional_text(row, "finish", where);
  given.failure = optional_text(row, "failure", where);
  given.prompt_tokens = count_field(row, "prompt_tokens", where);
  given.answer_tokens = count_field(row, "answer_tokens", where);
  given.latency_ms = number_field(row, "latency_ms", where);
  if (given.latency_ms && *given.latency_ms < 0)
    throw field_error(where, "latency_ms", "a number from 0", row["latency_ms"]);
  given.confidence = number_field(row, "confidence", where);
  if (given.confidence && (*given.confidence < 0 || *given.confidence > 1)) {
    throw field_error(where, "confidence", "a number from 0 to 1", row["confidence"]);
  }
  return given;
}

}  // namespace

Answers read_answers(const std::filesystem::path& path) {
  Answers answers;
  std::unordered_map<std::string, int> lines;
  for_each_json_line(path, [&](const Json& row, const std::string& where, int line) {
    GivenAnswer given = read_row(row, where);
    const auto [other, fresh] = lines.emplace(given.id, line);
    if (!fresh) {
      throw Error(ErrorCode::kInvalidInput,
                  fmt::format("{}: id: \"{}\" stands on line {} already", where, given.id, other->second));
    }
    std::string id = given.id;
    answers.emplace(std::move(id), std::move(given));
    return true;
  });
  return answers;
}

Json to_json(const GivenAnswer& answer) {
  Json json = Json::object();
  json["id"] = answer.id;
  json["answer"] = answer.text ? Json(*answer.text) : Json();
  json["finish"] = answer.finish;
  json["prompt_tokens"] = answer.prompt_tokens ? Json(*answer.prompt_tokens) : Json();
  json["answer_tokens"] = answer.answer_tokens ? Json(*answer.answer_tokens) : Json();
  json["latency_ms"] = answer.latency_ms ? Json(*answer.latency_ms) : Json();
  if (answer.confidence) json["confidence"] = *answer.confidence;
  if (!answer.failure.empty()) json["failure"] = answer.failure;
  return json;
}

}  // namespace understudy::evaluation
