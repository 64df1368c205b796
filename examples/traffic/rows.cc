#include "traffic/rows.h"

#include <fmt/format.h>

#include <sstream>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"

namespace understudy::examples {

std::vector<KnownAnswer> read_known_answers(const std::filesystem::path& path) {
  std::istringstream lines(read_file(path));
  std::vector<KnownAnswer> rows;
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.empty()) continue;
    const std::string where = fmt::format("{}:{}", path.string(), number);
    const Json row = parse_json(line, where);
    const bool is_labelled = row.is_object() && row.contains("input") && row["input"].is_string() &&
                             row.contains("output") && row["output"].is_string();
    if (!is_labelled) throw Error(ErrorCode::kInvalidInput, where + ": expected the texts `input` and `output`");
    rows.push_back({row["input"].get<std::string>(), row["output"].get<std::string>()});
  }
  if (rows.empty()) throw Error(ErrorCode::kInvalidInput, path.string() + ": no rows");
  return rows;
}

}  // namespace understudy::examples
