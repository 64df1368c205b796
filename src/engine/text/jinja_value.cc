#include "engine/text/jinja_value.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/json.h"
#include "base/utf8.h"

namespace understudy::jinja {

namespace {

// One writing for every key that Python holds equal: 1, 1.0 and True are the same key.
std::string key_of(const Value& key) {
  if (const Text* text = key.as_text()) return "s" + text->bytes();
  if (const auto number = key.as_integer()) return "n" + to_string(*number);
  if (const auto number = key.as_double()) {
    return *number == std::floor(*number) && std::abs(*number) < 1e18 ? "n" + to_string(static_cast<Integer>(*number))
                                                                      : "n" + repr_of(*number);
  }
  return key.is_none() ? "None" : "o" + type_name(key);
}

void append_repr(std::string& out, std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  out += quote;
  for (size_t position = 0; position < text.size();) {
    const size_t begin = position;
    const char32_t c = next_code_point(text, position);
    const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
    const bool printable = c == ' ' || (category != UTF8PROC_CATEGORY_CC && category != UTF8PROC_CATEGORY_CF &&
                                        category != UTF8PROC_CATEGORY_CS && category != UTF8PROC_CATEGORY_CO &&
                                        category != UTF8PROC_CATEGORY_CN && category != UTF8PROC_CATEGORY_ZL &&
                                        category != UTF8PROC_CATEGORY_ZP && category != UTF8PROC_CATEGORY_ZS);
    if (c == static_cast<char32_t>(quote) || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (printable) {
      out += text.substr(begin, position - begin);
    } else if (c < 0x100) {
      out += fmt::format("\\x{:02x}", static_cast<uint32_t>(c));
    } else if (c < 0x10000) {
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    } else {
      out += fmt::format("\\U{:08x}", static_cast<uint32_t>(c));
    }
  }
  out += quote;
}

Text repr_of(const Text& text) {
  std::string out;
  append_repr(out, text.bytes());
  return Text(std::move(out), text.any_source());
}

Text repr_of(const List& list) {
  Text out;
  out.append(list.is_tuple ? "(" : "[");
  for (size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) out.append(", ");
    out.append(to_repr(list.items[i]));
  }
  if (list.is_tuple && list.items.size() == 1) out.append(",");
  out.append(list.is_tuple ? ")" : "]");
  return out;
}

template <class Items>
Text repr_of_items(const Items& items) {
  Text out;
  out.append("{");
  bool first = true;
  for (const auto& [key, value] : items) {
    if (!first) out.append(", ");
    first = false;
    out.append(to_repr(key));
    out.append(": ");
    out.append(to_repr(value));
  }
  out.append("}");
  return out;
}

std::optional<int> compare_lists(const List& a, const List& b) {
  for (size_t i = 0; i < std::min(a.items.size(), b.items.size()); ++i) {
    if (equal(a.items[i], b.items[i])) continue;
    return compare(a.items[i], b.items[i]);
  }
  return a.items.size() < b.items.size() ? -1 : (a.items.size() > b.items.size() ? 1 : 0);
}

}  // namespace

std::string to_string(Integer value) {
  return fmt::format("{}", value);
}

std::string repr_of(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  const std::string scientific(buffer, end);
  const size_t e = scientific.find('e');
  const int exponent = std::stoi(scientific.substr(e + 1));
  if (exponent < -4 || exponent >= 16) {
    return fmt::format("{}e{}{:02d}", scientific.substr(0, e), exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  const auto fixed_end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr;
  std::string fixed(buffer, fixed_end);
  if (fixed.find('.') == std::string::npos) fixed += ".0";
  return fixed;
}

void Extent::take_in(const Extent& part) {
  depth = std::max(depth, part.depth + 1);
  weight = weight > UINT64_MAX - part.weight - 4 ? UINT64_MAX : weight + part.weight + 4;
}

bool is_hashable(const Value& value) {
  return value.is_text() || value.is_number() || value.is_none();
}

Value::Value(List value) {
  value.extent = {};
  for (const Value& item : value.items) value.extent.take_in(item.extent());
  data_ = std::make_shared<const List>(std::move(value));
}

Extent Value::extent() const {
  if (const Text* text = as_text()) return {0, text->size() + 1};
  if (const List* list = as_list()) return list->extent;
  if (const Dict* dict = as_dict()) return dict->extent();
  Extent extent{0, 40};
  if (const Function* function = as_function()) extent.take_in(function->extent);
  if (const Loop* loop = as_loop()) extent.take_in(loop->items->extent);
  return extent;
}

void Dict::set(const Value& key, Value value) {
  extent_.take_in(key.extent());
  extent_.take_in(value.extent());
  const auto [entry, is_new] = index_.try_emplace(key_of(key), items_.size());
  if (is_new) {
    items_.emplace_back(key, std::move(value));
  } else {
    items_[entry->second].second = std::move(value);
  }
}

const Value* Dict::find(const Value& key) const {
  if (!is_hashable(key)) return nullptr;
  const auto found = index_.find(key_of(key));
  return found == index_.end() ? nullptr : &items_[found->second].second;
}

const Value* Dict::find(std::string_view key) const {
  const auto found = index_.find("s" + std::string(key));
  return found == index_.end() ? nullptr : &items_[found->second].second;
}

Value Value::from_json(const Json& json, Source source) {
  switch (json.type()) {
    case Json::value_t::null:
      return None{};
    case Json::value_t::boolean:
      return Value(json.get<bool>()).with_source(source);
    case Json::value_t::number_integer:
      return Value(static_cast<Integer>(json.get<int64_t>())).with_source(source);
    case Json::value_t::number_unsigned:
      return Value(static_cast<Integer>(json.get<uint64_t>())).with_source(source);
    case Json::value_t::number_float:
      return Value(json.get<double>()).with_source(source);
    case Json::value_t::string:
      return Text(repair_utf8(json.get_ref<const std::string&>()), source);
    case Json::value_t::array: {
      List list;
      list.items.reserve(json.size());
      for (const Json& item : json) list.items.push_back(from_json(item, source));
      return Value(std::move(list)).with_source(source);
    }
    case Json::value_t::object: {
      Dict dict;
      for (const auto& [key, value] : json.items()) dict.set(text(repair_utf8(key), source), from_json(value, source));
      return Value(std::move(dict)).with_source(source);
    }
    default:
      return {};
  }
}

std::optional<Integer> Value::as_integer() const {
  if (const auto* number = std::get_if<Integer>(&data_)) return *number;
  if (const auto* flag = std::get_if<bool>(&data_)) return static_cast<Integer>(*flag);
  return std::nullopt;
}

std::optional<double> Value::as_double() const {
  if (const auto* number = std::get_if<double>(&data_)) return *number;
  if (const auto number = as_integer()) return static_cast<double>(*number);
  return std::nullopt;
}

std::optional<Value> CallArguments::take(size_t index, std::string_view name) {
  if (index < positional.size()) return positional[index];
  for (size_t i = 0; i < named.size(); ++i) {
    if (named[i].first != name) continue;
    Value value = std::move(named[i].second);
    named.erase(named.begin() + static_cast<std::ptrdiff_t>(i));
    return value;
  }
  return std::nullopt;
}

Value CallArguments::take_or(size_t index, std::string_view name, Value fallback) {
  auto value = take(index, name);
  return value ? *std::move(value) : std::move(fallback);
}

std::string CallArguments::left_over(size_t n_positional) const {
  if (positional.size() > n_positional)
    return fmt::format("{} arguments, at most {} expected", positional.size(), n_positional);
  if (!named.empty()) return fmt::format("the argument \"{}\"", named.front().first);
  return "";
}

bool is_true(const Value& value) {
  if (value.is_undefined() || value.is_none()) return false;
  if (const auto number = value.as_double()) return *number != 0;
  if (const Text* text = value.as_text()) return !text->empty();
  if (const List* list = value.as_list()) return !list->items.empty();
  if (const Dict* dict = value.as_dict()) return !dict->items().empty();
  return true;
}

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    const auto x = a.as_integer();
    const auto y = b.as_integer();
    return x && y ? *x == *y : *a.as_double() == *b.as_double();
  }
  if (a.data().index() != b.data().index()) return false;
  if (a.is_undefined() || a.is_none()) return true;
  if (const Text* text = a.as_text()) return text->bytes() == b.as_text()->bytes();
  if (const List* list = a.as_list()) {
    const List& other = *b.as_list();
    return list->is_tuple == other.is_tuple &&
           std::equal(list->items.begin(), list->items.end(), other.items.begin(), other.items.end(), equal);
  }
  if (const Dict* dict = a.as_dict()) {
    const Dict& other = *b.as_dict();
    return dict->items().size() == other.items().size() &&
           std::all_of(dict->items().begin(), dict->items().end(), [&](const auto& item) {
             const Value* value = other.find(item.first);
             return value != nullptr && equal(item.second, *value);
           });
  }
  if (a.as_namespace() != nullptr) return a.as_namespace() == b.as_namespace();
  if (a.as_function() != nullptr) return a.as_function() == b.as_function();
  return a.as_loop() == b.as_loop();
}

std::optional<int> compare(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    const auto x = a.as_integer();
    const auto y = b.as_integer();
    if (x && y) return *x < *y ? -1 : (*x > *y ? 1 : 0);
    const double p = *a.as_double();
    const double q = *b.as_double();
    return p < q ? -1 : (p > q ? 1 : 0);
  }
  if (a.is_text() && b.is_text())
    return a.as_text()->bytes().compare(b.as_text()->bytes());  // UTF-8 keeps code points' order
  if (a.is_list() && b.is_list() && a.as_list()->is_tuple == b.as_list()->is_tuple)
    return compare_lists(*a.as_list(), *b.as_list());
  return std::nullopt;
}

std::string type_name(const Value& value) {
  if (value.is_undefined()) return "Undefined";
  if (value.is_none()) return "NoneType";
  if (value.is<bool>()) return "bool";
  if (value.is<Integer>()) return "int";
  if (value.is<double>()) return "float";
  if (value.is_text()) return "str";
  if (value.is_list()) return value.as_list()->is_tuple ? "tuple" : "list";
  if (value.is_dict()) return "dict";
  if (value.as_namespace() != nullptr) return "namespace";
  return value.as_function() != nullptr ? "function" : "loop";
}

Text to_text(const Value& value) {
  if (const Text* text = value.as_text()) return *text;
  if (value.is_undefined()) return {};
  return to_repr(value);
}

Text to_repr(const Value& value) {
  const auto from = [&](std::string bytes) { return Text(std::move(bytes), value.source()); };
  if (const Text* text = value.as_text()) return repr_of(*text);
  if (value.is_undefined()) return from("Undefined");
  if (value.is_none()) return from("None");
  if (const auto* flag = std::get_if<bool>(&value.data())) return from(*flag ? "True" : "False");
  if (const auto* number = std::get_if<Integer>(&value.data())) return from(to_string(*number));
  if (const auto* number = std::get_if<double>(&value.data())) return from(repr_of(*number));
  if (const List* list = value.as_list()) {
    Text out = repr_of(*list);
    return value.source() == kNoSource ? out : from(out.bytes());
  }
  if (const Dict* dict = value.as_dict()) {
    Text out = repr_of_items(dict->items());
    return value.source() == kNoSource ? out : from(out.bytes());
  }
  return from(fmt::format("<{}>", type_name(value)));  // Python writes an address: no template can mean it
}

}  // namespace understudy::jinja
