#include "rows.h"

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"

namespace understudy::examples {
namespace {

std::string text_of(const Json& row, const char* key, const std::string& where) {
  if (!row.is_object() || !row.contains(key) || !row[key].is_string()) {
    throw Error(ErrorCode::kInvalidInput, where + ": " + key + ": expected text",
                "rows are {\"id\", \"input\", \"output\"}");
  }
  return row[key].get<std::string>();
}

}  // namespace

std::vector<LabelledRow> read_rows(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  std::vector<LabelledRow> rows;
  int number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.empty()) continue;
    const std::string where = path.string() + ":" + std::to_string(number);
    const Json row = parse_json(line, where);
    rows.push_back({text_of(row, "id", where), text_of(row, "input", where), text_of(row, "output", where)});
  }
  if (rows.empty()) throw Error(ErrorCode::kInvalidInput, path.string() + ": no rows");
  return rows;
}

}  // namespace understudy::examples
