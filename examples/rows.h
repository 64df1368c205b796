// Reads files of labelled rows, {"id", "input", "output"} a line. Pure apart from the file read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace understudy::examples {

struct LabelledRow {
  std::string id;
  std::string input;
  std::string output;
};

// Throws kInvalidInput with file and line where a row is not as above, and where there is none; kNotFound, kIo.
std::vector<LabelledRow> read_rows(const std::filesystem::path& path);

}  // namespace understudy::examples
