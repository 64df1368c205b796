// From a template's source to its tree. Refuses what the evaluator could not do, naming construct and line: unknown
// statements, filters and tests are found here, before anything is rendered. Pure function.
#pragma once

#include <string_view>

#include "engine/text/jinja_ast.h"

namespace understudy::jinja {

// Throws kInvalidInput: "chat template:12: the filter \"pprint\" is not supported".
Body parse(std::string_view source);

}  // namespace understudy::jinja
