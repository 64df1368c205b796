#include "engine/text/jinja_methods.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "base/utf8.h"
#include "engine/text/jinja_evaluator.h"

namespace understudy::jinja {

namespace {

using TextMethod = Value (*)(Evaluator&, const Text&, CallArguments&);

// Characters to strip: given ones, or white space.
std::function<bool(char32_t)> dropped(Evaluator& e, CallArguments& a) {
  const Value characters = a.take_or(0, "chars", None{});
  if (characters.is_none()) return is_space;
  const std::vector<char32_t> set = to_code_points(e.need_text(characters, "strip").bytes());
  return [set](char32_t c) { return std::find(set.begin(), set.end(), c) != set.end(); };
}

Value strip(Evaluator& e, const Text& text, CallArguments& a, bool left, bool right) {
  const TextSpan kept = stripped(text.bytes(), dropped(e, a), left, right);
  return e.made(text.part(kept.begin, kept.end));
}

Value split_at_space(Evaluator& e, const Text& text, Integer limit, bool from_right) {
  std::vector<std::pair<size_t, size_t>> words;  // all of them; joined again where the limit ends
  size_t begin = std::string::npos;
  for (size_t position = 0; position < text.size();) {
    const size_t at = position;
    const bool space = is_space(next_code_point(text.bytes(), position));
    if (!space && begin == std::string::npos) begin = at;
    if (space && begin != std::string::npos) words.emplace_back(std::exchange(begin, std::string::npos), at);
  }
  if (begin != std::string::npos) words.emplace_back(begin, text.size());
  const auto n = static_cast<Integer>(words.size());
  if (limit >= 0 && n > limit + 1) {
    const auto kept = static_cast<std::ptrdiff_t>(limit);
    if (from_right) {
      words.erase(words.begin(), words.end() - kept - 1);
      words.front().first = stripped(text.bytes(), is_space, true, false).begin;
    } else {
      words.resize(static_cast<size_t>(kept) + 1);
      words.back().second = stripped(text.bytes(), is_space, false, true).end;
    }
  }
  List list;
  for (const auto& [from, to] : words) list.items.emplace_back(text.part(from, to));
  return e.made(std::move(list));
}

Value split(Evaluator& e, const Text& text, CallArguments& a, bool from_right) {
  const Value separator = a.take_or(0, "sep", None{});
  const Integer limit = e.need_integer(a.take_or(1, "maxsplit", Value::integer(-1)), "maxsplit");
  e.count(text.size());
  if (separator.is_none()) return split_at_space(e, text, limit, from_right);
  const std::string& by = e.need_text(separator, "split").bytes();
  if (by.empty()) e.fail("split: the separator is empty");
  std::vector<size_t> cuts;
  if (from_right) {
    for (size_t end = text.size(); limit < 0 || static_cast<Integer>(cuts.size()) < limit;) {
      const size_t found = end < by.size() ? std::string::npos : text.bytes().rfind(by, end - by.size());
      if (found == std::string::npos) break;
      cuts.push_back(found);
      end = found;
    }
    std::reverse(cuts.begin(), cuts.end());
  } else {
    for (size_t found = text.bytes().find(by);
         found != std::string::npos && (limit < 0 || static_cast<Integer>(cuts.size()) < limit);
         found = text.bytes().find(by, found + by.size())) {
      cuts.push_back(found);
    }
  }
  List list;
  size_t begin = 0;
  for (const size_t cut : cuts) {
    list.items.emplace_back(text.part(begin, cut));
    begin = cut + by.size();
  }
  list.items.emplace_back(text.part(begin, text.size()));
  return e.made(std::move(list));
}

bool has_prefix(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}
bool has_suffix(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() && text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

// The argument of startswith and endswith: a string, or a tuple of which one has to fit.
template <class Fits>
Value any_fits(Evaluator& e, CallArguments& a, Fits fits) {
  const Value given = a.take_or(0, "", Undefined{"startswith and endswith need a string"});
  if (a.positional.size() > 1) e.fail("startswith and endswith with a start are not supported");
  if (const List* list = given.as_list(); list != nullptr && list->is_tuple) {
    return std::any_of(list->items.begin(), list->items.end(),
                       [&](const Value& v) { return fits(e.need_text(v, "startswith").bytes()); });
  }
  return fits(e.need_text(given, "startswith").bytes());
}

Value find(Evaluator& e, const Text& text, CallArguments& a, bool from_right) {
  const std::string& wanted = e.need_text(a.take_or(0, "", Undefined{"find needs a string"}), "find").bytes();
  if (a.positional.size() > 1) e.fail("find with a start is not supported");
  e.count(text.size() / 16);
  const size_t found = from_right ? text.bytes().rfind(wanted) : text.bytes().find(wanted);
  if (found == std::string::npos) return Value::integer(-1);
  return Value::integer(static_cast<int64_t>(count_code_points(std::string_view(text.bytes()).substr(0, found))));
}

Value count(Evaluator& e, const Text& text, CallArguments& a) {
  const std::string& wanted = e.need_text(a.take_or(0, "", Undefined{"count needs a string"}), "count").bytes();
  e.count(text.size() / 16);
  if (wanted.empty()) return Value::integer(static_cast<int64_t>(count_code_points(text.bytes())) + 1);
  int64_t n = 0;
  for (size_t at = text.bytes().find(wanted); at != std::string::npos;
       at = text.bytes().find(wanted, at + wanted.size()))
    ++n;
  return Value::integer(n);
}

Value replace(Evaluator& e, const Text& text, CallArguments& a) {
  const Value from = a.take_or(0, "old", Undefined{"replace needs two strings"});
  const Value to = a.take_or(1, "new", Undefined{"replace needs two strings"});
  const Integer limit = e.need_integer(a.take_or(2, "count", Value::integer(-1)), "replace");
  return e.replaced(text, e.need_text(from, "replace"), e.need_text(to, "replace"), limit);
}

Value join(Evaluator& e, const Text& text, CallArguments& a) {
  const auto items = e.iterate(a.take_or(0, "", Undefined{"join needs a list"}));
  Text out;
  for (size_t i = 0; i < items->items.size(); ++i) {
    const Text& part = e.need_text(items->items[i], "join");
    e.count(text.size() + part.size());
    if (i > 0) out.append(text);
    out.append(part);
  }
  return out;
}

// "{} and {name}".format(...): fields without conversions and format specifications.
Value format(Evaluator& e, const Text& text, CallArguments& a) {
  const std::string& bytes = text.bytes();
  Text out;
  size_t next = 0;
  for (size_t i = 0; i < bytes.size();) {
    const bool doubled = i + 1 < bytes.size() && bytes[i] == bytes[i + 1] && (bytes[i] == '{' || bytes[i] == '}');
    if (doubled || (bytes[i] != '{' && bytes[i] != '}')) {
      out.append(text.part(i, i + 1));
      i += doubled ? 2 : 1;
      continue;
    }
    const size_t close = bytes.find('}', i);
    if (bytes[i] == '}' || close == std::string::npos) e.fail("format: a single brace");
    const std::string field = bytes.substr(i + 1, close - i - 1);
    if (field.find_first_of("!:.[") != std::string::npos)
      e.fail(fmt::format("format: the field {{{}}} is not supported", field));
    const bool numbered =
        !field.empty() && field.find_first_not_of("0123456789") == std::string::npos && field.size() < 6;
    std::optional<Value> value;
    if (field.empty() || numbered) {
      const size_t index = field.empty() ? next++ : std::stoul(field);
      if (index < a.positional.size()) value = a.positional[index];
    } else {
      const auto found = std::find_if(a.named.begin(), a.named.end(), [&](const auto& n) { return n.first == field; });
      if (found != a.named.end()) value = found->second;
    }
    if (!value) e.fail(fmt::format("format: nothing was given for {{{}}}", field));
    out.append(e.text_of(*value));
    i = close + 1;
  }
  a = {};
  return e.made(std::move(out));
}

template <class Fits>
bool all_characters(const Text& text, Fits fits) {
  size_t position = 0;
  while (position < text.size()) {
    if (!fits(next_code_point(text.bytes(), position))) return false;
  }
  return !text.empty();
}

Value partition(Evaluator& e, const Text& text, CallArguments& a) {
  const Value by = a.take_or(0, "sep", Undefined{"partition needs a string"});
  const Text& separator = e.need_text(by, "partition");
  const size_t found = separator.empty() ? std::string::npos : text.bytes().find(separator.bytes());
  List parts;
  parts.is_tuple = true;
  if (found == std::string::npos) {
    parts.items = {text, Text(), Text()};
  } else {
    const size_t after = found + separator.size();
    parts.items = {text.part(0, found), text.part(found, after), text.part(after, text.size())};
  }
  return e.made(std::move(parts));
}

Value without_affix(Evaluator& e, const Text& text, CallArguments& a, bool suffix) {
  const Value given = a.take_or(0, "", Undefined{"removeprefix and removesuffix need a string"});
  const std::string& affix = e.need_text(given, "removeprefix").bytes();
  if (suffix) return has_suffix(text.bytes(), affix) ? text.part(0, text.size() - affix.size()) : text;
  return has_prefix(text.bytes(), affix) ? text.part(affix.size(), text.size()) : text;
}

Value lines(Evaluator& e, const Text& text, CallArguments&) {
  List list;
  for (Text& line : split_lines(text)) list.items.emplace_back(std::move(line));
  e.count(text.size());
  return e.made(std::move(list));
}

const std::map<std::string_view, TextMethod>& text_methods() {
  static const std::map<std::string_view, TextMethod> table = [] {
    std::map<std::string_view, TextMethod> t;
    t["strip"] = [](Evaluator& e, const Text& s, CallArguments& a) { return strip(e, s, a, true, true); };
    t["lstrip"] = [](Evaluator& e, const Text& s, CallArguments& a) { return strip(e, s, a, true, false); };
    t["rstrip"] = [](Evaluator& e, const Text& s, CallArguments& a) { return strip(e, s, a, false, true); };
    t["split"] = [](Evaluator& e, const Text& s, CallArguments& a) { return split(e, s, a, false); };
    t["rsplit"] = [](Evaluator& e, const Text& s, CallArguments& a) { return split(e, s, a, true); };
    t["splitlines"] = lines;
    t["partition"] = partition;
    t["startswith"] = [](Evaluator& e, const Text& s, CallArguments& a) {
      return any_fits(e, a, [&](const std::string& prefix) { return has_prefix(s.bytes(), prefix); });
    };
    t["endswith"] = [](Evaluator& e, const Text& s, CallArguments& a) {
      return any_fits(e, a, [&](const std::string& suffix) { return has_suffix(s.bytes(), suffix); });
    };
    t["removeprefix"] = [](Evaluator& e, const Text& s, CallArguments& a) { return without_affix(e, s, a, false); };
    t["removesuffix"] = [](Evaluator& e, const Text& s, CallArguments& a) { return without_affix(e, s, a, true); };
    t["upper"] = [](Evaluator& e, const Text& s, CallArguments&) -> Value { return e.made(upper(s)); };
    t["lower"] = [](Evaluator& e, const Text& s, CallArguments&) -> Value { return e.made(lower(s)); };
    t["title"] = [](Evaluator& e, const Text& s, CallArguments&) -> Value { return e.made(title_cased(s)); };
    t["capitalize"] = [](Evaluator& e, const Text& s, CallArguments&) -> Value { return e.made(capitalized(s)); };
    t["replace"] = replace;
    t["find"] = [](Evaluator& e, const Text& s, CallArguments& a) { return find(e, s, a, false); };
    t["rfind"] = [](Evaluator& e, const Text& s, CallArguments& a) { return find(e, s, a, true); };
    t["count"] = count;
    t["join"] = join;
    t["format"] = format;
    t["isspace"] = [](Evaluator&, const Text& s, CallArguments&) -> Value { return all_characters(s, is_space); };
    t["isdigit"] = [](Evaluator&, const Text& s, CallArguments&) -> Value {
      return all_characters(s, [](char32_t c) { return c >= '0' && c <= '9'; });
    };
    return t;
  }();
  return table;
}

// What Python's types have beside: using it is an error that says so, not a missing value.
bool is_other_method(const Value& object, std::string_view name) {
  static constexpr std::string_view kText[] = {
      "casefold", "center",    "encode",       "expandtabs", "format_map", "index",       "isalnum",   "isalpha",
      "isascii",  "isdecimal", "isidentifier", "islower",    "isnumeric",  "isprintable", "istitle",   "isupper",
      "ljust",    "maketrans", "rindex",       "rjust",      "rpartition", "swapcase",    "translate", "zfill"};
  static constexpr std::string_view kList[] = {"append", "clear",  "extend",  "insert",
                                               "pop",    "remove", "reverse", "sort"};
  static constexpr std::string_view kDict[] = {"clear", "fromkeys", "pop", "popitem", "setdefault", "update"};
  const auto in = [&](const auto& names) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
  };
  if (object.is_text()) return in(kText);
  if (object.is_list()) return !object.as_list()->is_tuple && in(kList);
  return object.is_dict() && in(kDict);
}

Value pair_of(const Value& first, const Value& second) {
  List pair;
  pair.is_tuple = true;
  pair.items = {first, second};
  return pair;
}

Value dict_view(Evaluator& e, const Dict& dict, std::string_view name) {
  List list;
  for (const auto& [key, value] : dict.items()) {
    if (name == "items") list.items.push_back(pair_of(key, value));
    if (name == "keys") list.items.push_back(key);
    if (name == "values") list.items.push_back(value);
  }
  return e.made(std::move(list));
}

Value dict_method(Evaluator& e, const Value& object, std::string_view name, CallArguments& a) {
  const Dict& dict = *object.as_dict();
  if (name == "copy") return object;
  if (name != "get") return dict_view(e, dict, name);
  const Value key = a.take_or(0, "", Undefined{});
  const Value fallback = a.take_or(1, "", None{});
  const Value* found = dict.find(key);
  return found != nullptr ? *found : fallback;
}

Value list_method(Evaluator& e, const Value& object, std::string_view name, CallArguments& a) {
  if (name == "copy") return object;
  const List& list = *object.as_list();
  const Value wanted = a.take_or(0, "", Undefined{});
  e.step(list.items.size());
  const auto same = [&](const Value& item) { return e.same(item, wanted); };
  if (name == "count") return Value::integer(std::count_if(list.items.begin(), list.items.end(), same));
  const auto found = std::find_if(list.items.begin(), list.items.end(), same);
  if (found == list.items.end()) e.fail(fmt::format("index: {} is not in the list", type_name(wanted)));
  return Value::integer(found - list.items.begin());
}

Value loop_cycle(Evaluator& e, const Loop& loop, CallArguments& a) {
  if (a.positional.empty()) e.fail("loop.cycle: no values were given");
  return a.positional[loop.index % a.positional.size()];
}

template <class Method>
Value bound(std::string name, size_t n_arguments, const Value& object, Method method) {
  return Function{name,
                  [name, n_arguments, method](Evaluator& e, CallArguments& a) {
                    Value result = method(e, a);
                    const std::string extra = a.left_over(n_arguments);
                    if (!extra.empty()) e.fail(fmt::format("{}: {} is not expected", name, extra));
                    return result;
                  },
                  object.extent()};
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::optional<Value> find_method(Evaluator& evaluator, const Value& object, std::string_view name) {
  const std::string word(name);
  if (object.is_text()) {
    const auto found = text_methods().find(name);
    if (found != text_methods().end()) {
      return bound(
          word, name == "replace" ? 3 : 2, object,
          [object, method = found->second](Evaluator& e, CallArguments& a) { return method(e, *object.as_text(), a); });
    }
  } else if (object.is_dict() && is_one_of(name, {"items", "keys", "values", "get", "copy"})) {
    return bound(word, 2, object,
                 [object, word](Evaluator& e, CallArguments& a) { return dict_method(e, object, word, a); });
  } else if (object.is_list() && is_one_of(name, {"index", "count", "copy"})) {
    return bound(word, 1, object,
                 [object, word](Evaluator& e, CallArguments& a) { return list_method(e, object, word, a); });
  } else if (object.as_loop() != nullptr && name == "cycle") {
    return bound(word, SIZE_MAX, object,
                 [object](Evaluator& e, CallArguments& a) { return loop_cycle(e, *object.as_loop(), a); });
  }
  const bool is_changed = object.as_loop() != nullptr && name == "changed";
  if (is_changed || is_other_method(object, name))
    evaluator.fail(fmt::format("the method {}.{} is not supported", type_name(object), name));
  return std::nullopt;
}

}  // namespace understudy::jinja
