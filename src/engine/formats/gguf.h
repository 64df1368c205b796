// GGUF version 3: typed metadata, then named tensors (ggml's spec, docs/gguf.md). Reading maps the file and checks
// counts, lengths, types, offsets, alignment and overlaps before anything is used; writing is atomic. Dimensions are
// turned round: a Shape is [out, in] where the file says ne = [in, out]. Views live as long as the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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
  // For fuzzing and tests: the same checks over bytes that the caller keeps alive, at an address that is a multiple
  // of 8.
  GgufFile(std::span<const std::byte> bytes, std::string name);

  const std::filesystem::path& path() const { return path_; }
  const std::map<std::string, GgufValue, std::less<>>& metadata() const { return metadata_; }
  // Tensors of F32, F16, BF16 and Q8_0.
  const std::map<std::string, ConstTensorView, std::less<>>& tensors() const { return tensors_; }
  // Tensors of ggml's other types, whose places were checked too: name and type ("Q4_K").
  const std::map<std::string, std::string, std::less<>>& unsupported() const { return unsupported_; }
  ConstTensorView find(std::string_view name) const;  // an empty view where absent or unsupported
  // Throws kInvalidInput naming file and tensor where it is absent or of a type that is not read.
  ConstTensorView required(std::string_view name) const;
  // Throws for the first tensor of a type that is not read, if there is one.
  void refuse_unsupported() const;

  // Nothing where the key is absent; throws kInvalidInput naming file and key where it has another type.
  std::optional<std::string> text(std::string_view key) const;
  std::optional<int64_t> integer(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;  // a whole number is one too
  std::optional<bool> flag(std::string_view key) const;
  const std::vector<std::string>* texts(std::string_view key) const;
  const std::vector<int64_t>* integers(std::string_view key) const;
  const std::vector<double>* numbers(std::string_view key) const;
  // The same, but absence is an error too.
  std::string required_text(std::string_view key) const;
  int64_t required_integer(std::string_view key) const;
  double required_number(std::string_view key) const;

 private:
  template <class T>
  const T* value(std::string_view key, std::string_view expected) const;
  void read(std::span<const std::byte> bytes);
  std::filesystem::path path_;
  std::unique_ptr<MappedFile> file_;
  std::map<std::string, GgufValue, std::less<>> metadata_;
  std::map<std::string, ConstTensorView, std::less<>> tensors_;
  std::map<std::string, std::string, std::less<>> unsupported_;
};

// Collects metadata and tensors, then writes the file atomically. Tensor memory is borrowed until write() returns.
class GgufWriter {  // owned by one thread
 public:
  // Keys and tensor names are given once each; both stand in the file in the order given.
  void set(std::string key, std::string value);
  void set_u32(std::string key, uint32_t value);
  void set_f32(std::string key, float value);
  void set_bool(std::string key, bool value);
  void set_texts(std::string key, std::vector<std::string> values);
  void set_i32s(std::string key, std::vector<int32_t> values);
  void set_f32s(std::string key, std::vector<float> values);
  void add(std::string name, ConstTensorView tensor);  // f32, f16, bf16, q8_0
  // For files larger than memory: `make` is called once by write(), when the tensor's turn comes, and its result let go
  // after.
  void add(std::string name, DType type, Shape shape, std::function<Tensor()> make);
  // Throws kIo (a full disk too) and then leaves what was there before.
  void write(const std::filesystem::path& path) const;

 private:
  struct Entry {
    std::string key;
    uint32_t type = 0;    // GGUF's number of the type
    std::string payload;  // as it stands in the file
  };
  struct Source {
    std::string name;
    ConstTensorView view;  // without data where `make` gives it
    std::function<Tensor()> make;
  };
  void set_entry(std::string key, uint32_t type, std::string payload);
  void add_source(Source source);
  std::string header() const;
  std::vector<Entry> entries_;
  std::vector<Source> tensors_;
};

}  // namespace understudy
