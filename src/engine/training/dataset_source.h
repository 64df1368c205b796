// The rows of a dataset entry: JSONL files (one object a line) and JSON files (a list of objects), found by path and
// data_files. Files are mapped and only cut into rows here; a row is parsed when it is asked for, so that several
// threads can. Immutable.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/json_fwd.h"
#include "engine/training/dataset_config.h"

namespace understudy {

class DatasetSource {
 public:
  // Throws kNotFound or kInvalidInput naming the config's line and the path: no such file, no rows, a form that is not
  // read.
  explicit DatasetSource(const DatasetConfig& entry);

  size_t size() const { return rows_.size(); }
  std::string where(size_t row) const;  // "train.jsonl:14"
  Json parse(size_t row) const;         // an object; throws kInvalidInput with where()
  int32_t line(size_t row) const { return rows_[row].line; }
  int32_t file(size_t row) const { return rows_[row].file; }
  const std::vector<std::filesystem::path>& files() const { return paths_; }

 private:
  struct Row {
    std::string_view text;
    int32_t file = 0;
    int32_t line = 0;  // from 1; in a JSON list the number of the element
  };
  void open(const std::filesystem::path& path);
  void cut_lines(std::string_view text, int32_t file);
  void cut_list(std::string_view text, int32_t file);
  void apply_split(const DatasetConfig& entry);
  std::vector<std::filesystem::path> paths_;
  std::vector<std::unique_ptr<MappedFile>> mapped_;
  std::vector<std::unique_ptr<std::string>> owned_;  // elements of JSON lists, written one a line
  std::vector<Row> rows_;
};

}  // namespace understudy
