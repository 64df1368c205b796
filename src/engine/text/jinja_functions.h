// The global functions of a chat template: range, namespace, dict, raise_exception. strftime_now stands apart, because
// it needs a clock.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/text/jinja_value.h"

namespace understudy::jinja {

std::vector<std::pair<std::string, Value>> global_functions();

// strftime_now(format): local time `seconds` after 1970, in C's strftime formats.
Value strftime_function(int64_t seconds);

}  // namespace understudy::jinja
