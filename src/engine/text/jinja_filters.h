// The filters of Jinja that chat templates use (value | name(arguments)). Pure but for what the evaluator counts.
#pragma once

#include <string_view>

#include "engine/text/jinja_value.h"

namespace understudy::jinja {

bool is_filter(std::string_view name);
// Throws through evaluator.fail() for a wrong argument.
Value apply_filter(Evaluator& evaluator, std::string_view name, const Value& value, CallArguments arguments);

// "%s of %d" % values, for conversions s, r, d, i, f and %.
Text printf_style(Evaluator& evaluator, const Text& format, const Value& values);

}  // namespace understudy::jinja
