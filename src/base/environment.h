// The only place that reads environment variables. Thread-safe as long as nobody sets them.
#pragma once

#include <optional>
#include <string>

namespace understudy {

std::optional<std::string> environment(const std::string& name);  // nothing when unset or empty

// For settings that a library reads while it is loaded: where the variable (and OMP_WAIT_POLICY) is unset, sets it and
// starts this program again in this process, under the same name. Returns where it is set, or where the program cannot
// be found. Before threads exist.
void start_again_with_default(const char* name, const char* value, char** argv);

bool wants_color(int descriptor);  // a terminal, and neither NO_COLOR nor TERM=dumb
bool is_terminal(int descriptor);
int terminal_width(int descriptor);  // columns; 100 where there is no terminal

}  // namespace understudy
