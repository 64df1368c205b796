// The one kind of tokenizer there is here: added tokens, normaliser, pre-tokenizer, byte-pair encoding, decoder. What
// differs between model families stands in TokenizerParts, which tokenizer_json.cc and tokenizer_gguf.cc fill.
// Immutable but for a cache of words that is thread-safe; shareable between threads.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/text/added_tokens.h"
#include "engine/text/bpe.h"
#include "engine/text/decoder.h"
#include "engine/text/normalizer.h"
#include "engine/text/pre_tokenizer.h"
#include "engine/text/tokenizer.h"
#include "engine/text/word_cache.h"

namespace understudy {

constexpr size_t kVocabularyLimit = 1 << 22;  // tokens; the largest published vocabularies have a quarter of a million

struct TokenizerParts {
  std::string name;                 // the file, for errors
  std::vector<std::string> tokens;  // by id, as the vocabulary writes them; empty: no such token
  std::vector<AddedToken> added;
  std::vector<BpeMerge> merges;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  Decoder decoder;
  bool ignore_merges = false;        // a whole word that is a token needs no merges
  bool byte_fallback = false;        // a character without a token becomes <0xE2> tokens
  bool fuse_unk = false;             // neighbouring unknown characters become one token
  std::optional<TokenId> model_unk;  // for a character without a token; none: it is dropped
  std::vector<TokenId> prefix;       // what the post-processor adds in front (BOS) and at the end
  std::vector<TokenId> suffix;
  std::optional<TokenId> bos, eos, pad, unk;
  std::vector<TokenId> further_stops;  // generation_config's list, GGUF's eot
  std::optional<std::string> chat_template;
};

class BpeTokenizer : public Tokenizer {
 public:
  // Throws kInvalidInput where ids lie outside the vocabulary.
  explicit BpeTokenizer(TokenizerParts parts);

  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options = {}) const override;
  Encoded encode_with_spans(std::string_view text, const EncodeOptions& options = {}) const override;
  std::string decode(std::span<const TokenId> ids) const override;
  std::string bytes_of(TokenId id) const override;
  std::string first_bytes_of(TokenId id) const override;
  size_t vocab_size() const override { return parts_.tokens.size(); }
  bool is_special(TokenId id) const override;
  std::optional<TokenId> id_of(std::string_view token) const override;
  std::string token_of(TokenId id) const override;
  std::optional<TokenId> bos() const override { return parts_.bos; }
  std::optional<TokenId> eos() const override { return parts_.eos; }
  std::optional<TokenId> pad() const override { return parts_.pad; }
  std::optional<TokenId> unk() const override { return parts_.unk; }
  bool adds_bos() const override;
  std::vector<TokenId> stop_tokens() const override { return stops_; }
  std::optional<std::string> chat_template() const override { return parts_.chat_template; }
  void write_gguf(GgufWriter& writer, int64_t model_vocab_size) const override;

  const TokenizerParts& parts() const { return parts_; }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Index = std::unordered_map<std::string, TokenId, Hash, std::equal_to<>>;
  struct Output;

  void check_ids() const;
  void index_tokens();
  void find_stops();
  bool has(TokenId id) const;
  void run(std::string_view text, const EncodeOptions& options, Output& out) const;
  void encode_text(const Piece& piece, const AddedTokenFinder::Rules& rules, Output& out) const;
  bool no_merge_crosses_marks() const;
  void encode_stretch(const Piece& stretch, Output& out) const;
  void encode_word(const Piece& word, Output& out) const;
  std::vector<BpeSymbol> merged(std::string_view word) const;
  void add_bytes(std::string_view word, std::vector<BpeSymbol>& symbols) const;
  void add_characters(std::string_view word, std::vector<BpeSymbol>& symbols) const;
  bool add_byte_tokens(std::string_view word, TextSpan character, std::vector<BpeSymbol>& symbols) const;

  TokenizerParts parts_;
  bool byte_level_ = false;
  bool cuts_at_marks_ = false;  // a stretch without pre-tokenizer may be cut before "▁": nothing merges across
  BpeMerges merges_;
  AddedTokenFinder raw_finder_;          // on the text as it was written
  AddedTokenFinder normalized_finder_;   // on the normalised text
  Index ids_;                            // by the vocabulary's writing
  Index words_;                          // by the bytes of a word that is one token (ignore_merges)
  std::array<TokenId, 256> byte_ids_{};  // byte-level: of single bytes; else: of byte tokens; -1: none
  std::unordered_map<char32_t, TokenId> character_ids_;
  std::vector<uint32_t> lengths_;  // by id: bytes of a word that the token covers
  std::vector<bool> special_;
  std::vector<TokenId> stops_;
  mutable WordCache cache_;
};

}  // namespace understudy
