// The file, little-endian throughout:
//   "GGUF", u32 version, u64 tensors, u64 keys
//   keys:    string key, u32 type, value           string: u64 length, bytes; list: u32 type, u64 count, values
//   tensors: string name, u32 dimensions, u64 ne[] (innermost first), u32 type, u64 offset into the data
//   padding to general.alignment (32 where the key is absent), then the data, every tensor at a multiple of the
//   alignment
#include "engine/formats/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/utf8.h"

namespace understudy {

static_assert(std::endian::native == std::endian::little, "tensors are read in place, as the file has them");

namespace {

constexpr uint32_t kVersion3 = 3;
constexpr uint32_t kVersion2 = 2;  // the same layout; 3 only added big-endian files
constexpr uint64_t kDefaultAlignment = 32;
constexpr uint64_t kMaxAlignment = 1 << 16;  // more than any page: nobody writes it, and offsets stay far from overflow
constexpr uint64_t kMaxNameBytes = 65535;    // the spec's limit for keys
constexpr size_t kMaxTensorNameBytes = 63;   // what ggml's tensors hold

enum ValueType : uint32_t { kU8 = 0, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kString, kList, kU64, kI64, kF64 };

// A tensor type of ggml: a row is whole blocks of `values` values in `bytes` bytes.
struct GgmlType {
  uint32_t number;
  std::string_view name;
  uint64_t values;
  uint64_t bytes;
};
constexpr GgmlType kGgmlTypes[] = {
    {0, "F32", 1, 4},         {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},      {3, "Q4_1", 32, 20},
    {6, "Q5_0", 32, 22},      {7, "Q5_1", 32, 24},      {8, "Q8_0", 32, 34},      {9, "Q8_1", 32, 36},
    {10, "Q2_K", 256, 84},    {11, "Q3_K", 256, 110},   {12, "Q4_K", 256, 144},   {13, "Q5_K", 256, 176},
    {14, "Q6_K", 256, 210},   {15, "Q8_K", 256, 292},   {16, "IQ2_XXS", 256, 66}, {17, "IQ2_XS", 256, 74},
    {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50},   {20, "IQ4_NL", 32, 18},   {21, "IQ3_S", 256, 110},
    {22, "IQ2_S", 256, 82},   {23, "IQ4_XS", 256, 136}, {24, "I8", 1, 1},         {25, "I16", 1, 2},
    {26, "I32", 1, 4},        {27, "I64", 1, 8},        {28, "F64", 1, 8},        {29, "IQ1_M", 256, 56},
    {30, "BF16", 1, 2},       {34, "TQ1_0", 256, 54},   {35, "TQ2_0", 256, 66},   {39, "MXFP4", 32, 17},
    {40, "NVFP4", 64, 36}};

struct ReadableType {
  uint32_t number;
  DType type;
};
constexpr ReadableType kReadableTypes[] = {{0, DType::kF32}, {1, DType::kF16}, {8, DType::kQ8_0}, {30, DType::kBF16}};

const GgmlType* ggml_type(uint32_t number) {
  for (const GgmlType& type : kGgmlTypes) {
    if (type.number == number) return &type;
  }
  return nullptr;
}

std::optional<DType> readable(uint32_t number) {
  for (const ReadableType& type : kReadableTypes) {
    if (type.number == number) return type.type;
  }
  return std::nullopt;
}

std::optional<uint32_t> number_of(DType type) {
  for (const ReadableType& known : kReadableTypes) {
    if (known.type == type) return known.number;
  }
  return std::nullopt;
}

uint64_t round_up(uint64_t size, uint64_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

// A stranger's name, fit for a message.
std::string shown(std::string_view name) {
  constexpr size_t kEnough = 100;
  return repair_utf8(name.substr(0, kEnough)) + (name.size() > kEnough ? "..." : "");
}

Error unread_type(const std::filesystem::path& file, std::string_view tensor, std::string_view type) {
  return Error(
      ErrorCode::kInvalidInput,
      fmt::format("{}: tensor {} is of type {}, which this version does not read", file.string(), shown(tensor), type),
      "use a file with F32, F16, BF16 or Q8_0 tensors");
}

// Reads forward through the bytes and never past their end. `subject` is what the errors name: a key, a tensor.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, const std::filesystem::path& file) : bytes_(bytes), file_(file) {}

  void begin(std::string subject) { subject_ = std::move(subject); }
  size_t position() const { return position_; }
  uint64_t left() const { return bytes_.size() - position_; }

  Error fault(std::string_view what) const {
    return Error(ErrorCode::kInvalidInput, fmt::format("{}: {}: {}", file_.string(), subject_, what),
                 "the file is damaged or was not written whole: get it again");
  }

  template <class T>
  T read() {
    need(sizeof(T));
    T value{};
    std::memcpy(&value, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }

  std::string read_text(uint64_t limit = UINT64_MAX) {
    const auto length = read<uint64_t>();
    if (length > limit) throw fault(fmt::format("a string of {} bytes, expected at most {}", length, limit));
    need(length);
    std::string text(reinterpret_cast<const char*>(bytes_.data()) + position_, length);
    position_ += length;
    return text;
  }

  // A number of things of which each takes at least `smallest` bytes: refused before anything is reserved for them.
  uint64_t read_count(uint64_t smallest) {
    const auto count = read<uint64_t>();
    check_count(count, smallest);
    return count;
  }
  void check_count(uint64_t count, uint64_t smallest) const {
    if (count > left() / smallest)
      throw fault(fmt::format("{} entries do not fit into the {} bytes left", count, left()));
  }

 private:
  void need(uint64_t bytes) const {
    if (bytes > left())
      throw fault(fmt::format("ends after {} bytes, {} more were expected", bytes_.size(), bytes - left()));
  }
  std::span<const std::byte> bytes_;
  const std::filesystem::path& file_;
  std::string subject_ = "header";
  size_t position_ = 0;
};

bool read_bool(Cursor& cursor) {
  const auto byte = cursor.read<uint8_t>();
  if (byte > 1) throw cursor.fault(fmt::format("a boolean is 0 or 1, got {}", byte));
  return byte == 1;
}

int64_t read_u64(Cursor& cursor) {
  const auto value = cursor.read<uint64_t>();
  if (value > INT64_MAX) throw cursor.fault(fmt::format("{} is above {}", value, INT64_MAX));
  return static_cast<int64_t>(value);
}

std::optional<int64_t> try_read_integer(Cursor& cursor, uint32_t type) {
  switch (type) {
    case kU8:
      return cursor.read<uint8_t>();
    case kI8:
      return cursor.read<int8_t>();
    case kU16:
      return cursor.read<uint16_t>();
    case kI16:
      return cursor.read<int16_t>();
    case kU32:
      return cursor.read<uint32_t>();
    case kI32:
      return cursor.read<int32_t>();
    case kU64:
      return read_u64(cursor);
    case kI64:
      return cursor.read<int64_t>();
    default:
      return std::nullopt;
  }
}

uint64_t smallest_size(const Cursor& cursor, uint32_t type) {
  switch (type) {
    case kU8:
    case kI8:
    case kBool:
      return 1;
    case kU16:
    case kI16:
      return 2;
    case kU32:
    case kI32:
    case kF32:
      return 4;
    case kU64:
    case kI64:
    case kF64:
    case kString:
      return 8;
    case kList:
      throw cursor.fault("a list of lists, expected a list of plain values");
    default:
      throw cursor.fault(fmt::format("unknown type {} of a value", type));
  }
}

template <class T, class Read>
std::vector<T> read_values(uint64_t count, Read read) {
  std::vector<T> values;
  values.reserve(count);
  for (uint64_t i = 0; i < count; ++i) values.push_back(read());
  return values;
}

GgufValue read_list(Cursor& cursor) {
  const auto type = cursor.read<uint32_t>();
  const uint64_t count = cursor.read_count(smallest_size(cursor, type));
  switch (type) {
    case kF32:
      return read_values<double>(count, [&] { return double{cursor.read<float>()}; });
    case kF64:
      return read_values<double>(count, [&] { return cursor.read<double>(); });
    case kBool:
      return read_values<bool>(count, [&] { return read_bool(cursor); });
    case kString:
      return read_values<std::string>(count, [&] { return cursor.read_text(); });
    default:
      return read_values<int64_t>(count, [&] { return *try_read_integer(cursor, type); });
  }
}

GgufValue read_value(Cursor& cursor) {
  const auto type = cursor.read<uint32_t>();
  if (type == kList) return read_list(cursor);
  smallest_size(cursor, type);  // refuses a type that there is not
  switch (type) {
    case kF32:
      return double{cursor.read<float>()};
    case kF64:
      return cursor.read<double>();
    case kBool:
      return read_bool(cursor);
    case kString:
      return cursor.read_text();
    default:
      return *try_read_integer(cursor, type);
  }
}

struct TensorEntry {
  std::string name;
  const GgmlType* type = nullptr;
  Shape shape;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

Shape read_shape(Cursor& cursor) {
  const auto rank = cursor.read<uint32_t>();
  if (rank > Shape::kMaxRank) {
    throw cursor.fault(fmt::format("{} dimensions, expected at most {}", rank, int{Shape::kMaxRank}));
  }
  std::vector<int64_t> sizes;
  for (uint32_t i = 0; i < rank; ++i) sizes.push_back(read_u64(cursor));
  std::reverse(sizes.begin(), sizes.end());
  return Shape(std::span<const int64_t>(sizes));
}

uint64_t bytes_of_entry(const Cursor& cursor, const TensorEntry& entry) {
  const auto row = static_cast<uint64_t>(entry.shape.last());
  if (row % entry.type->values != 0) {
    throw cursor.fault(
        fmt::format("rows of {} values, {} needs multiples of {}", row, entry.type->name, entry.type->values));
  }
  int64_t elements = 1;  // signed, as Shape counts them: no product on the way may overflow that either
  uint64_t bytes = 0;
  bool too_large = false;
  for (int i = 0; i < entry.shape.rank(); ++i) {
    too_large = too_large || __builtin_mul_overflow(elements, entry.shape[i], &elements);
  }
  too_large = too_large ||
              __builtin_mul_overflow(static_cast<uint64_t>(elements) / entry.type->values, entry.type->bytes, &bytes);
  if (too_large) throw cursor.fault(fmt::format("shape {} is larger than any memory", entry.shape.text()));
  return bytes;
}

TensorEntry read_tensor_entry(Cursor& cursor) {
  TensorEntry entry;
  entry.name = cursor.read_text(kMaxNameBytes);
  cursor.begin(fmt::format("tensor {}", shown(entry.name)));
  entry.shape = read_shape(cursor);
  const auto number = cursor.read<uint32_t>();
  entry.type = ggml_type(number);
  if (entry.type == nullptr) throw cursor.fault(fmt::format("unknown tensor type {}", number));
  entry.offset = cursor.read<uint64_t>();
  entry.bytes = bytes_of_entry(cursor, entry);
  return entry;
}

uint64_t alignment_of(const GgufFile& file) {
  const std::optional<int64_t> given = file.integer("general.alignment");
  if (!given) return kDefaultAlignment;
  const bool valid = *given >= 8 && *given <= static_cast<int64_t>(kMaxAlignment) &&
                     std::has_single_bit(static_cast<uint64_t>(*given));
  if (!valid) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: key general.alignment: expected a power of two from 8 to {}, got {}",
                            file.path().string(), kMaxAlignment, *given));
  }
  return static_cast<uint64_t>(*given);
}

// Every tensor inside the data, at a multiple of the alignment, and no two over one another.
void check_places(Cursor& cursor, std::vector<TensorEntry>& entries, uint64_t alignment, uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(),
            [](const TensorEntry& a, const TensorEntry& b) { return a.offset < b.offset; });
  uint64_t end = 0;
  for (const TensorEntry& entry : entries) {
    cursor.begin(fmt::format("tensor {}", shown(entry.name)));
    if (entry.offset % alignment != 0) {
      throw cursor.fault(fmt::format("offset {} is no multiple of the alignment {}", entry.offset, alignment));
    }
    if (entry.offset > data_bytes || entry.bytes > data_bytes - entry.offset) {
      throw cursor.fault(fmt::format("its {} bytes from offset {} do not lie within the {} bytes of data", entry.bytes,
                                     entry.offset, data_bytes));
    }
    if (entry.bytes > 0 && entry.offset < end) throw cursor.fault("overlaps the tensor before it");
    end = std::max(end, entry.offset + entry.bytes);
  }
}

void check_version(Cursor& cursor) {
  if (cursor.left() < 4 || cursor.read<uint32_t>() != std::bit_cast<uint32_t>(std::array{'G', 'G', 'U', 'F'})) {
    throw cursor.fault("no GGUF file: it does not begin with \"GGUF\"");
  }
  const auto version = cursor.read<uint32_t>();
  if (version == kVersion3 || version == kVersion2) return;
  const bool turned = version == __builtin_bswap32(kVersion3);
  throw cursor.fault(turned ? std::string("a big-endian file, expected little-endian")
                            : fmt::format("GGUF version {}, expected 3", version));
}

template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void append_text(std::string& bytes, std::string_view text) {
  append(bytes, uint64_t{text.size()});
  bytes += text;
}

template <class T>
std::string list_payload(ValueType type, const std::vector<T>& values) {
  std::string payload;
  append(payload, uint32_t{type});
  append(payload, uint64_t{values.size()});
  for (const T& value : values) append(payload, value);
  return payload;
}

template <class T>
std::string scalar_payload(T value) {
  std::string payload;
  append(payload, value);
  return payload;
}

}  // namespace

GgufFile::GgufFile(const std::filesystem::path& path) : path_(path), file_(std::make_unique<MappedFile>(path)) {
  read(file_->bytes());
}

GgufFile::GgufFile(std::span<const std::byte> bytes, std::string name) : path_(std::move(name)) {
  CHECK(reinterpret_cast<uintptr_t>(bytes.data()) % 8 == 0, "the bytes of a GGUF file stand at a multiple of 8");
  read(bytes);
}

void GgufFile::read(std::span<const std::byte> bytes) {
  constexpr uint64_t kSmallestTensor = 8 + 4 + 4 + 8;  // an empty name, no dimensions
  constexpr uint64_t kSmallestKey = 8 + 4 + 1;
  Cursor cursor(bytes, path_);
  check_version(cursor);
  const auto n_tensors = cursor.read<uint64_t>();
  const uint64_t n_keys = cursor.read_count(kSmallestKey);
  cursor.check_count(n_tensors, kSmallestTensor);
  for (uint64_t i = 0; i < n_keys; ++i) {
    cursor.begin(fmt::format("key number {}", i));
    std::string key = cursor.read_text(kMaxNameBytes);
    cursor.begin(fmt::format("key {}", shown(key)));
    GgufValue value = read_value(cursor);
    if (!metadata_.emplace(std::move(key), std::move(value)).second) throw cursor.fault("stands twice");
  }
  std::vector<TensorEntry> entries;
  for (uint64_t i = 0; i < n_tensors; ++i) {
    cursor.begin(fmt::format("tensor number {}", i));
    entries.push_back(read_tensor_entry(cursor));
  }
  const uint64_t alignment = alignment_of(*this);
  const uint64_t begin = std::min<uint64_t>(round_up(cursor.position(), alignment), bytes.size());
  check_places(cursor, entries, alignment, bytes.size() - begin);
  for (const TensorEntry& entry : entries) {
    const std::optional<DType> type = readable(entry.type->number);
    const ConstTensorView view{bytes.data() + begin + entry.offset, type.value_or(DType::kF32), entry.shape};
    const bool known = tensors_.count(entry.name) > 0 || unsupported_.count(entry.name) > 0;
    cursor.begin(fmt::format("tensor {}", shown(entry.name)));
    if (known) throw cursor.fault("stands twice");
    if (type) tensors_.emplace(entry.name, view);
    if (!type) unsupported_.emplace(entry.name, entry.type->name);
  }
}

ConstTensorView GgufFile::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? ConstTensorView{} : found->second;
}

ConstTensorView GgufFile::required(std::string_view name) const {
  if (const ConstTensorView view = find(name)) return view;
  const auto found = unsupported_.find(name);
  if (found != unsupported_.end()) throw unread_type(path_, name, found->second);
  throw Error(ErrorCode::kInvalidInput, fmt::format("{}: tensor {} is missing", path_.string(), name));
}

void GgufFile::refuse_unsupported() const {
  if (!unsupported_.empty()) throw unread_type(path_, unsupported_.begin()->first, unsupported_.begin()->second);
}

template <class T>
const T* GgufFile::value(std::string_view key, std::string_view expected) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) return nullptr;
  if (const T* value = std::get_if<T>(&found->second)) return value;
  static constexpr std::string_view kNames[] = {
      "a whole number",          "a number",          "a boolean",          "a text",
      "a list of whole numbers", "a list of numbers", "a list of booleans", "a list of texts"};
  throw Error(ErrorCode::kInvalidInput, fmt::format("{}: key {}: expected {}, got {}", path_.string(), key, expected,
                                                    kNames[found->second.index()]));
}

std::optional<std::string> GgufFile::text(std::string_view key) const {
  const auto* found = value<std::string>(key, "a text");
  return found == nullptr ? std::nullopt : std::optional(*found);
}

std::optional<int64_t> GgufFile::integer(std::string_view key) const {
  const auto* found = value<int64_t>(key, "a whole number");
  return found == nullptr ? std::nullopt : std::optional(*found);
}

std::optional<double> GgufFile::number(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found != metadata_.end() && std::holds_alternative<int64_t>(found->second)) {
    return static_cast<double>(std::get<int64_t>(found->second));
  }
  const auto* given = value<double>(key, "a number");
  return given == nullptr ? std::nullopt : std::optional(*given);
}

std::optional<bool> GgufFile::flag(std::string_view key) const {
  const auto* found = value<bool>(key, "a boolean");
  return found == nullptr ? std::nullopt : std::optional(*found);
}

const std::vector<std::string>* GgufFile::texts(std::string_view key) const {
  return value<std::vector<std::string>>(key, "a list of texts");
}

const std::vector<int64_t>* GgufFile::integers(std::string_view key) const {
  return value<std::vector<int64_t>>(key, "a list of whole numbers");
}

const std::vector<double>* GgufFile::numbers(std::string_view key) const {
  return value<std::vector<double>>(key, "a list of numbers");
}

namespace {

template <class T>
T present(std::optional<T> value, const std::filesystem::path& path, std::string_view key) {
  if (value) return std::move(*value);
  throw Error(ErrorCode::kInvalidInput, fmt::format("{}: key {} is missing", path.string(), key));
}

}  // namespace

std::string GgufFile::required_text(std::string_view key) const {
  return present(text(key), path_, key);
}
int64_t GgufFile::required_integer(std::string_view key) const {
  return present(integer(key), path_, key);
}
double GgufFile::required_number(std::string_view key) const {
  return present(number(key), path_, key);
}

void GgufWriter::set_entry(std::string key, uint32_t type, std::string payload) {
  for (const Entry& entry : entries_) CHECK(entry.key != key, "a GGUF key is written once");
  entries_.push_back({std::move(key), type, std::move(payload)});
}

void GgufWriter::set(std::string key, std::string value) {
  std::string payload;
  append_text(payload, value);
  set_entry(std::move(key), kString, std::move(payload));
}

void GgufWriter::set_u32(std::string key, uint32_t value) {
  set_entry(std::move(key), kU32, scalar_payload(value));
}
void GgufWriter::set_f32(std::string key, float value) {
  set_entry(std::move(key), kF32, scalar_payload(value));
}
void GgufWriter::set_bool(std::string key, bool value) {
  set_entry(std::move(key), kBool, scalar_payload(static_cast<uint8_t>(value)));
}

void GgufWriter::set_texts(std::string key, std::vector<std::string> values) {
  std::string payload;
  append(payload, uint32_t{kString});
  append(payload, uint64_t{values.size()});
  for (const std::string& value : values) append_text(payload, value);
  set_entry(std::move(key), kList, std::move(payload));
}

void GgufWriter::set_i32s(std::string key, std::vector<int32_t> values) {
  set_entry(std::move(key), kList, list_payload(kI32, values));
}

void GgufWriter::set_f32s(std::string key, std::vector<float> values) {
  set_entry(std::move(key), kList, list_payload(kF32, values));
}

void GgufWriter::add(std::string name, ConstTensorView tensor) {
  add_source({std::move(name), tensor, {}});
}

void GgufWriter::add(std::string name, DType type, Shape shape, std::function<Tensor()> make) {
  add_source({std::move(name), {nullptr, type, shape}, std::move(make)});
}

void GgufWriter::add_source(Source source) {
  CHECK(number_of(source.view.type).has_value(), "GGUF tensors are written as f32, f16, bf16 or q8_0");
  CHECK(source.name.size() <= kMaxTensorNameBytes, "ggml's tensor names have at most 63 bytes");
  CHECK(source.view.type != DType::kQ8_0 || source.view.shape.last() % kQ8Block == 0, "q8_0 rows are multiples of 32");
  for (const Source& other : tensors_) CHECK(other.name != source.name, "a GGUF tensor is written once");
  tensors_.push_back(std::move(source));
}

std::string GgufWriter::header() const {
  std::string bytes = "GGUF";
  append(bytes, kVersion3);
  append(bytes, uint64_t{tensors_.size()});
  append(bytes, uint64_t{entries_.size()});
  for (const Entry& entry : entries_) {
    append_text(bytes, entry.key);
    append(bytes, entry.type);
    bytes += entry.payload;
  }
  uint64_t offset = 0;
  for (const Source& tensor : tensors_) {
    const Shape& shape = tensor.view.shape;
    append_text(bytes, tensor.name);
    append(bytes, static_cast<uint32_t>(shape.rank()));
    for (int i = shape.rank() - 1; i >= 0; --i) append(bytes, static_cast<uint64_t>(shape[i]));
    append(bytes, *number_of(tensor.view.type));
    append(bytes, offset);
    offset += round_up(tensor.view.bytes(), kDefaultAlignment);
  }
  bytes.resize(round_up(bytes.size(), kDefaultAlignment), '\0');
  return bytes;
}

void GgufWriter::write(const std::filesystem::path& path) const {
  FileWriter writer(path);
  writer.write(header());
  for (const Source& source : tensors_) {
    Tensor made;
    ConstTensorView view = source.view;
    if (source.make) {
      made = source.make();
      CHECK(made.type() == view.type && made.shape() == view.shape, "a tensor was announced in another form than made");
      view = made.const_view();
    }
    writer.write(std::span(static_cast<const std::byte*>(view.data), view.bytes()));
    const std::string padding(round_up(view.bytes(), kDefaultAlignment) - view.bytes(), '\0');
    writer.write(padding);
  }
  writer.commit();
}

}  // namespace understudy
