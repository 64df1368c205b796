// GGUF version 3: typed metadata, then named tensors (ggml's spec, docs/gguf.md). Reading maps the file and checks counts,
// lengths, types, offsets, alignment and overlaps before anything is used; writing is atomic. Dimensions are turned round: a
// Shape is [out, in] where the file says ne = [in, out]. Views live as long as the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/files.h"
#include "engine/tensor/tensor.h"

namespace understudy {

// Integers of every width are read as int64_t (u64 above int64's range is refused), floats as double.
using GgufValue = std::variant<int64_t, double, bool, std::string, std::vector<int64_t>, std::vector<double>,
                               std::vector<bool>, std::vector<std::string>>;

class GgufFile {  // immutable
 public:
  explicit GgufFile(const std::filesystem::path& path);
  // For fuzzing and tests: the same checks over bytes that the caller keeps alive.
  GgufFile(std::span<const std::byte> bytes, std::string name);

  const std::filesystem::path& path() const { return path_; }
  const std::map<std::string, GgufValue, std::less<>>& metadata() const { return metadata_; }
  const std::map<std::string, ConstTensorView, std::less<>>& tensors() const { return tensors_; }
  ConstTensorView find(std::string_view name) const;  // an empty view where absent

  // Nothing where the key is absent; throws kInvalidInput naming file and key where it has another type.
  std::optional<std::string> text(std::string_view key) const;
  std::optional<int64_t> integer(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;
  const std::vector<std::string>* texts(std::string_view key) const;
  const std::vector<int64_t>* integers(std::string_view key) const;
  const std::vector<double>* numbers(std::string_view key) const;
  // The same, but absence is an error too.
  std::string required_text(std::string_view key) const;
  int64_t required_integer(std::string_view key) const;

 private:
  void read(std::span<const std::byte> bytes);
  std::filesystem::path path_;
  std::unique_ptr<MappedFile> file_;
  std::map<std::string, GgufValue, std::less<>> metadata_;
  std::map<std::string, ConstTensorView, std::less<>> tensors_;
};

// Collects metadata and tensors, then writes the file atomically. Tensor memory is borrowed until write() returns.
class GgufWriter {
 public:
  void set(std::string key, std::string value);
  void set_u32(std::string key, uint32_t value);
  void set_f32(std::string key, float value);
  void set_bool(std::string key, bool value);
  void set_texts(std::string key, std::vector<std::string> values);
  void set_i32s(std::string key, std::vector<int32_t> values);
  void set_f32s(std::string key, std::vector<float> values);
  void add(std::string name, ConstTensorView tensor);  // f32, f16, bf16, q8_0
  void write(const std::filesystem::path& path) const;

 private:
  struct Entry {
    std::string key;
    uint32_t type = 0;     // GGUF's number of the type
    std::string payload;   // as it stands in the file
  };
  std::vector<Entry> entries_;
  std::vector<std::pair<std::string, ConstTensorView>> tensors_;
};

}  // namespace understudy
