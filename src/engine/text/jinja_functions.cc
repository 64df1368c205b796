#include "engine/text/jinja_functions.h"

#include <fmt/format.h>

#include <ctime>

#include "base/error.h"
#include "engine/text/jinja_evaluator.h"

namespace understudy::jinja {

namespace {

constexpr Integer kRangeLimit = 100'000;  // as in Jinja's sandbox

Value range(Evaluator& e, CallArguments& a) {
  const size_t n = a.positional.size();
  if (n < 1 || n > 3 || !a.named.empty()) e.fail("range: expected one to three whole numbers");
  const Integer begin = n == 1 ? 0 : e.need_integer(a.positional[0], "range");
  const Integer end = e.need_integer(a.positional[n == 1 ? 0 : 1], "range");
  const Integer step = n == 3 ? e.need_integer(a.positional[2], "range") : 1;
  if (step == 0) e.fail("range: the step is zero");
  for (const Integer number : {begin, end, step}) {
    if (number > INT64_MAX || number < INT64_MIN) e.fail("range: a number is too large");
  }
  const Integer count = step > 0 ? (end - begin + step - 1) / step : (begin - end - step - 1) / -step;
  if (count > kRangeLimit) e.fail(fmt::format("range: more than {} numbers", to_string(kRangeLimit)));
  List list;
  for (Integer i = 0; i < count; ++i) list.items.emplace_back(begin + i * step);
  return e.made(std::move(list));
}

Value make_dict(Evaluator& e, CallArguments& a) {
  if (a.positional.size() > 1) e.fail("dict: expected one dict at most, and names");
  Dict dict;
  if (!a.positional.empty()) {
    const Dict* given = a.positional[0].as_dict();
    if (given == nullptr) e.fail("dict: expected a dict");
    dict = *given;
  }
  for (auto& [name, value] : a.named) dict.set(Value::text(name), std::move(value));
  e.step(dict.items().size());
  return dict;
}

Value make_namespace(Evaluator& e, CallArguments& a) {
  auto space = e.make_namespace();
  if (a.positional.size() > 1) e.fail("namespace: expected one dict at most, and names");
  if (!a.positional.empty()) {
    const Dict* given = a.positional[0].as_dict();
    if (given == nullptr) e.fail("namespace: expected a dict");
    for (const auto& [key, value] : given->items()) space->members.emplace_back(e.text_of(key).bytes(), value);
  }
  for (auto& [name, value] : a.named) space->members.emplace_back(name, std::move(value));
  return space;
}

Value raise_exception(Evaluator& e, CallArguments& a) {
  const std::string message = a.positional.empty() ? "" : e.text_of(a.positional[0]).bytes();
  throw Error(ErrorCode::kInvalidInput, "the chat template refuses these messages: " + message);
}

}  // namespace

std::vector<std::pair<std::string, Value>> global_functions() {
  return {{"range", Function{"range", range}},
          {"dict", Function{"dict", make_dict}},
          {"namespace", Function{"namespace", make_namespace}},
          {"raise_exception", Function{"raise_exception", raise_exception}}};
}

Value strftime_function(int64_t seconds) {
  return Function{
      "strftime_now", [seconds](Evaluator& e, CallArguments& a) -> Value {
        const Value format = a.take_or(0, "format", Undefined{"strftime_now needs a format"});
        const std::string& pattern = e.need_text(format, "strftime_now").bytes();
        if (pattern.size() > 200) e.fail("strftime_now: the format is longer than 200 bytes");
        const std::time_t now = seconds;
        std::tm local{};
        localtime_r(&now, &local);
        char buffer[4096];
        return Value::text(std::string_view(buffer, std::strftime(buffer, sizeof buffer, pattern.c_str(), &local)));
      }};
}

}  // namespace understudy::jinja
