// safetensors: a JSON header with names, types, shapes and offsets, then the bytes. Reading maps the file and checks
// every offset, size and overlap before the first view is given out; writing is atomic. Format: 8 bytes little-endian
// header length, header, data (huggingface/safetensors, README). Views live as long as the file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.h"
#include "engine/tensor/tensor.h"

namespace understudy {

class SafetensorsFile {  // immutable
 public:
  // Throws kInvalidInput for anything that does not fit: the message names the file and the tensor.
  explicit SafetensorsFile(const std::filesystem::path& path);
  // For fuzzing and tests: the same checks over bytes that the caller keeps alive; `name` stands for the file in
  // errors.
  SafetensorsFile(std::span<const std::byte> bytes, std::string name);

  const std::filesystem::path& path() const { return path_; }
  const std::map<std::string, ConstTensorView, std::less<>>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  ConstTensorView find(std::string_view name) const;  // an empty view where absent

 private:
  void read(std::span<const std::byte> bytes);
  void keep(const std::string& name, ConstTensorView view);
  std::filesystem::path path_;
  std::unique_ptr<MappedFile> file_;
  std::map<std::string, ConstTensorView, std::less<>> tensors_;
  std::vector<Tensor> moved_;  // copies of what other writers left at an address its type cannot be read from
  std::map<std::string, std::string> metadata_;
};

struct NamedTensor {
  std::string name;
  ConstTensorView view;
};

// Names in the given order. Types f32, f16, bf16 and the integers. Throws kIo (a full disk too) and then leaves what
// was there before.
void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

// All tensors of a Hugging Face folder: model.safetensors, or the shards that model.safetensors.index.json names.
class SafetensorsFolder {  // immutable
 public:
  // Throws kNotFound where neither file is there, kInvalidInput for an index that leaves the folder or names what is
  // not there.
  explicit SafetensorsFolder(const std::filesystem::path& folder);
  ConstTensorView find(std::string_view name) const;  // an empty view where absent
  std::vector<std::string> names() const;             // sorted
  std::string describe(std::string_view name) const;  // "file: tensor name", for errors
  std::vector<std::filesystem::path> paths() const;   // the files read, in the order of their names

 private:
  void read_index(const std::filesystem::path& index);
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::map<std::string, std::pair<size_t, ConstTensorView>, std::less<>> tensors_;
  std::filesystem::path folder_;
};

}  // namespace understudy
