#include "engine/text/tokenizer.h"

#include "base/error.h"
#include "engine/formats/gguf.h"
#include "engine/text/tokenizer_gguf.h"
#include "engine/text/tokenizer_json.h"

namespace understudy {

std::shared_ptr<const Tokenizer> Tokenizer::load(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) return read_tokenizer_folder(path);
  return from_gguf(GgufFile(path));
}

std::shared_ptr<const Tokenizer> Tokenizer::from_gguf(const GgufFile& file) {
  return read_tokenizer_gguf(file);
}

}  // namespace understudy
