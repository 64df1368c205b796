// The room's page. engine/text turns text into token ids and back, and conversations into text, exactly as the models'
// makers do: byte-level BPE and SentencePiece-style BPE from tokenizer.json or from GGUF metadata, Jinja chat templates
// (chat_template.h), stop tokens. It knows no model weights. Everything here is immutable and shareable between
// threads; TokenDecoder is one per stream.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace understudy {

class GgufFile;
class GgufWriter;

using TokenId = int32_t;

// Bytes [begin, end) of a text.
struct TextSpan {
  size_t begin = 0;
  size_t end = 0;
};

struct EncodeOptions {
  bool add_special = false;              // what the tokenizer's post-processor adds (BOS)
  bool parse_special = true;             // special tokens written in the text are read as such ...
  std::span<const TextSpan> plain = {};  // ... but never where any of their bytes lies in one of these spans (sorted)
};

struct Encoded {
  std::vector<TokenId> ids;
  std::vector<TextSpan> spans;  // where each token stands in the text; empty span for added ones
};

class Tokenizer {
 public:
  // A Hugging Face folder (tokenizer.json, tokenizer_config.json, generation_config.json) or a GGUF file. Throws
  // kNotFound, or kInvalidInput naming file and key for what is not supported: nothing is tokenised approximately.
  static std::shared_ptr<const Tokenizer> load(const std::filesystem::path& path);
  static std::shared_ptr<const Tokenizer> from_gguf(const GgufFile& file);
  virtual ~Tokenizer() = default;

  virtual std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options = {}) const = 0;
  virtual Encoded encode_with_spans(std::string_view text, const EncodeOptions& options = {}) const = 0;
  // The text of the ids, as Hugging Face's decode(skip_special_tokens=False, clean_up_tokenization_spaces=False).
  virtual std::string decode(std::span<const TokenId> ids) const = 0;
  // The bytes that one token adds in the middle of a text; may be half a character.
  virtual std::string bytes_of(TokenId id) const = 0;
  // The same for the first token of a text: SentencePiece-style decoders take its leading space away.
  virtual std::string first_bytes_of(TokenId id) const = 0;

  virtual size_t vocab_size() const = 0;
  virtual bool is_special(TokenId id) const = 0;  // a control token: never shown in an answer
  virtual std::optional<TokenId> id_of(std::string_view token) const = 0;
  virtual std::string token_of(TokenId id) const = 0;  // as the vocabulary writes it
  virtual std::optional<TokenId> bos() const = 0;
  virtual std::optional<TokenId> eos() const = 0;
  virtual std::optional<TokenId> pad() const = 0;
  virtual std::optional<TokenId> unk() const = 0;
  virtual bool adds_bos() const = 0;  // whether add_special puts a BOS in front
  // Every id that ends an answer: eos, generation_config's eos list, and end-of-turn tokens (<|eot_id|>, <|im_end|>,
  // ...) that the chat template uses. Sorted by importance: eos first. No id stands twice.
  virtual std::vector<TokenId> stop_tokens() const = 0;
  // The chat template that came with it (chat_template.jinja, tokenizer_config.json or GGUF), or nothing.
  virtual std::optional<std::string> chat_template() const = 0;

  // Writes tokenizer.ggml.* metadata (model, pre, tokens, merges or scores, types, special ids, add_bos) and
  // chat_template. The vocabulary is filled up to model_vocab_size with unused tokens. Throws kUnavailable where GGUF
  // has no word for what this tokenizer does (an unknown split), kInvalidInput where it has more tokens than the model.
  virtual void write_gguf(GgufWriter& writer, int64_t model_vocab_size) const = 0;
};

// Turns a stream of ids into text and never emits half a character: what may still become one is held back.
class TokenDecoder {
 public:
  explicit TokenDecoder(std::shared_ptr<const Tokenizer> tokenizer);
  std::string push(TokenId id);  // what is new and whole; special tokens give nothing
  std::string finish();          // what was held back, invalid bytes as U+FFFD

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::string pending_;
  bool first_ = true;
};

}  // namespace understudy
