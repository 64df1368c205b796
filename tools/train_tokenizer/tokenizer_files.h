// Writes a byte-level BPE as Hugging Face's folder has it: tokenizer.json, tokenizer_config.json,
// special_tokens_map.json, chat_template.jinja, generation_config.json. Ids: 256 bytes, merges, special tokens at the
// end, as Llama 3 numbers them.
#pragma once

#include <filesystem>
#include <vector>

#include "train_tokenizer/byte_pairs.h"

namespace understudy::tokenizer {

inline constexpr int kSpecialTokens = 8;

void write_tokenizer_files(const std::filesystem::path& folder, const std::vector<Merge>& merges);

}  // namespace understudy::tokenizer
