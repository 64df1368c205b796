// The methods of Python's strings, dicts and lists that chat templates call, and those of the variable loop. Those that
// change their object are refused, as the Python original's sandbox does.
#pragma once

#include <optional>
#include <string_view>

#include "engine/text/jinja_value.h"

namespace understudy::jinja {

// The method bound to its object; nothing where the object's type has none of that name. Throws where Python has one
// that is not supported here.
std::optional<Value> find_method(Evaluator& evaluator, const Value& object, std::string_view name);

}  // namespace understudy::jinja
