// The commands of `understudy-examples` that read labelled receipts. Each reads, calculates, writes files or standard
// output.
#pragma once

#include <filesystem>
#include <iosfwd>

namespace understudy::examples {

struct SplitPaths {
  std::filesystem::path data;
  std::filesystem::path train;
  std::filesystem::path test;
};
// Puts about `percent` of the rows into `test`, whole groups of look-alikes together; each row gets the key "group".
// Writes one line about it.
void split_receipts(const SplitPaths& paths, int percent, std::ostream& report);

// {"id", "answer"} a row, for `understudy eval --answers`.
void answer_receipts_by_rules(const std::filesystem::path& data, std::ostream& answers);

}  // namespace understudy::examples
