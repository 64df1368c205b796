// Tokenizers in GGUF metadata, both directions (ggml's docs/gguf.md, keys tokenizer.ggml.*; the meaning of `pre` as
// llama.cpp has it): models "gpt2" (byte-level BPE) and "llama" (SentencePiece-style BPE by scores). Pure functions.
//
// GGUF has no place for normalisers and for ignore_merges: llama.cpp derives the latter from `pre` and knows no
// normaliser. Files written here say them in keys of their own (understudy.tokenizer.*), so that a model tokenises when
// served as it did in training.
#pragma once

#include <memory>

#include "engine/text/bpe_tokenizer.h"

namespace understudy {

// Throws kInvalidInput naming file and key for what is missing or not supported.
std::shared_ptr<const Tokenizer> read_tokenizer_gguf(const GgufFile& file);

// What Tokenizer::write_gguf promises.
void write_tokenizer_gguf(const BpeTokenizer& tokenizer, GgufWriter& writer, int64_t model_vocab_size);

}  // namespace understudy
