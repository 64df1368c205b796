#include "engine/text/json_fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/nearest.h"

namespace understudy {

namespace {

const Json kNull = nullptr;

[[noreturn]] void refuse(std::string_view where, std::string_view key, std::string_view expected, const Json& got) {
  std::string shown = dump_json(got);
  if (shown.size() > 60) shown = shown.substr(0, 57) + "...";
  throw Error(ErrorCode::kInvalidInput, fmt::format("{}: {}: expected {}, got {}", where, key, expected, shown));
}

}  // namespace

const Json& json_member(const Json& object, std::string_view key, std::string_view where) {
  if (!object.is_object()) refuse(where, key, "an object that holds it", object);
  const auto found = object.find(std::string(key));
  return found == object.end() ? kNull : *found;
}

std::string json_text(const Json& object, std::string_view key, std::string_view where) {
  const Json& value = json_member(object, key, where);
  if (!value.is_string()) refuse(where, key, "a string", value);
  return value.get<std::string>();
}

std::string json_text_or(const Json& object, std::string_view key, std::string_view fallback, std::string_view where) {
  return json_member(object, key, where).is_null() ? std::string(fallback) : json_text(object, key, where);
}

bool json_flag_or(const Json& object, std::string_view key, bool fallback, std::string_view where) {
  const Json& value = json_member(object, key, where);
  if (value.is_null()) return fallback;
  if (!value.is_boolean()) refuse(where, key, "true or false", value);
  return value.get<bool>();
}

int64_t json_integer(const Json& object, std::string_view key, std::string_view where) {
  const Json& value = json_member(object, key, where);
  if (!value.is_number_integer()) refuse(where, key, "a whole number", value);
  return value.get<int64_t>();
}

const Json& json_list(const Json& object, std::string_view key, std::string_view where) {
  const Json& value = json_member(object, key, where);
  if (!value.is_array()) refuse(where, key, "a list", value);
  return value;
}

const Json& json_object(const Json& object, std::string_view key, std::string_view where) {
  const Json& value = json_member(object, key, where);
  if (!value.is_object()) refuse(where, key, "an object", value);
  return value;
}

Regex json_pattern(const Json& object, std::string_view where) {
  const Json& pattern = json_object(object, "pattern", where);
  const std::string inner = fmt::format("{}: pattern", where);
  json_only_keys(pattern, {"Regex", "String"}, inner);
  if (pattern.contains("Regex")) return Regex(json_text(pattern, "Regex", inner), inner);
  return Regex::literal(json_text(pattern, "String", inner), inner);
}

void json_refuse_unless(const Json& object, std::string_view key, std::string_view harmless, std::string_view where) {
  const Json& value = json_member(object, key, where);
  if (value.is_null() || dump_json(value) == harmless) return;
  refuse(where, key, fmt::format("{} (another value is not supported)", harmless), value);
}

void json_only_keys(const Json& object, const std::vector<std::string>& known, std::string_view where) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string nearest = nearest_word(key, known);
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: the key \"{}\" is not supported", where, key),
                nearest.empty() ? "" : fmt::format("the nearest known key is \"{}\"", nearest));
  }
}

}  // namespace understudy
