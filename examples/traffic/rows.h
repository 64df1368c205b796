// The rows of a data set as the demo's stand-ins need them: what is asked and what is right.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace understudy::examples {

struct KnownAnswer {
  std::string input;
  std::string output;
};

// JSON lines with `input` and `output`. Throws kInvalidInput naming the line.
std::vector<KnownAnswer> read_known_answers(const std::filesystem::path& path);

}  // namespace understudy::examples
