#include "engine/text/jinja_tests.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/utf8.h"
#include "engine/text/jinja_evaluator.h"
#include "engine/text/jinja_filters.h"

namespace understudy::jinja {

namespace {

using Check = bool (*)(Evaluator&, const Value&, CallArguments&);

Value argument(Evaluator& evaluator, CallArguments& arguments, std::string_view name) {
  auto value = arguments.take(0, name);
  if (!value) evaluator.fail(fmt::format("a test needs the argument {}", name));
  return *std::move(value);
}

template <class Holds>
bool ordered(Evaluator& evaluator, const Value& value, CallArguments& arguments, Holds holds) {
  const Value other = argument(evaluator, arguments, "other");
  const auto order = compare(value, other);
  if (!order) evaluator.fail(fmt::format("{} and {} have no order", type_name(value), type_name(other)));
  return holds(*order);
}

// Python's str.isupper() and islower(): at least one cased character, and all of them of that case.
bool all_cased(Evaluator& evaluator, const Value& value, bool upper_case) {
  const Text text = evaluator.text_of(value);
  const std::string changed = (upper_case ? upper(text) : lower(text)).bytes();
  if (changed != text.bytes()) return false;
  size_t position = 0;
  while (position < text.size()) {
    if (is_cased(next_code_point(text.bytes(), position))) return true;
  }
  return false;
}

bool is_sequence(const Value& value) {
  return value.is_text() || value.is_list() || value.is_dict() || value.is_undefined();
}

bool is_same(Evaluator& evaluator, const Value& a, const Value& b) {
  if (a.is<bool>() != b.is<bool>() || a.data().index() != b.data().index()) return false;
  if (a.is_list()) return a.as_list() == b.as_list();
  if (a.is_dict()) return a.as_dict() == b.as_dict();
  return evaluator.same(a, b);
}

const std::map<std::string_view, Check>& checks() {
  static const std::map<std::string_view, Check> table = [] {
    std::map<std::string_view, Check> t;
    t["defined"] = [](Evaluator&, const Value& v, CallArguments&) { return !v.is_undefined(); };
    t["undefined"] = [](Evaluator&, const Value& v, CallArguments&) { return v.is_undefined(); };
    t["none"] = [](Evaluator&, const Value& v, CallArguments&) { return v.is_none(); };
    t["boolean"] = [](Evaluator&, const Value& v, CallArguments&) { return v.is<bool>(); };
    t["true"] = [](Evaluator&, const Value& v, CallArguments&) { return v.is<bool>() && is_true(v); };
    t["false"] = [](Evaluator&, const Value& v, CallArguments&) { return v.is<bool>() && !is_true(v); };
    t["integer"] = [](Evaluator&, const Value& v, CallArguments&) { return v.is<Integer>(); };
    t["float"] = [](Evaluator&, const Value& v, CallArguments&) { return v.is<double>(); };
    t["number"] = [](Evaluator&, const Value& v, CallArguments&) { return v.is_number(); };
    t["string"] = [](Evaluator&, const Value& v, CallArguments&) { return v.is_text(); };
    t["mapping"] = [](Evaluator&, const Value& v, CallArguments&) { return v.is_dict(); };
    t["iterable"] = [](Evaluator&, const Value& v, CallArguments&) { return is_sequence(v); };
    t["sequence"] = t["iterable"];
    t["callable"] = [](Evaluator&, const Value& v, CallArguments&) { return v.as_function() != nullptr; };
    t["escaped"] = [](Evaluator&, const Value&, CallArguments&) { return false; };
    t["odd"] = [](Evaluator& e, const Value& v, CallArguments&) { return e.need_integer(v, "odd") % 2 != 0; };
    t["even"] = [](Evaluator& e, const Value& v, CallArguments&) { return e.need_integer(v, "even") % 2 == 0; };
    t["divisibleby"] = [](Evaluator& e, const Value& v, CallArguments& a) {
      const Integer divisor = e.need_integer(argument(e, a, "num"), "divisibleby");
      if (divisor == 0) e.fail("division by zero");
      return e.need_integer(v, "divisibleby") % divisor == 0;
    };
    t["upper"] = [](Evaluator& e, const Value& v, CallArguments&) { return all_cased(e, v, true); };
    t["lower"] = [](Evaluator& e, const Value& v, CallArguments&) { return all_cased(e, v, false); };
    t["in"] = [](Evaluator& e, const Value& v, CallArguments& a) { return e.contains(argument(e, a, "seq"), v); };
    t["sameas"] = [](Evaluator& e, const Value& v, CallArguments& a) { return is_same(e, v, argument(e, a, "other")); };
    t["filter"] = [](Evaluator& e, const Value& v, CallArguments&) {
      return is_filter(e.need_text(v, "filter").bytes());
    };
    t["test"] = [](Evaluator& e, const Value& v, CallArguments&) { return is_test(e.need_text(v, "test").bytes()); };
    t["eq"] = t["equalto"] = [](Evaluator& e, const Value& v, CallArguments& a) {
      return e.same(v, argument(e, a, "other"));
    };
    t["ne"] = [](Evaluator& e, const Value& v, CallArguments& a) { return !e.same(v, argument(e, a, "other")); };
    t["lt"] = t["lessthan"] = [](Evaluator& e, const Value& v, CallArguments& a) {
      return ordered(e, v, a, [](int order) { return order < 0; });
    };
    t["le"] = [](Evaluator& e, const Value& v, CallArguments& a) {
      return ordered(e, v, a, [](int order) { return order <= 0; });
    };
    t["gt"] = t["greaterthan"] = [](Evaluator& e, const Value& v, CallArguments& a) {
      return ordered(e, v, a, [](int order) { return order > 0; });
    };
    t["ge"] = [](Evaluator& e, const Value& v, CallArguments& a) {
      return ordered(e, v, a, [](int order) { return order >= 0; });
    };
    for (const auto& [sign, name] :
         {std::pair("==", "eq"), {"!=", "ne"}, {"<", "lt"}, {"<=", "le"}, {">", "gt"}, {">=", "ge"}}) {
      t[sign] = t[name];
    }
    return t;
  }();
  return table;
}

}  // namespace

bool is_test(std::string_view name) {
  return checks().count(name) != 0;
}

bool apply_test(Evaluator& evaluator, std::string_view name, const Value& value, CallArguments arguments) {
  const auto check = checks().find(name);
  if (check == checks().end()) evaluator.fail(fmt::format("the test \"{}\" is not supported", name));
  evaluator.step();
  const bool holds = check->second(evaluator, value, arguments);
  const std::string extra = arguments.left_over(1);
  if (!extra.empty()) evaluator.fail(fmt::format("is {}: {} is not expected", name, extra));
  return holds;
}

}  // namespace understudy::jinja
