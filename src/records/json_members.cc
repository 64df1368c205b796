#include "records/json_members.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "records/json_lines.h"

namespace understudy {

JsonMembers::JsonMembers(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object.is_object()) throw field_error(where_, "", "a JSON object", object);
}

const Json* JsonMembers::find(const char* name) const {
  const auto member = object_.find(name);
  return member == object_.end() || member->is_null() ? nullptr : &*member;
}

std::string JsonMembers::place(const char* name) const {
  return fmt::format("{}.{}", where_, name);
}

void JsonMembers::wrong(const char* name, const char* expected) const {
  const Json* value = find(name);
  throw field_error(where_, name, expected, value == nullptr ? Json() : *value);
}

void JsonMembers::unknown_word(const char* name) const {
  wrong(name, "a word that this version knows");
}

std::string JsonMembers::text(const char* name) const {
  const Json* value = find(name);
  if (value == nullptr) return {};
  if (!value->is_string()) wrong(name, "a text");
  return value->get<std::string>();
}

int64_t JsonMembers::whole(const char* name) const {
  const Json* value = find(name);
  if (value == nullptr) return 0;
  const bool too_large = value->is_number_unsigned() && value->get<uint64_t>() > INT64_MAX;
  if (!value->is_number_integer() || too_large) wrong(name, "a whole number");
  return value->get<int64_t>();
}

int JsonMembers::small(const char* name) const {
  const int64_t value = whole(name);
  if (value < INT32_MIN || value > INT32_MAX) wrong(name, "a whole number of 32 bits");
  return static_cast<int>(value);
}

std::optional<double> JsonMembers::optional_number(const char* name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) wrong(name, "a number");
  return value->get<double>();
}

double JsonMembers::number(const char* name) const {
  return optional_number(name).value_or(0);
}

bool JsonMembers::flag(const char* name, bool otherwise) const {
  const Json* value = find(name);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) wrong(name, "true or false");
  return value->get<bool>();
}

std::optional<Money> JsonMembers::optional_money(const char* name) const {
  if (find(name) == nullptr) return std::nullopt;
  const std::string written = text(name);
  try {
    return Money::parse(written);
  } catch (const Error& error) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: {}", place(name), error.message()), error.hint());
  }
}

std::vector<std::string> JsonMembers::texts(const char* name) const {
  std::vector<std::string> items;
  const Json* value = find(name);
  if (value == nullptr) return items;
  if (!value->is_array()) wrong(name, "a list of texts");
  for (const Json& item : *value) {
    if (!item.is_string()) wrong(name, "a list of texts");
    items.push_back(item.get<std::string>());
  }
  return items;
}

int64_t JsonMembers::instant(const char* name) const {
  const std::optional<int64_t> ms = parse_utc(text(name));
  if (!ms) wrong(name, "an instant such as 2026-11-25T07:43:26.123Z");
  return *ms;
}

}  // namespace understudy
