#include "records/json_lines.h"

#include <fmt/format.h>

#include <string_view>

#include "base/files.h"
#include "base/json.h"

namespace understudy {

void for_each_json_line(const std::filesystem::path& path,
                        const std::function<bool(const Json& row, const std::string& where, int line)>& row) {
  const std::string text = read_file(path);
  int line = 0;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    const std::string_view content = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++line;
    if (content.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("{}:{}", path.string(), line);
    if (!row(parse_json(content, where), where, line)) return;
  }
}

Error field_error(const std::string& where, const std::string& field, const std::string& expected, const Json& got) {
  const std::string place = field.empty() ? where : where + ": " + field;
  if (got.is_null())
    return Error(ErrorCode::kInvalidInput, fmt::format("{}: expected {}, but it is missing", place, expected));
  std::string text = dump_json(got);
  if (text.size() > 80) text = text.substr(0, 80) + "...";
  return Error(ErrorCode::kInvalidInput, fmt::format("{}: expected {}, got {}", place, expected, text));
}

std::string text_field(const Json& row, const std::string& field, const std::string& where) {
  const auto value = row.find(field);
  if (value == row.end() || !value->is_string()) {
    throw field_error(where, field, "a text", value == row.end() ? Json() : *value);
  }
  return value->get<std::string>();
}

std::string id_field(const Json& row, const std::string& where) {
  const auto value = row.find("id");
  if (value != row.end() && value->is_number()) return dump_json(*value);
  return text_field(row, "id", where);
}

std::optional<double> number_field(const Json& row, const std::string& field, const std::string& where) {
  const auto value = row.find(field);
  if (value == row.end() || value->is_null()) return std::nullopt;
  if (!value->is_number()) throw field_error(where, field, "a number", *value);
  return value->get<double>();
}

}  // namespace understudy
