#include "engine/formats/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/json.h"

namespace understudy {

namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit
constexpr uint64_t kMaxIndexBytes = UINT64_C(64) << 20;

struct TypeName {
  std::string_view name;
  DType type;
};
constexpr TypeName kTypeNames[] = {
    {"F32", DType::kF32}, {"F16", DType::kF16}, {"BF16", DType::kBF16}, {"I64", DType::kI64},   {"I32", DType::kI32},
    {"I16", DType::kI16}, {"I8", DType::kI8},   {"U8", DType::kU8},     {"BOOL", DType::kBool}, {"F64", DType::kF64}};

// What the header says of one tensor, checked against its type but not yet against the others.
struct Entry {
  std::string name;
  const TypeName* type = nullptr;
  Shape shape;
  uint64_t begin = 0;  // from the data's first byte
  uint64_t end = 0;
};

Error invalid(const std::filesystem::path& file, std::string_view what) {
  return Error(ErrorCode::kInvalidInput, fmt::format("{}: {}", file.string(), what),
               "the file is damaged or was not written whole: get it again");
}

class HeaderReader {
 public:
  HeaderReader(const std::filesystem::path& file, uint64_t data_bytes) : file_(file), data_bytes_(data_bytes) {}

  Entry entry(const std::string& name, const Json& value) const {
    if (!value.is_object()) throw fault(name, "expected an object with dtype, shape and data_offsets");
    Entry entry{name, type_of(name, value), shape_of(name, value), 0, 0};
    read_offsets(value, entry);
    const std::optional<int64_t> bytes = bytes_of_shape(entry);
    if (!bytes || static_cast<uint64_t>(*bytes) != entry.end - entry.begin) {
      throw fault(name, fmt::format("shape {} of {} does not fill its {} bytes", entry.shape.text(), entry.type->name,
                                    entry.end - entry.begin));
    }
    return entry;
  }

 private:
  Error fault(const std::string& name, std::string_view what) const {
    return invalid(file_, fmt::format("tensor {}: {}", name, what));
  }

  const Json& member(const std::string& name, const Json& value, const char* key) const {
    const auto found = value.find(key);
    if (found == value.end()) throw fault(name, fmt::format("{} is missing", key));
    return *found;
  }

  const TypeName* type_of(const std::string& name, const Json& value) const {
    const Json& dtype = member(name, value, "dtype");
    if (!dtype.is_string()) throw fault(name, "dtype: expected a string");
    const auto text = dtype.get<std::string>();
    for (const TypeName& known : kTypeNames) {
      if (known.name == text) return &known;
    }
    throw Error(
        ErrorCode::kInvalidInput,
        fmt::format("{}: tensor {}: is of type {}, which this version does not read", file_.string(), name, text),
        "use weights in F32, F16 or BF16");
  }

  Shape shape_of(const std::string& name, const Json& value) const {
    const Json& shape = member(name, value, "shape");
    if (!shape.is_array()) throw fault(name, "shape: expected a list of whole numbers");
    if (shape.size() > Shape::kMaxRank) {
      throw fault(name, fmt::format("shape: {} dimensions, expected at most {}", shape.size(), int{Shape::kMaxRank}));
    }
    std::vector<int64_t> sizes;
    for (const Json& size : shape) {
      if (!size.is_number_unsigned() || size.get<uint64_t>() > INT64_MAX) {
        throw fault(name, "shape: expected whole numbers from 0");
      }
      sizes.push_back(size.get<int64_t>());
    }
    return Shape(std::span<const int64_t>(sizes));
  }

  void read_offsets(const Json& value, Entry& entry) const {
    const Json& offsets = member(entry.name, value, "data_offsets");
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned()) {
      throw fault(entry.name, "data_offsets: expected two whole numbers from 0");
    }
    entry.begin = offsets[0].get<uint64_t>();
    entry.end = offsets[1].get<uint64_t>();
    if (entry.begin > entry.end || entry.end > data_bytes_) {
      throw fault(entry.name, fmt::format("data_offsets: [{}, {}] does not lie within the {} bytes of data",
                                          entry.begin, entry.end, data_bytes_));
    }
  }

  // Nothing where a product overflows, or overflows on the way to a dimension of 0.
  static std::optional<int64_t> bytes_of_shape(const Entry& entry) {
    auto bytes = static_cast<int64_t>(understudy::bytes_of(entry.type->type, 1));
    for (int i = 0; i < entry.shape.rank(); ++i) {
      if (__builtin_mul_overflow(bytes, entry.shape[i], &bytes)) return std::nullopt;
    }
    return bytes;
  }

  const std::filesystem::path& file_;
  uint64_t data_bytes_;
};

uint64_t header_length(std::span<const std::byte> bytes, const std::filesystem::path& file) {
  if (bytes.size() < kLengthBytes) throw invalid(file, fmt::format("{} bytes are too few for a header", bytes.size()));
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) length |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
  if (length > kMaxHeaderBytes) {
    throw invalid(file, fmt::format("the header says {} bytes, expected at most {}", length, kMaxHeaderBytes));
  }
  if (length > bytes.size() - kLengthBytes) {
    throw invalid(file,
                  fmt::format("the header says {} bytes, but only {} follow", length, bytes.size() - kLengthBytes));
  }
  return length;
}

void read_metadata(const Json& value, const std::filesystem::path& file, std::map<std::string, std::string>& metadata) {
  if (!value.is_object()) throw invalid(file, "__metadata__: expected an object of strings");
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) throw invalid(file, fmt::format("__metadata__.{}: expected a string", key));
    metadata[key] = text.get<std::string>();
  }
}

// The format has no holes: the tensors lie end to end and fill the file, so two of them cannot share bytes.
void check_tiling(std::vector<Entry>& entries, uint64_t data_bytes, const std::filesystem::path& file) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
  uint64_t expected = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != expected) {
      throw invalid(file, fmt::format("tensor {}: begins at byte {} of the data, expected {} (tensors lie end to end)",
                                      entry.name, entry.begin, expected));
    }
    expected = entry.end;
  }
  if (expected != data_bytes) {
    throw invalid(file, fmt::format("{} bytes of data, but the tensors fill {}", data_bytes, expected));
  }
}

std::string_view name_of(DType type) {
  for (const TypeName& known : kTypeNames) {
    if (known.type == type) return known.name;
  }
  return {};
}

std::string header_of(const std::vector<NamedTensor>& tensors, const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (const NamedTensor& tensor : tensors) {
    CHECK(!name_of(tensor.view.type).empty(), "safetensors has no such type");
    CHECK(!header.contains(tensor.name), "two tensors of one name");
    Json shape = Json::array();
    for (int i = 0; i < tensor.view.shape.rank(); ++i) shape.push_back(tensor.view.shape[i]);
    const uint64_t end = offset + tensor.view.bytes();
    header[tensor.name] = {{"dtype", name_of(tensor.view.type)}, {"shape", shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = dump_json(header);
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');  // so that the data begins aligned
  return text;
}

// Links are followed (Hugging Face's cache is made of them), but the name itself may not lead out of the folder.
bool stays_inside(const std::filesystem::path& name) {
  if (name.empty() || name.is_absolute()) return false;
  return std::none_of(name.begin(), name.end(), [](const std::filesystem::path& part) { return part == ".."; });
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : path_(path), file_(std::make_unique<MappedFile>(path)) {
  read(file_->bytes());
}

SafetensorsFile::SafetensorsFile(std::span<const std::byte> bytes, std::string name) : path_(std::move(name)) {
  read(bytes);
}

void SafetensorsFile::read(std::span<const std::byte> bytes) {
  const uint64_t length = header_length(bytes, path_);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  const Json header = parse_json(text, path_.string() + ": header");
  if (!header.is_object()) throw invalid(path_, "header: expected an object");
  const std::span<const std::byte> data = bytes.subspan(kLengthBytes + length);
  const HeaderReader reader(path_, data.size());
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      read_metadata(value, path_, metadata_);
    } else {
      entries.push_back(reader.entry(name, value));
    }
  }
  check_tiling(entries, data.size(), path_);
  for (const Entry& entry : entries) keep(entry.name, {data.data() + entry.begin, entry.type->type, entry.shape});
}

void SafetensorsFile::keep(const std::string& name, ConstTensorView view) {
  const size_t width = understudy::bytes_of(view.type, 1);
  if (reinterpret_cast<uintptr_t>(view.data) % width != 0) {
    Tensor copy = Tensor::uninitialized(view.type, view.shape);
    std::memcpy(copy.view().data, view.data, view.bytes());
    view = copy.const_view();
    moved_.push_back(std::move(copy));
  }
  tensors_.emplace(name, view);
}

ConstTensorView SafetensorsFile::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? ConstTensorView{} : found->second;
}

void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string header = header_of(tensors, metadata);
  std::string length(kLengthBytes, '\0');
  for (size_t i = 0; i < kLengthBytes; ++i) length[i] = static_cast<char>((header.size() >> (8 * i)) & 0xFF);
  FileWriter writer(path);
  writer.write(length + header);
  for (const NamedTensor& tensor : tensors) {
    writer.write(std::span(static_cast<const std::byte*>(tensor.view.data), tensor.view.bytes()));
  }
  writer.commit();
}

SafetensorsFolder::SafetensorsFolder(const std::filesystem::path& folder) : folder_(folder) {
  const std::filesystem::path single = folder / "model.safetensors";
  const std::filesystem::path index = folder / "model.safetensors.index.json";
  if (std::filesystem::exists(single)) {
    files_.push_back(std::make_unique<SafetensorsFile>(single));
    for (const auto& [name, view] : files_.front()->tensors()) tensors_.emplace(name, std::pair(size_t{0}, view));
  } else if (std::filesystem::exists(index)) {
    read_index(index);
  } else {
    throw Error(
        ErrorCode::kNotFound,
        fmt::format("{}: no weights: neither model.safetensors nor model.safetensors.index.json", folder.string()),
        "give a folder as Hugging Face has it; other weight files (pytorch_model.bin) are not read");
  }
}

void SafetensorsFolder::read_index(const std::filesystem::path& index) {
  const Json root = parse_json(read_file(index, kMaxIndexBytes), index.string());
  const auto map = root.is_object() ? root.find("weight_map") : root.end();
  if (!root.is_object() || map == root.end() || !map->is_object()) {
    throw invalid(index, "weight_map: expected an object of tensor names and file names");
  }
  std::map<std::string, std::vector<std::string>> by_file;
  for (const auto& [name, file] : map->items()) {
    if (!file.is_string()) throw invalid(index, fmt::format("weight_map.{}: expected a file name", name));
    by_file[file.get<std::string>()].push_back(name);
  }
  for (const auto& [file, names] : by_file) {
    if (!stays_inside(file)) {
      throw Error(ErrorCode::kInvalidInput, fmt::format("{}: weight_map.{}: {} does not lie inside the folder",
                                                        index.string(), names.front(), file));
    }
    files_.push_back(std::make_unique<SafetensorsFile>(folder_ / file));
    for (const std::string& name : names) {
      const ConstTensorView view = files_.back()->find(name);
      if (!view)
        throw invalid(files_.back()->path(),
                      fmt::format("tensor {} is missing, but {} places it here", name, index.filename().string()));
      tensors_.emplace(name, std::pair(files_.size() - 1, view));
    }
  }
}

ConstTensorView SafetensorsFolder::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? ConstTensorView{} : found->second.second;
}

std::vector<std::string> SafetensorsFolder::names() const {
  std::vector<std::string> names;
  for (const auto& [name, place] : tensors_) names.push_back(name);
  return names;
}

std::string SafetensorsFolder::describe(std::string_view name) const {
  const auto found = tensors_.find(name);
  const std::filesystem::path& file = found == tensors_.end() ? folder_ : files_[found->second.first]->path();
  return fmt::format("{}: tensor {}", file.string(), name);
}

std::vector<std::filesystem::path> SafetensorsFolder::paths() const {
  std::vector<std::filesystem::path> paths;
  for (const auto& file : files_) paths.push_back(file->path());
  return paths;
}

}  // namespace understudy
