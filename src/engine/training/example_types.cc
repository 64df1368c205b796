#include "engine/training/example_types.h"

#include <fmt/format.h>

#include "base/files.h"
#include "base/json.h"
#include "base/nearest.h"

namespace understudy {

namespace {

const std::vector<std::string>& known_types() {
  static const std::vector<std::string> types = {"chat_template", "alpaca",       "alpaca:chat", "alpaca:chatml",
                                                 "completion",    "input_output", "pretokenized"};
  return types;
}

// An entry without `type:`: what the columns say, row by row.
class RecognisedType : public ExampleType {
 public:
  RecognisedType(const DatasetConfig& entry, const ExampleContext& context)
      : entry_(entry), tokenised_(make_tokenised_type(context)), segments_(make_segments_type(entry, context)) {
    DatasetConfig alpaca = entry;
    alpaca.type = "alpaca";
    instruction_ = make_instruction_type(alpaca, context);
    completion_ = make_completion_type(entry, context);
    chat_ = make_chat_type(entry, context);
  }

  void add(const Json& row, std::string_view where, ExampleOrigin origin, ExampleSet& set,
           ExampleCounts& counts) const override {
    type_of(row, where).add(row, where, origin, set, counts);
  }
  void verify(const Json& row, std::string_view where) const override { type_of(row, where).verify(row, where); }

 private:
  const ExampleType& type_of(const Json& row, std::string_view where) const {
    if (row.contains("input_ids")) return *tokenised_;
    if (row.contains(entry_.field_messages)) return *chat_;
    if (row.contains("segments")) return *segments_;
    if (row.contains("instruction") && row.contains("output")) return *instruction_;
    if (row.contains("input") && row.contains("output")) return *chat_;
    if (row.contains(entry_.field)) return *completion_;
    throw Error(
        ErrorCode::kInvalidInput,
        fmt::format(
            "{}: no known columns: expected {}, input and output, instruction and output, segments, {} or input_ids",
            where, entry_.field_messages, entry_.field),
        fmt::format("name the type in the config ({})", entry_.where));
  }

  DatasetConfig entry_;
  std::unique_ptr<ExampleType> tokenised_, segments_, instruction_, completion_, chat_;
};

[[nodiscard]] Error unknown_type(const DatasetConfig& entry) {
  if (entry.type.starts_with("sharegpt")) {
    return Error(ErrorCode::kInvalidInput,
                 fmt::format("{}: type {} was removed from the format", entry.where, entry.type),
                 "write type: chat_template, field_messages: conversations, "
                 "message_property_mappings: {role: from, content: value}");
  }
  const std::string nearest = nearest_word(entry.type, known_types());
  return Error(ErrorCode::kInvalidInput, fmt::format("{}: type \"{}\" is not supported", entry.where, entry.type),
               nearest.empty() ? "write chat_template, alpaca, completion, input_output, or a mapping with formats"
                               : fmt::format("did you mean {}?", nearest));
}

std::string jinja_source(const std::string& text_or_file) {
  const bool is_file = text_or_file.ends_with(".jinja") || text_or_file.ends_with(".j2");
  return is_file ? read_file(text_or_file, 16 << 20) : text_or_file;
}

}  // namespace

ExampleCounts& ExampleCounts::operator+=(const ExampleCounts& other) {
  trained_turns += other.trained_turns;
  turns_with_stop += other.turns_with_stop;
  turns_ending_in_stop += other.turns_ending_in_stop;
  return *this;
}

void ExampleType::verify(const Json&, std::string_view) const {}

std::unique_ptr<ExampleType> make_example_type(const DatasetConfig& entry, const ExampleContext& context) {
  if (entry.format) return make_instruction_type(entry, context);
  if (entry.type.empty()) return std::make_unique<RecognisedType>(entry, context);
  if (entry.type == "chat_template") return make_chat_type(entry, context);
  if (entry.type == "completion") return make_completion_type(entry, context);
  if (entry.type == "input_output") return make_segments_type(entry, context);
  if (entry.type == "pretokenized") return make_tokenised_type(context);
  std::unique_ptr<ExampleType> type = make_instruction_type(entry, context);
  if (type == nullptr) throw unknown_type(entry);
  return type;
}

std::optional<std::string> choose_template(const std::string& name, const std::string& jinja, std::string_view where,
                                           const Tokenizer& tokenizer) {
  constexpr std::string_view kFallback = "tokenizer_default_fallback_";
  std::string chosen = name;
  const bool has_own = tokenizer.chat_template().has_value();
  if (chosen.starts_with(kFallback)) chosen = has_own ? "tokenizer_default" : chosen.substr(kFallback.size());
  if (chosen == "jinja" || (chosen.empty() && !jinja.empty())) return jinja_source(jinja);
  if (chosen.empty() || chosen == "tokenizer_default") return tokenizer.chat_template();
  std::optional<std::string> built_in = ChatTemplate::built_in(chosen);
  if (!built_in) {
    throw Error(
        ErrorCode::kInvalidInput, fmt::format("{}: chat_template: unknown template \"{}\"", where, chosen),
        fmt::format("write tokenizer_default, jinja, or one of {}", fmt::join(ChatTemplate::built_in_names(), ", ")));
  }
  return built_in;
}

std::string text_field(const Json& row, const std::string& field, std::string_view where) {
  if (!row.contains(field)) throw Error(ErrorCode::kInvalidInput, fmt::format("{}: {} is missing", where, field));
  const Json& value = row[field];
  if (!value.is_string()) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: {}: expected a text, got {}", where, field, value.type_name()));
  }
  return value.get<std::string>();
}

std::string optional_text_field(const Json& row, const std::string& field, std::string_view where) {
  if (!row.contains(field) || row[field].is_null()) return {};
  return text_field(row, field, where);
}

}  // namespace understudy
