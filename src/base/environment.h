// The only place that reads environment variables. Thread-safe as long as nobody sets them.
#pragma once

#include <optional>
#include <string>

namespace understudy {

std::optional<std::string> environment(const std::string& name);  // nothing when unset or empty

bool wants_color(int descriptor);    // a terminal, and neither NO_COLOR nor TERM=dumb
bool is_terminal(int descriptor);
int terminal_width(int descriptor);  // columns; 100 where there is no terminal

}  // namespace understudy
