#include "cli/json_lines.h"

#include <fmt/format.h>

#include <istream>

#include "base/json.h"

namespace understudy::cli {

void for_each_json_line(std::istream& input,
                        const std::function<void(const Json& line, const std::string& where)>& use) {
  std::string line;
  for (int64_t number = 1; std::getline(input, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string where = fmt::format("stdin:{}", number);
    use(parse_json(line, where), where);
  }
}

}  // namespace understudy::cli
