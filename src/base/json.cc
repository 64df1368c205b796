#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fast_json.h"

namespace understudy {

namespace {

// nlohmann's "[json.exception.parse_error.101] parse error at line 1, column 7: syntax error ..." from "line 1" on.
std::string without_prefix(std::string text) {
  for (const std::string_view end : {"] ", "parse error at "}) {
    const size_t at = text.find(end);
    if (at != std::string::npos) text.erase(0, at + end.size());
  }
  return text;
}

// Builds the value, and refuses what nlohmann's own reader lets pass: a key twice in one object, and depth. It appends
// members without looking for an older one of the same name, which an ordered object can only do in linear time: a
// vocabulary of 150,000 entries would take minutes. Repeated keys are found when the object ends, by sorting.
class CarefulReader {
 public:
  CarefulReader(Json& result, JsonLimits limits) : result_(result), limits_(limits) {}

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(Json::number_integer_t value) { return add(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return add(value); }
  bool number_float(Json::number_float_t value, const std::string& text) {
    if (std::isfinite(value)) return add(value);
    fault_ = fmt::format("the number {} is out of range", text);
    return false;
  }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(Json::binary_t&) { return false; }
  bool key(std::string& name) {
    auto& members = open_.back()->get_ref<Json::object_t&>();
    members.push_back({std::move(name), nullptr});
    member_ = &members.back().second;
    return true;
  }
  bool start_object(std::size_t) { return enter(Json::object()); }
  bool start_array(std::size_t) { return enter(Json::array()); }
  bool end_object() { return keys_differ(open_.back()->get_ref<Json::object_t&>()) && leave(); }
  bool end_array() { return leave(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) {
    fault_ = without_prefix(error.what());
    return false;
  }

  // Room in the container that was begun last, for a count that is known and not only promised.
  void reserve(size_t count) {
    Json& open = *open_.back();
    open.is_object() ? open.get_ref<Json::object_t&>().reserve(count) : open.get_ref<Json::array_t&>().reserve(count);
  }
  const std::string& fault() const { return fault_; }

 private:
  // Where the next value goes: the document, the end of the open array, or the member whose key was read last.
  Json& place(Json value) {
    if (open_.empty()) return result_ = std::move(value);
    if (open_.back()->is_object()) return *member_ = std::move(value);
    auto& items = open_.back()->get_ref<Json::array_t&>();
    items.push_back(std::move(value));
    return items.back();
  }
  template <class Value>
  bool add(Value&& value) {
    place(Json(std::forward<Value>(value)));
    return true;
  }
  bool enter(Json container) {
    if (static_cast<int>(open_.size()) >= limits_.depth) {
      fault_ = fmt::format("nested more than {} levels deep", limits_.depth);
      return false;
    }
    open_.push_back(&place(std::move(container)));  // stays where it is while open: only its own children are appended
    return true;
  }
  bool leave() {
    open_.pop_back();
    return true;
  }
  bool keys_differ(const Json::object_t& members) {
    std::vector<std::string_view> names;
    names.reserve(members.size());
    for (const auto& [name, value] : members) names.emplace_back(name);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice == names.end()) return true;
    fault_ = fmt::format("the key \"{}\" stands twice in one object", *twice);
    return false;
  }

  Json& result_;
  JsonLimits limits_;
  std::vector<Json*> open_;
  Json* member_ = nullptr;
  std::string fault_;
};

// ---- simdjson in front of nlohmann's reader, whose lexer goes byte by byte: several times faster on long strings

using Element = simdjson::dom::element;
using ElementType = simdjson::dom::element_type;

bool walk(const Element& element, CarefulReader& to);

bool walk_object(const simdjson::dom::object& object, CarefulReader& to) {
  if (!to.start_object(object.size())) return false;
  to.reserve(object.size());
  for (const auto member : object) {
    std::string name(member.key);
    if (!to.key(name) || !walk(member.value, to)) return false;
  }
  return to.end_object();
}

bool walk_array(const simdjson::dom::array& array, CarefulReader& to) {
  if (!to.start_array(array.size())) return false;
  to.reserve(array.size());
  for (const Element item : array) {
    if (!walk(item, to)) return false;
  }
  return to.end_array();
}

// As deep as the reader's limit lets it go.
bool walk(const Element& element, CarefulReader& to) {
  switch (element.type()) {
    case ElementType::OBJECT:
      return walk_object(simdjson::dom::object(element), to);
    case ElementType::ARRAY:
      return walk_array(simdjson::dom::array(element), to);
    case ElementType::STRING: {
      std::string text(std::string_view{element});
      return to.string(text);
    }
    case ElementType::INT64: {
      const int64_t number{element};
      return number < 0 ? to.number_integer(number) : to.number_unsigned(static_cast<uint64_t>(number));
    }
    case ElementType::UINT64:
      return to.number_unsigned(uint64_t{element});
    case ElementType::DOUBLE:
      return to.number_float(double{element}, "");
    case ElementType::BOOL:
      return to.boolean(bool{element});
    case ElementType::NULL_VALUE:
      return to.null();
  }
  return false;
}

bool read_fast(std::string_view text, JsonLimits limits, Json& value) {
  const FastJson parsed(text);
  if (parsed.error() != simdjson::SUCCESS) return false;
  CarefulReader reader(value, limits);
  return walk(parsed.root(), reader);
}

// What the fast one refuses is read again by the other: it says what is wrong and where, and takes numbers of more than
// 64 bits.
bool read(std::string_view text, JsonLimits limits, Json& value, std::string& fault) {
  if (read_fast(text, limits, value)) return true;
  CarefulReader reader(value, limits);
  const bool ok = Json::sax_parse(text.begin(), text.end(), &reader);
  fault = reader.fault();
  return ok;
}

}  // namespace

Json parse_json(std::string_view text, std::string_view where, JsonLimits limits) {
  Json value;
  std::string fault;
  if (!read(text, limits, value, fault)) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: not valid JSON: {}", where, fault));
  }
  return value;
}

std::optional<Json> try_parse_json(std::string_view text, JsonLimits limits) {
  Json value;
  std::string fault;
  if (!read(text, limits, value, fault)) return std::nullopt;
  return value;
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string dump_json_pretty(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace understudy
