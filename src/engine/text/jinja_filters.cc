// Above 400 lines: some forty filters of a few lines each, in one table.
#include "engine/text/jinja_filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "base/utf8.h"
#include "engine/text/jinja_evaluator.h"
#include "engine/text/jinja_json.h"
#include "engine/text/jinja_tests.h"

namespace understudy::jinja {

namespace {

using Run = Value (*)(Evaluator&, const Value&, CallArguments&);
struct Row {
  Run run;
  size_t n_arguments;  // positional ones at most
};

// Text.

Value trim(Evaluator& e, const Value& v, CallArguments& a) {
  const Text text = e.text_of(v);
  const Value characters = a.take_or(0, "chars", None{});
  std::function<bool(char32_t)> drop = is_space;
  if (!characters.is_none()) {
    drop = [set = to_code_points(e.need_text(characters, "trim").bytes())](char32_t c) {
      return std::find(set.begin(), set.end(), c) != set.end();
    };
  }
  const TextSpan kept = stripped(text.bytes(), drop, true, true);
  return e.made(text.part(kept.begin, kept.end));
}

Value replace(Evaluator& e, const Value& v, CallArguments& a) {
  const Text text = e.text_of(v);
  const Text from = to_text(a.take_or(0, "old", Undefined{}));
  const Text to = to_text(a.take_or(1, "new", Undefined{}));
  const Value limit = a.take_or(2, "count", None{});
  const Integer times = limit.is_none() ? -1 : e.need_integer(limit, "replace");
  return e.replaced(text, from, to, times);
}

// Jinja's own title: words begin after white space and after - ( { [ <.
Value title(Evaluator& e, const Value& v, CallArguments&) {
  bool inside = false;
  return e.made(map_characters(e.text_of(v), [&](std::string& out, char32_t c) {
    const bool separates = is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    inside ? append_lower(out, c) : append_upper(out, c);
    inside = !separates;
  }));
}

Value indent(Evaluator& e, const Value& v, CallArguments& a) {
  const Value width = a.take_or(0, "width", Value::integer(4));
  const bool first = is_true(a.take_or(1, "first", false));
  const bool blank = is_true(a.take_or(2, "blank", false));
  Text margin;
  if (const Text* text = width.as_text()) {
    margin = *text;
  } else {
    const Integer n = std::clamp<Integer>(e.need_integer(width, "indent"), 0, 1000);
    margin = Text(std::string(static_cast<size_t>(n), ' '));
  }
  Text text = e.text_of(v);
  text.append("\n");
  const std::vector<Text> lines = split_lines(text);
  e.count(text.size() + lines.size() * margin.size());
  Text out;
  if (first) out.append(margin);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.append("\n");
    if (i > 0 && (blank || !lines[i].empty())) out.append(margin);
    out.append(lines[i]);
  }
  return out;
}

Value escape(Evaluator& e, const Value& v, CallArguments&) {
  return e.made(map_characters(e.text_of(v), [](std::string& out, char32_t c) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        append_utf8(out, c);
    }
  }));
}

Value tojson(Evaluator& e, const Value& v, CallArguments& a) {
  JsonStyle style;
  style.ensure_ascii = is_true(a.take_or(0, "ensure_ascii", false));
  const Value indent_value = a.take_or(1, "indent", None{});
  const Value separators = a.take_or(2, "separators", None{});
  style.sort_keys = is_true(a.take_or(3, "sort_keys", false));
  if (const Text* text = indent_value.as_text()) {
    style.indent = text->bytes();
  } else if (!indent_value.is_none()) {
    const Integer n = std::clamp<Integer>(e.need_integer(indent_value, "tojson: indent"), 0, 100);
    style.indent = std::string(static_cast<size_t>(n), ' ');
  }
  if (style.indent) style.item_separator = ",";
  if (!separators.is_none()) {
    const auto pair = e.iterate(separators);
    if (pair->items.size() != 2) e.fail("tojson: separators: expected two strings");
    style.item_separator = e.need_text(pair->items[0], "tojson: separators").bytes();
    style.key_separator = e.need_text(pair->items[1], "tojson: separators").bytes();
  }
  return to_json(e, v, style);
}

// Numbers.

std::optional<Integer> parsed_integer(std::string_view text, Integer base) {
  const TextSpan inside = stripped(text, is_space, true, true);
  text = text.substr(inside.begin, inside.end - inside.begin);
  const bool negative = !text.empty() && text.front() == '-';
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  if (text.empty() || text.size() > 30) return std::nullopt;
  Integer value = 0;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9'
                          ? c - '0'
                          : (c >= 'a' && c <= 'z' ? c - 'a' + 10 : (c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99));
    if (digit >= base || value > (Integer{1} << 100)) return std::nullopt;
    value = value * base + digit;
  }
  return negative ? -value : value;
}

std::optional<double> parsed_float(const std::string& text) {
  const TextSpan inside = stripped(text, is_space, true, true);
  const std::string trimmed = text.substr(inside.begin, inside.end - inside.begin);
  if (trimmed.empty() || trimmed.find_first_of("xXpP()") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(trimmed.c_str(), &end);
  return end == trimmed.c_str() + trimmed.size() ? std::optional(value) : std::nullopt;
}

std::optional<Integer> whole(double value) {
  if (!std::isfinite(value) || std::abs(value) > 1e37) return std::nullopt;
  return static_cast<Integer>(std::trunc(value));
}

Value to_int(Evaluator& e, const Value& v, CallArguments& a) {
  const Value fallback = a.take_or(0, "default", Value::integer(0));
  const Integer base = std::clamp<Integer>(e.need_integer(a.take_or(1, "base", Value::integer(10)), "int"), 2, 36);
  if (const auto number = v.as_integer()) return *number;
  if (const auto number = v.as_double()) {
    const auto value = whole(*number);
    return value ? Value(*value) : fallback;
  }
  const Text* text = v.as_text();
  if (text == nullptr) return fallback;
  if (const auto number = parsed_integer(text->bytes(), base)) return *number;
  if (const auto number = parsed_float(text->bytes())) {
    if (const auto value = whole(*number)) return *value;
  }
  return fallback;
}

Value to_float(Evaluator&, const Value& v, CallArguments& a) {
  const Value fallback = a.take_or(0, "default", 0.0);
  if (const auto number = v.as_double()) return *number;
  const auto number = v.is_text() ? parsed_float(v.as_text()->bytes()) : std::nullopt;
  return number ? Value(*number) : fallback;
}

Value rounded(Evaluator& e, const Value& v, CallArguments& a) {
  const Integer precision =
      std::clamp<Integer>(e.need_integer(a.take_or(0, "precision", Value::integer(0)), "round"), -30, 30);
  const std::string method = to_text(a.take_or(1, "method", Value::text("common"))).bytes();
  if (!v.is_number()) e.fail(fmt::format("round: expected a number, got {}", type_name(v)));
  const double value = *v.as_double();
  if (method == "common") {
    if (precision >= 0 && v.as_integer()) return *v.as_integer();
    if (precision < 0) e.fail("round: a negative precision is not supported");
    if (!std::isfinite(value)) return value;
    return std::strtod(fmt::format("{:.{}f}", value, static_cast<int>(precision)).c_str(), nullptr);
  }
  if (method != "ceil" && method != "floor") e.fail(fmt::format("round: the method \"{}\" is not known", method));
  const double scale = std::pow(10.0, static_cast<double>(precision));
  return (method == "ceil" ? std::ceil(value * scale) : std::floor(value * scale)) / scale;
}

Value absolute(Evaluator& e, const Value& v, CallArguments&) {
  if (const auto number = v.as_integer()) return *number < 0 ? -*number : *number;
  if (const auto number = v.as_double()) return std::abs(*number);
  e.fail(fmt::format("abs: expected a number, got {}", type_name(v)));
}

// Lists.

Value length(Evaluator& e, const Value& v, CallArguments&) {
  if (const Text* text = v.as_text()) return Value::integer(static_cast<int64_t>(count_code_points(text->bytes())));
  if (const Dict* dict = v.as_dict()) return Value::integer(static_cast<int64_t>(dict->items().size()));
  if (const List* list = v.as_list()) return Value::integer(static_cast<int64_t>(list->items.size()));
  if (v.is_undefined()) return Value::integer(0);
  e.fail(fmt::format("length: {} has none", type_name(v)));
}

// The member of an item that "a.b.0" names.
Value member(Evaluator& e, const Value& item, const Value& path) {
  if (path.as_integer()) return e.item(item, path);
  const std::string& names = e.need_text(path, "attribute").bytes();
  Value value = item;
  for (size_t begin = 0; begin <= names.size();) {
    const size_t end = std::min(names.find('.', begin), names.size());
    const std::string name = names.substr(begin, end - begin);
    const bool number = !name.empty() && name.size() < 10 && name.find_first_not_of("0123456789") == std::string::npos;
    value = e.item(value, number ? Value::integer(std::stoll(name)) : Value::text(name));
    begin = end + 1;
  }
  return value;
}

Value join(Evaluator& e, const Value& v, CallArguments& a) {
  const Text separator = to_text(a.take_or(0, "d", Value::text("")));
  const Value path = a.take_or(1, "attribute", None{});
  const auto items = e.iterate(v);
  Text out;
  for (size_t i = 0; i < items->items.size(); ++i) {
    e.count(separator.size());
    if (i > 0) out.append(separator);
    out.append(e.text_of(path.is_none() ? items->items[i] : member(e, items->items[i], path)));
  }
  return out;
}

Value first(Evaluator& e, const Value& v, CallArguments&) {
  const auto items = e.iterate(v);
  return items->items.empty() ? Value(Undefined{"No first item, sequence was empty."}) : items->items.front();
}

Value last(Evaluator& e, const Value& v, CallArguments&) {
  const auto items = e.iterate(v);
  return items->items.empty() ? Value(Undefined{"No last item, sequence was empty."}) : items->items.back();
}

Value list_of(Evaluator& e, const Value& v, CallArguments&) {
  List list = *e.iterate(v);
  list.is_tuple = false;
  return e.made(std::move(list));
}

Value reversed(Evaluator& e, const Value& v, CallArguments&) {
  if (const Text* text = v.as_text()) {
    const std::vector<size_t> starts = character_starts(text->bytes());
    Text out;
    for (size_t i = starts.size() - 1; i > 0; --i) out.append(text->part(starts[i - 1], starts[i]));
    return e.made(std::move(out));
  }
  List list = *e.iterate(v);
  list.is_tuple = false;
  std::reverse(list.items.begin(), list.items.end());
  return e.made(std::move(list));
}

Value pair_of(const Value& key, const Value& value) {
  List pair;
  pair.is_tuple = true;
  pair.items = {key, value};
  return pair;
}

Value items_of(Evaluator& e, const Value& v, CallArguments&) {
  List list;
  if (v.is_undefined()) return list;
  const Dict* dict = v.as_dict();
  if (dict == nullptr) e.fail(fmt::format("items: expected a dict, got {}", type_name(v)));
  for (const auto& [key, value] : dict->items()) list.items.push_back(pair_of(key, value));
  return e.made(std::move(list));
}

Value sort_key(const Value& value, bool case_sensitive) {
  return value.is_text() && !case_sensitive ? Value(lower(*value.as_text())) : value;
}

// Stable, by key; says which two types have no order.
void sort_by_key(Evaluator& e, std::vector<std::pair<Value, Value>>& keyed, bool reverse) {
  for (const auto& [key, value] : keyed) e.step(8 + key.extent().weight / 16);
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    const auto order = compare(a.first, b.first);
    if (!order) e.fail(fmt::format("sort: {} and {} have no order", type_name(a.first), type_name(b.first)));
    return reverse ? *order > 0 : *order < 0;
  });
}

Value values_of(Evaluator& e, std::vector<std::pair<Value, Value>> keyed) {
  List list;
  for (auto& [key, value] : keyed) list.items.push_back(std::move(value));
  return e.made(std::move(list));
}

Value sorted(Evaluator& e, const Value& v, CallArguments& a) {
  const bool reverse = is_true(a.take_or(0, "reverse", false));
  const bool case_sensitive = is_true(a.take_or(1, "case_sensitive", false));
  const Value path = a.take_or(2, "attribute", None{});
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : e.iterate(v)->items) {
    keyed.emplace_back(sort_key(path.is_none() ? item : member(e, item, path), case_sensitive), item);
  }
  sort_by_key(e, keyed, reverse);
  return values_of(e, std::move(keyed));
}

Value dictsort(Evaluator& e, const Value& v, CallArguments& a) {
  const bool case_sensitive = is_true(a.take_or(0, "case_sensitive", false));
  const std::string by = to_text(a.take_or(1, "by", Value::text("key"))).bytes();
  const bool reverse = is_true(a.take_or(2, "reverse", false));
  const Dict* dict = v.as_dict();
  if (dict == nullptr) e.fail(fmt::format("dictsort: expected a dict, got {}", type_name(v)));
  if (by != "key" && by != "value") e.fail("dictsort: expected by=\"key\" or by=\"value\"");
  std::vector<std::pair<Value, Value>> keyed;
  for (const auto& [key, value] : dict->items()) {
    keyed.emplace_back(sort_key(by == "key" ? key : value, case_sensitive), pair_of(key, value));
  }
  sort_by_key(e, keyed, reverse);
  return values_of(e, std::move(keyed));
}

Value unique(Evaluator& e, const Value& v, CallArguments& a) {
  const bool case_sensitive = is_true(a.take_or(0, "case_sensitive", false));
  const Value path = a.take_or(1, "attribute", None{});
  Dict seen;
  List list;
  for (const Value& item : e.iterate(v)->items) {
    const Value key = sort_key(path.is_none() ? item : member(e, item, path), case_sensitive);
    if (!is_hashable(key)) e.fail(fmt::format("unique: {} cannot be compared so", type_name(key)));
    if (seen.find(key) != nullptr) continue;
    seen.set(key, true);
    list.items.push_back(item);
  }
  return e.made(std::move(list));
}

Value extreme(Evaluator& e, const Value& v, CallArguments& a, int sign) {
  const bool case_sensitive = is_true(a.take_or(0, "case_sensitive", false));
  const Value path = a.take_or(1, "attribute", None{});
  Value best = Undefined{"No aggregated item, sequence was empty."};
  Value best_key;
  for (const Value& item : e.iterate(v)->items) {
    Value key = sort_key(path.is_none() ? item : member(e, item, path), case_sensitive);
    const auto order = best.is_undefined() ? std::optional(sign) : compare(key, best_key);
    if (!order) e.fail(fmt::format("{} and {} have no order", type_name(key), type_name(best_key)));
    if (best.is_undefined() || *order * sign > 0) {
      best = item;
      best_key = std::move(key);
    }
  }
  return best;
}

Value sum(Evaluator& e, const Value& v, CallArguments& a) {
  const Value path = a.take_or(0, "attribute", None{});
  Value total = a.take_or(1, "start", Value::integer(0));
  for (const Value& item : e.iterate(v)->items) total = e.add(total, path.is_none() ? item : member(e, item, path));
  return total;
}

// The arguments after the first `n`, names included: what map and select hand on.
CallArguments rest_of(CallArguments& a, size_t n) {
  CallArguments rest;
  for (size_t i = n; i < a.positional.size(); ++i) rest.positional.push_back(a.positional[i]);
  rest.named = std::move(a.named);
  a = {};
  return rest;
}

Value map(Evaluator& e, const Value& v, CallArguments& a) {
  const auto items = e.iterate(v);
  List list;
  if (a.positional.empty()) {
    const Value path = a.take_or(SIZE_MAX, "attribute", Undefined{"map needs a filter or an attribute"});
    const std::optional<Value> fallback = a.take(SIZE_MAX, "default");
    if (path.is_undefined()) e.fail("map: expected a filter's name or attribute=...");
    for (const Value& item : items->items) {
      Value value = member(e, item, path);
      list.items.push_back(value.is_undefined() && fallback ? *fallback : std::move(value));
    }
    return e.made(std::move(list));
  }
  const std::string name = e.need_text(a.positional.front(), "map").bytes();
  const CallArguments rest = rest_of(a, 1);
  for (const Value& item : items->items) list.items.push_back(apply_filter(e, name, item, rest));
  return e.made(std::move(list));
}

// select, reject, selectattr, rejectattr: items for which a test (none: truth) holds, or does not.
Value selected(Evaluator& e, const Value& v, CallArguments& a, bool keep, bool by_member) {
  const auto items = e.iterate(v);
  const size_t n_path = by_member ? 1 : 0;
  if (a.positional.size() < n_path) e.fail("expected an attribute's name");
  const Value path = by_member ? a.positional.front() : Value();
  const bool has_test = a.positional.size() > n_path;
  const std::string test = has_test ? e.need_text(a.positional[n_path], "a test's name").bytes() : "";
  const CallArguments rest = rest_of(a, n_path + 1);
  List list;
  for (const Value& item : items->items) {
    const Value value = by_member ? member(e, item, path) : item;
    if ((has_test ? apply_test(e, test, value, rest) : is_true(value)) == keep) list.items.push_back(item);
  }
  return e.made(std::move(list));
}

Value default_of(Evaluator&, const Value& v, CallArguments& a) {
  Value fallback = a.take_or(0, "default_value", Value::text(""));
  const bool also_false = is_true(a.take_or(1, "boolean", false));
  return v.is_undefined() || (also_false && !is_true(v)) ? std::move(fallback) : v;
}

Value attribute_of(Evaluator& e, const Value& v, CallArguments& a) {
  return e.attribute(v, e.need_text(a.take_or(0, "name", Undefined{"attr needs a name"}), "attr").bytes());
}

Value format(Evaluator& e, const Value& v, CallArguments& a) {
  List values;
  values.is_tuple = true;
  values.items = std::move(a.positional);
  a.positional.clear();
  return e.made(printf_style(e, e.text_of(v), values));
}

const std::map<std::string_view, Row>& rows() {
  static const std::map<std::string_view, Row> table = [] {
    std::map<std::string_view, Row> t;
    t["trim"] = {trim, 1};
    t["replace"] = {replace, 3};
    t["title"] = {title, 0};
    t["indent"] = {indent, 3};
    t["escape"] = t["e"] = {escape, 0};
    t["tojson"] = {tojson, 4};
    t["upper"] = {[](Evaluator& e, const Value& v, CallArguments&) -> Value { return e.made(upper(e.text_of(v))); }, 0};
    t["lower"] = {[](Evaluator& e, const Value& v, CallArguments&) -> Value { return e.made(lower(e.text_of(v))); }, 0};
    t["capitalize"] = {
        [](Evaluator& e, const Value& v, CallArguments&) -> Value { return e.made(capitalized(e.text_of(v))); }, 0};
    t["string"] = {[](Evaluator& e, const Value& v, CallArguments&) -> Value { return e.text_of(v); }, 0};
    t["safe"] = t["string"];
    t["format"] = {format, SIZE_MAX};
    t["int"] = {to_int, 2};
    t["float"] = {to_float, 1};
    t["round"] = {rounded, 2};
    t["abs"] = {absolute, 0};
    t["length"] = t["count"] = {length, 0};
    t["join"] = {join, 2};
    t["first"] = {first, 0};
    t["last"] = {last, 0};
    t["list"] = {list_of, 0};
    t["reverse"] = {reversed, 0};
    t["items"] = {items_of, 0};
    t["sort"] = {sorted, 3};
    t["dictsort"] = {dictsort, 3};
    t["unique"] = {unique, 2};
    t["min"] = {[](Evaluator& e, const Value& v, CallArguments& a) { return extreme(e, v, a, -1); }, 2};
    t["max"] = {[](Evaluator& e, const Value& v, CallArguments& a) { return extreme(e, v, a, 1); }, 2};
    t["sum"] = {sum, 2};
    t["map"] = {map, SIZE_MAX};
    t["select"] = {[](Evaluator& e, const Value& v, CallArguments& a) { return selected(e, v, a, true, false); },
                   SIZE_MAX};
    t["reject"] = {[](Evaluator& e, const Value& v, CallArguments& a) { return selected(e, v, a, false, false); },
                   SIZE_MAX};
    t["selectattr"] = {[](Evaluator& e, const Value& v, CallArguments& a) { return selected(e, v, a, true, true); },
                       SIZE_MAX};
    t["rejectattr"] = {[](Evaluator& e, const Value& v, CallArguments& a) { return selected(e, v, a, false, true); },
                       SIZE_MAX};
    t["default"] = t["d"] = {default_of, 2};
    t["attr"] = {attribute_of, 1};
    return t;
  }();
  return table;
}

}  // namespace

bool is_filter(std::string_view name) {
  return rows().count(name) != 0;
}

Value apply_filter(Evaluator& evaluator, std::string_view name, const Value& value, CallArguments arguments) {
  const auto row = rows().find(name);
  if (row == rows().end()) evaluator.fail(fmt::format("the filter \"{}\" is not supported", name));
  evaluator.step();
  Value result = row->second.run(evaluator, value, arguments);
  const std::string extra = arguments.left_over(row->second.n_arguments);
  if (!extra.empty()) evaluator.fail(fmt::format("{}: {} is not expected", name, extra));
  return result;
}

Text printf_style(Evaluator& e, const Text& format, const Value& values) {
  const List* tuple = values.as_list();
  const bool several = tuple != nullptr && tuple->is_tuple;
  size_t next = 0;
  const auto take = [&]() -> Value {
    if (several ? next >= tuple->items.size() : next > 0) e.fail("%: not enough values for the format");
    return several ? tuple->items[next++] : (++next, values);
  };
  Text out;
  const std::string& bytes = format.bytes();
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != '%') {
      out.append(format.part(i, i + 1));
      continue;
    }
    const char conversion = ++i < bytes.size() ? bytes[i] : '\0';
    switch (conversion) {
      case '%':
        out.append("%");
        break;
      case 's':
        out.append(e.text_of(take()));
        break;
      case 'r': {
        const Value value = take();
        e.count(value.extent().weight);
        out.append(to_repr(value));
        break;
      }
      case 'd':
      case 'i': {
        const Value value = take();
        const auto number =
            value.as_integer() ? value.as_integer() : (value.as_double() ? whole(*value.as_double()) : std::nullopt);
        if (!number) e.fail("%d: expected a number");
        out.append(to_string(*number), value.source());
        break;
      }
      case 'f': {
        const Value value = take();
        if (!value.as_double()) e.fail("%f: expected a number");
        out.append(fmt::format("{:f}", *value.as_double()), value.source());
        break;
      }
      default:
        e.fail(fmt::format("%: the conversion '{}' is not supported", conversion));
    }
  }
  if (several ? next < tuple->items.size() : next == 0 && !values.is_dict())
    e.fail("%: more values than the format takes");
  return out;
}

}  // namespace understudy::jinja
