// JSON lines from a stream, one after the other, so that results flow while input still comes.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "base/json_fwd.h"

namespace understudy::cli {

// Calls `use` with every line that is not blank; `where` is "stdin:3". Throws kInvalidInput naming the line that is no
// JSON.
void for_each_json_line(std::istream& input,
                        const std::function<void(const Json& line, const std::string& where)>& use);

}  // namespace understudy::cli
