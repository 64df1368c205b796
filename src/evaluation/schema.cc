#include "evaluation/schema.h"

#include <fmt/format.h>

// Without it valijson ends the process at a schema that is none.
#define VALIJSON_USE_EXCEPTIONS 1
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"

namespace understudy::evaluation {

namespace {

// std::regex recurses a frame per character: some 100,000 of them end the process. Fields of this length are none.
constexpr size_t kLongestString = 4096;
constexpr uint64_t kMaxSchemaBytes = 4 << 20;

bool mentions_pattern(const Json& schema) {
  if (schema.is_object()) {
    if (schema.contains("pattern") || schema.contains("patternProperties") || schema.contains("format")) return true;
  }
  if (!schema.is_structured()) return false;
  for (const Json& child : schema) {
    if (mentions_pattern(child)) return true;
  }
  return false;
}

bool has_long_string(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().size() > kLongestString;
  if (value.is_object()) {
    for (const auto& [key, child] : value.items()) {
      if (key.size() > kLongestString || has_long_string(child)) return true;
    }
  }
  if (value.is_array()) {
    for (const Json& child : value) {
      if (has_long_string(child)) return true;
    }
  }
  return false;
}

// valijson's context is "<root>", "[items]", "[2]": as "items[2]".
std::string place_of(const std::vector<std::string>& context) {
  std::string place;
  for (const std::string& step : context) {
    if (step.size() < 3 || step.front() != '[') continue;
    const std::string inside = step.substr(1, step.size() - 2);
    if (inside.find_first_not_of("0123456789") == std::string::npos) {
      place += step;
    } else {
      place += (place.empty() ? "" : ".") + inside;
    }
  }
  return place;
}

}  // namespace

struct AnswerSchema::Compiled {
  Json json;
  valijson::Schema schema;
  bool has_pattern = false;
};

AnswerSchema AnswerSchema::read_file(const std::filesystem::path& path) {
  return AnswerSchema(parse_json(understudy::read_file(path, kMaxSchemaBytes), path.string()), path.string());
}

AnswerSchema::AnswerSchema(const Json& schema, const std::string& where) : compiled_(std::make_unique<Compiled>()) {
  compiled_->json = schema;
  compiled_->has_pattern = mentions_pattern(schema);
  const nlohmann::json plain = nlohmann::json::parse(dump_json(schema));
  try {
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(plain), compiled_->schema);
  } catch (const std::exception& fault) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: not a JSON Schema of draft 7: {}", where, fault.what()));
  }
}

AnswerSchema::AnswerSchema(AnswerSchema&&) noexcept = default;
AnswerSchema& AnswerSchema::operator=(AnswerSchema&&) noexcept = default;
AnswerSchema::~AnswerSchema() = default;

const Json& AnswerSchema::json() const {
  return compiled_->json;
}

std::string AnswerSchema::fault(const Json& value) const {
  if (compiled_->has_pattern && has_long_string(value)) {
    return fmt::format("a text of more than {} bytes", kLongestString);
  }
  const nlohmann::json plain = nlohmann::json::parse(dump_json(value));
  valijson::Validator validator(valijson::Validator::kStrongTypes);
  valijson::ValidationResults results;
  const valijson::adapters::NlohmannJsonAdapter target(plain);
  if (validator.validate(compiled_->schema, target, &results)) return "";
  valijson::ValidationResults::Error first;
  if (!results.popError(first)) return "refused by the schema";
  const std::string place = place_of(first.context);
  return place.empty() ? first.description : place + ": " + first.description;
}

}  // namespace understudy::evaluation
