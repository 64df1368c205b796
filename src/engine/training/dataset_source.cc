#include "engine/training/dataset_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/json.h"

namespace understudy {

namespace {

namespace fs = std::filesystem;

bool is_data_file(const fs::path& path) {
  const std::string name = path.extension().string();
  return name == ".jsonl" || name == ".json" || name == ".ndjson";
}

[[nodiscard]] Error not_found(const DatasetConfig& entry, const fs::path& path, std::string_view hint) {
  return Error(ErrorCode::kInvalidInput, fmt::format("{}: {}: no such file or folder", entry.where, path.string()),
               std::string(hint));
}

std::vector<fs::path> files_in(const DatasetConfig& entry, const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& file : fs::directory_iterator(folder)) {
    if (file.is_regular_file() && is_data_file(file.path())) files.push_back(file.path());
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: {}: no .jsonl or .json file in this folder", entry.where, folder.string()));
  }
  return files;
}

std::vector<fs::path> files_of(const DatasetConfig& entry) {
  const fs::path path = entry.path;
  std::vector<fs::path> files;
  for (const std::string& name : entry.data_files) {
    const fs::path inside = path / name;
    const fs::path file = fs::exists(inside) ? inside : fs::path(name);
    if (!fs::exists(file)) throw not_found(entry, name, "data_files are looked for in path and in the working folder");
    files.push_back(file);
  }
  if (!files.empty()) return files;
  if (!fs::exists(path)) throw not_found(entry, path, "datasets are local: nothing is downloaded");
  return fs::is_directory(path) ? files_in(entry, path) : std::vector<fs::path>{path};
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// One end of a slice: "20%" of n, or a number of rows; negative ones count from the end.
size_t slice_end(const DatasetConfig& entry, std::string_view text, size_t n, size_t absent) {
  if (text.empty()) return absent;
  const bool percent = text.back() == '%';
  if (percent) text.remove_suffix(1);
  int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size() || (percent && std::abs(value) > 100)) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: split: cannot read \"{}\"", entry.where, entry.split),
                "write train, train[:20%] or train[100:]");
  }
  const int64_t size = static_cast<int64_t>(n);
  int64_t row = percent ? (value * size + (value < 0 ? -50 : 50)) / 100 : value;
  if (row < 0) row += size;
  return static_cast<size_t>(std::clamp<int64_t>(row, 0, size));
}

}  // namespace

DatasetSource::DatasetSource(const DatasetConfig& entry) {
  for (const fs::path& path : files_of(entry)) open(path);
  if (rows_.empty()) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: {}: no rows", entry.where, paths_.front().string()));
  }
  apply_split(entry);
}

void DatasetSource::open(const fs::path& path) {
  const int32_t file = static_cast<int32_t>(paths_.size());
  paths_.push_back(path);
  mapped_.push_back(std::make_unique<MappedFile>(path));
  const auto bytes = mapped_.back()->bytes();
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark, as Windows writes it
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '[') {
    cut_list(text, file);
  } else {
    cut_lines(text, file);
  }
}

void DatasetSource::cut_lines(std::string_view text, int32_t file) {
  int32_t line = 0;
  while (!text.empty()) {
    ++line;
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view row = text.substr(0, end);
    if (!is_blank(row)) rows_.push_back({row, file, line});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void DatasetSource::cut_list(std::string_view text, int32_t file) {
  const Json list = parse_json(text, paths_.back().string());
  int32_t element = 0;
  for (const Json& row : list) {
    owned_.push_back(std::make_unique<std::string>(dump_json(row)));
    rows_.push_back({*owned_.back(), file, ++element});
  }
}

void DatasetSource::apply_split(const DatasetConfig& entry) {
  const std::string_view split = entry.split;
  const size_t open_bracket = split.find('[');
  if (open_bracket == std::string_view::npos) return;
  const size_t colon = split.find(':', open_bracket);
  const bool closed = split.back() == ']' && colon != std::string_view::npos;
  const std::string_view begin_text = closed ? split.substr(open_bracket + 1, colon - open_bracket - 1) : "?";
  const std::string_view end_text = closed ? split.substr(colon + 1, split.size() - colon - 2) : "?";
  const size_t begin = slice_end(entry, begin_text, rows_.size(), 0);
  const size_t end = slice_end(entry, end_text, rows_.size(), rows_.size());
  if (begin >= end) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: split: \"{}\" holds no row of {}", entry.where, entry.split, rows_.size()));
  }
  rows_ = std::vector<Row>(rows_.begin() + static_cast<std::ptrdiff_t>(begin),
                           rows_.begin() + static_cast<std::ptrdiff_t>(end));
}

std::string DatasetSource::where(size_t row) const {
  return fmt::format("{}:{}", paths_[static_cast<size_t>(rows_[row].file)].string(), rows_[row].line);
}

Json DatasetSource::parse(size_t row) const {
  Json json = parse_json(rows_[row].text, where(row));
  if (!json.is_object())
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: expected an object, got {}", where(row), json.type_name()));
  return json;
}

}  // namespace understudy
