#include "gateway/wire/object_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"

namespace understudy {

namespace {

constexpr size_t kShownBytes = 60;
constexpr size_t kUsualKeys = 24;

// What a stranger wrote as it may stand in a message: short.
std::string shown(std::string text) {
  if (text.size() <= kShownBytes) return text;
  size_t end = kShownBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not in the middle of a character
  return text.substr(0, end) + "...";
}

std::string range_words(const NumberRange& range) {
  return fmt::format("a number from {:g} to {:g}", range.from, range.to);
}

}  // namespace

Error field_error(const std::string& path, std::string_view expected, const Json& got) {
  return Error(ErrorCode::kInvalidInput, fmt::format("{}: expected {}, got {}", path, expected, shown(dump_json(got))))
      .about(path, "invalid_value");
}

Error unsupported_field(const std::string& path, std::string_view why) {
  return Error(ErrorCode::kInvalidInput, fmt::format("{}: not supported: {}", path, why))
      .about(path, "unsupported_parameter");
}

ObjectReader::ObjectReader(const Json& value, std::string path) : object_(value), path_(std::move(path)) {
  known_.reserve(kUsualKeys);
  if (!object_.is_object()) throw field_error(path_.empty() ? "the request's body" : path_, "an object", object_);
}

std::string ObjectReader::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

const Json* ObjectReader::take(std::string_view key) {
  known_.emplace_back(key);
  const auto found = object_.find(std::string(key));
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

const Json& ObjectReader::require(std::string_view key) {
  const Json* value = take(key);
  if (value != nullptr) return *value;
  throw Error(ErrorCode::kInvalidInput, fmt::format("{}: is missing", path_of(key)))
      .about(path_of(key), "missing_required_parameter");
}

std::optional<double> ObjectReader::number(std::string_view key, NumberRange range) {
  const Json* value = take(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) throw field_error(path_of(key), range_words(range), *value);
  const auto number = value->get<double>();
  if (!(number >= range.from && number <= range.to)) throw field_error(path_of(key), range_words(range), *value);
  return number;
}

std::optional<int64_t> ObjectReader::integer(std::string_view key, int64_t from, int64_t to) {
  const Json* value = take(key);
  if (value == nullptr) return std::nullopt;
  const bool fits = value->is_number_integer() && (!value->is_number_unsigned() || value->get<uint64_t>() <= INT64_MAX);
  const int64_t number = fits ? value->get<int64_t>() : 0;
  if (!fits || number < from || number > to) {
    throw field_error(path_of(key), fmt::format("a whole number from {} to {}", from, to), *value);
  }
  return number;
}

std::optional<bool> ObjectReader::boolean(std::string_view key) {
  const Json* value = take(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) throw field_error(path_of(key), "true or false", *value);
  return value->get<bool>();
}

std::optional<std::string> ObjectReader::text(std::string_view key) {
  const Json* value = take(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) throw field_error(path_of(key), "a string", *value);
  return value->get<std::string>();
}

std::string ObjectReader::require_text(std::string_view key) {
  require(key);
  return *text(key);
}

const Json* ObjectReader::list(std::string_view key) {
  const Json* value = take(key);
  if (value != nullptr && !value->is_array()) throw field_error(path_of(key), "a list", *value);
  return value;
}

void ObjectReader::accept(std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) known_.emplace_back(key);
}

void ObjectReader::refuse(std::string_view key, std::string_view why) {
  if (take(key) != nullptr) throw unsupported_field(path_of(key), why);
}

void ObjectReader::finish() {
  for (const auto& [key, value] : object_.items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const std::string name = shown(key);
    const std::string nearest = nearest_word(name, known_);
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: unknown field", path_of(name)),
                nearest.empty() ? "" : fmt::format("did you mean {}?", nearest))
        .about(path_of(name), "unknown_parameter");
  }
}

}  // namespace understudy
