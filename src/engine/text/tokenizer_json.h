// Tokenizers of Hugging Face folders: tokenizer.json (the tokenizers library's format) with tokenizer_config.json,
// special_tokens_map.json, generation_config.json, config.json and chat_template.jinja beside it. Pure functions.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "engine/text/bpe_tokenizer.h"

namespace understudy {

// Throws kNotFound where there is no tokenizer.json, kInvalidInput naming file and key for what cannot be read.
std::shared_ptr<const Tokenizer> read_tokenizer_folder(const std::filesystem::path& folder);

// The text of a tokenizer.json alone; `name` begins the errors' messages.
TokenizerParts read_tokenizer_json(std::string_view text, std::string_view name);

}  // namespace understudy
