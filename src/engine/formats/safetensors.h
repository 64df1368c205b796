// safetensors: a JSON header with names, types, shapes and offsets, then the bytes. Reading maps the file and checks every
// offset, size and overlap before the first view is given out; writing is atomic.
// Format: 8 bytes little-endian header length, header, data (huggingface/safetensors, README). Views live as long as the file.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "engine/tensor/tensor.h"

namespace understudy {

class SafetensorsFile {  // immutable
 public:
  // Throws kInvalidInput for anything that does not fit: the message names the file and the tensor.
  explicit SafetensorsFile(const std::filesystem::path& path);
  const std::map<std::string, ConstTensorView>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  ConstTensorView find(std::string_view name) const;  // an empty view where absent

 private:
  std::unique_ptr<MappedFile> file_;
  std::map<std::string, ConstTensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

struct NamedTensor {
  std::string name;
  ConstTensorView view;
};

// Names in the given order. Types f32, f16, bf16 and the integers.
void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

// All tensors of a Hugging Face folder: model.safetensors, or the shards that model.safetensors.index.json names.
class SafetensorsFolder {
 public:
  explicit SafetensorsFolder(const std::filesystem::path& folder);
  ConstTensorView find(std::string_view name) const;
  std::vector<std::string> names() const;
  std::string describe(std::string_view name) const;  // "file: tensor name", for errors

 private:
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::map<std::string, std::pair<size_t, ConstTensorView>, std::less<>> tensors_;
  std::filesystem::path folder_;
};

}  // namespace understudy
