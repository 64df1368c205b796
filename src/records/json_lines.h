// JSONL files and the fields of their rows, with errors that say file, line and field. Pure functions over a file's
// bytes.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/json_fwd.h"

namespace understudy {

// Calls `row` with each line's value, "file:line" and the line's number (from 1) until it returns false. Blank lines
// are skipped. Throws kInvalidInput for a line that is no JSON.
void for_each_json_line(const std::filesystem::path& path,
                        const std::function<bool(const Json& row, const std::string& where, int line)>& row);

// "where: field: expected a text, got 12". A null `got` reads as "it is missing".
[[nodiscard]] Error field_error(const std::string& where, const std::string& field, const std::string& expected,
                                const Json& got);

std::string text_field(const Json& row, const std::string& field, const std::string& where);
std::string id_field(const Json& row, const std::string& where);  // a text or a number, as text
std::optional<double> number_field(const Json& row, const std::string& field, const std::string& where);

}  // namespace understudy
