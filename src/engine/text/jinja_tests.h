// The tests of Jinja (value is name). Pure.
#pragma once

#include <string_view>

#include "engine/text/jinja_value.h"

namespace understudy::jinja {

bool is_test(std::string_view name);
// Throws through evaluator.fail() for a wrong argument.
bool apply_test(Evaluator& evaluator, std::string_view name, const Value& value, CallArguments arguments);

}  // namespace understudy::jinja
