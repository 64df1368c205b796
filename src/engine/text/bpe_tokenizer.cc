#include "engine/text/bpe_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "engine/text/byte_level.h"

namespace understudy {

namespace {

// Tokens that end a turn in the templates of the model families.
constexpr std::string_view kTurnEnds[] = {"<|eot_id|>",    "<|eom_id|>",    "<|im_end|>",      "<|end|>",
                                          "</s>",          "<|endoftext|>", "<|end_of_text|>", "<|end_of_turn|>",
                                          "<end_of_turn>", "<|eot|>"};

constexpr std::string_view kMark = "\xE2\x96\x81";  // "▁", SentencePiece's space
constexpr char32_t kMarkCharacter = 0x2581;

// Where the word that begins at `begin` ends: before the first mark that follows another character.
size_t next_word(std::string_view text, size_t begin) {
  size_t at = begin;
  while (text.substr(at, kMark.size()) == kMark) at += kMark.size();
  return std::min(text.find(kMark, at), text.size());
}

// Text whose invalid bytes are replaced, so that regular expressions may run over it.
AlignedText repaired(std::string_view text) {
  AlignedText out;
  out.reserve(text.size() + 16);
  const Piece piece{text};
  for (size_t position = 0; position < text.size();) {
    const size_t begin = position;
    if (next_code_point(text, position) == 0xFFFD && position == begin + 1) {
      out.append("\xEF\xBF\xBD", {begin, position});
    } else {
      out.append(piece, begin, position);
    }
  }
  return out;
}

}  // namespace

struct BpeTokenizer::Output {
  std::vector<TokenId> ids;
  std::vector<TextSpan>* spans = nullptr;  // null: nobody asked

  void add(TokenId id, const Piece& piece, size_t begin, size_t end) {
    ids.push_back(id);
    if (spans != nullptr) spans->push_back(piece.origin(begin, end));
  }
  void add_invisible(const std::vector<TokenId>& added, size_t at) {
    ids.insert(ids.end(), added.begin(), added.end());
    if (spans != nullptr) spans->insert(spans->end(), added.size(), TextSpan{at, at});
  }
};

BpeTokenizer::BpeTokenizer(TokenizerParts parts)
    : parts_(std::move(parts)), byte_level_(parts_.pre_tokenizer.is_byte_level()), merges_(parts_.merges) {
  check_ids();
  index_tokens();
  cuts_at_marks_ = no_merge_crosses_marks();
  std::vector<AddedToken> raw;
  std::vector<AddedToken> normalized;
  std::vector<std::string> raw_patterns;
  std::vector<std::string> normalized_patterns;
  for (const AddedToken& token : parts_.added) {
    (token.normalized ? normalized : raw).push_back(token);
    (token.normalized ? normalized_patterns : raw_patterns)
        .push_back(token.normalized ? parts_.normalizer.apply(token.content) : token.content);
  }
  raw_finder_ = AddedTokenFinder(std::move(raw), raw_patterns);
  normalized_finder_ = AddedTokenFinder(std::move(normalized), normalized_patterns);
  find_stops();
}

bool BpeTokenizer::has(TokenId id) const {
  return id >= 0 && static_cast<size_t>(id) < parts_.tokens.size() && !parts_.tokens[static_cast<size_t>(id)].empty();
}

void BpeTokenizer::check_ids() const {
  const auto check = [&](TokenId id, std::string_view what) {
    if (has(id)) return;
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("{}: {}: the id {} is not in the vocabulary", parts_.name, what, id));
  };
  for (const AddedToken& token : parts_.added) check(token.id, "added tokens");
  for (const BpeMerge& merge : parts_.merges) {
    check(merge.left, "merges");
    check(merge.right, "merges");
    check(merge.merged, "merges");
  }
  for (const TokenId id : parts_.prefix) check(id, "post-processor");
  for (const TokenId id : parts_.suffix) check(id, "post-processor");
  for (const auto& [id, what] : {std::pair(parts_.bos, "BOS"),
                                 {parts_.eos, "EOS"},
                                 {parts_.pad, "padding"},
                                 {parts_.unk, "unknown token"},
                                 {parts_.model_unk, "unk_token"}}) {
    if (id) check(*id, what);
  }
}

void BpeTokenizer::index_tokens() {
  const size_t n = parts_.tokens.size();
  special_.assign(n, false);
  lengths_.assign(n, 0);
  byte_ids_.fill(-1);
  ids_.reserve(n);
  std::vector<bool> added(n, false);
  for (const AddedToken& token : parts_.added) {
    added[static_cast<size_t>(token.id)] = true;
    const bool is_byte = parts_.byte_fallback && byte_token_value(token.content) >= 0;
    special_[static_cast<size_t>(token.id)] = token.special && !is_byte;
  }
  for (size_t i = 0; i < n; ++i) {
    const std::string& token = parts_.tokens[i];
    if (token.empty()) continue;
    const auto id = static_cast<TokenId>(i);
    ids_.emplace(token, id);
    const int byte = byte_token_value(token);
    const std::string word = byte_level_ ? from_byte_level(token) : token;
    lengths_[i] = !byte_level_ && byte >= 0 ? 1 : static_cast<uint32_t>(word.size());
    if (byte_level_ && word.size() == 1) byte_ids_[static_cast<unsigned char>(word[0])] = id;
    if (!byte_level_ && byte >= 0) byte_ids_[static_cast<size_t>(byte)] = id;
    if (!byte_level_ && count_code_points(token) == 1) character_ids_.emplace(to_code_points(token).front(), id);
    if (parts_.ignore_merges && !added[i]) words_.emplace(word, id);
  }
}

void BpeTokenizer::find_stops() {
  const auto add = [&](TokenId id) {
    if (has(id) && std::find(stops_.begin(), stops_.end(), id) == stops_.end()) stops_.push_back(id);
  };
  if (parts_.eos) add(*parts_.eos);
  for (const TokenId id : parts_.further_stops) add(id);
  for (const std::string_view name : kTurnEnds) {
    const auto id = id_of(name);
    if (!id || !is_special(*id)) continue;
    if (!parts_.chat_template || parts_.chat_template->find(name) != std::string::npos) add(*id);
  }
}

bool BpeTokenizer::is_special(TokenId id) const {
  return has(id) && special_[static_cast<size_t>(id)];
}

std::optional<TokenId> BpeTokenizer::id_of(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

std::string BpeTokenizer::token_of(TokenId id) const {
  return has(id) ? parts_.tokens[static_cast<size_t>(id)] : "";
}

bool BpeTokenizer::adds_bos() const {
  return parts_.bos && std::find(parts_.prefix.begin(), parts_.prefix.end(), *parts_.bos) != parts_.prefix.end();
}

std::vector<TokenId> BpeTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  Output out;
  run(text, options, out);
  return std::move(out.ids);
}

Encoded BpeTokenizer::encode_with_spans(std::string_view text, const EncodeOptions& options) const {
  Encoded encoded;
  Output out;
  out.spans = &encoded.spans;
  run(text, options, out);
  encoded.ids = std::move(out.ids);
  return encoded;
}

void BpeTokenizer::run(std::string_view text, const EncodeOptions& options, Output& out) const {
  out.ids.reserve(text.size() / 4 + 4);
  if (options.add_special) out.add_invisible(parts_.prefix, 0);
  AlignedText valid;
  Piece piece{text};
  if (!is_valid_utf8(text)) {
    valid = repaired(text);
    piece = valid.piece();
  }
  const AddedTokenFinder::Rules rules{options.parse_special, options.plain};
  raw_finder_.split(
      piece, rules, [&](const Piece& part) { encode_text(part, rules, out); },
      [&](const Piece& part, TokenId id) { out.add(id, part, 0, part.text.size()); });
  if (options.add_special) out.add_invisible(parts_.suffix, text.size());
}

void BpeTokenizer::encode_text(const Piece& piece, const AddedTokenFinder::Rules& rules, Output& out) const {
  AlignedText changed;
  const Piece normal = parts_.normalizer.apply(piece, changed) ? changed.piece() : piece;
  const auto word = [&](const Piece& w) { encode_stretch(w, out); };
  if (normalized_finder_.empty()) return parts_.pre_tokenizer.split(normal, word);
  normalized_finder_.split(
      normal, rules, [&](const Piece& part) { parts_.pre_tokenizer.split(part, word); },
      [&](const Piece& part, TokenId id) { out.add(id, part, 0, part.text.size()); });
}

// SentencePiece-style tokenizers have no pre-tokenizer: a whole text would be one word, and no word would come twice.
// Where no merge makes a token with "▁" after another character, the text falls apart into words by itself.
bool BpeTokenizer::no_merge_crosses_marks() const {
  if (byte_level_ || parts_.ignore_merges || character_ids_.count(kMarkCharacter) == 0) return false;
  return std::none_of(parts_.merges.begin(), parts_.merges.end(), [&](const BpeMerge& merge) {
    const std::string& token = parts_.tokens[static_cast<size_t>(merge.merged)];
    return next_word(token, 0) < token.size();
  });
}

void BpeTokenizer::encode_stretch(const Piece& stretch, Output& out) const {
  if (!cuts_at_marks_) return encode_word(stretch, out);
  for (size_t begin = 0; begin < stretch.text.size();) {
    const size_t end = next_word(stretch.text, begin);
    encode_word(stretch.part(begin, end), out);
    begin = end;
  }
}

void BpeTokenizer::encode_word(const Piece& word, Output& out) const {
  const size_t first = out.ids.size();
  if (cache_.find(word.text, out.ids)) {
    if (out.spans == nullptr) return;
    size_t begin = 0;
    for (size_t i = first; i < out.ids.size(); ++i) {
      const size_t end = begin + lengths_[static_cast<size_t>(out.ids[i])];
      out.spans->push_back(word.origin(begin, end));
      begin = end;
    }
    return;
  }
  size_t covered = 0;
  for (const BpeSymbol& symbol : merged(word.text)) {
    out.add(symbol.id, word, symbol.begin, symbol.end);
    if (symbol.id != parts_.model_unk) covered += lengths_[static_cast<size_t>(symbol.id)];
  }
  // Only words whose tokens' lengths tell where they stand: none was dropped, none is unknown.
  if (covered == word.text.size()) cache_.remember(word.text, out.ids.data() + first, out.ids.size() - first);
}

std::vector<BpeSymbol> BpeTokenizer::merged(std::string_view word) const {
  if (parts_.ignore_merges) {
    const auto whole = words_.find(word);
    if (whole != words_.end()) return {{whole->second, 0, static_cast<uint32_t>(word.size())}};
  }
  if (word.size() >= UINT32_MAX) {
    throw Error(ErrorCode::kTooLarge,
                fmt::format("a word of {} bytes cannot be tokenised; at most 4 GiB", word.size()));
  }
  std::vector<BpeSymbol> symbols;
  symbols.reserve(word.size());
  if (byte_level_) {
    add_bytes(word, symbols);
  } else {
    add_characters(word, symbols);
  }
  merges_.apply(symbols);
  return symbols;
}

void BpeTokenizer::add_bytes(std::string_view word, std::vector<BpeSymbol>& symbols) const {
  for (uint32_t i = 0; i < word.size(); ++i) {
    TokenId id = byte_ids_[static_cast<unsigned char>(word[i])];
    if (id < 0 && parts_.model_unk) id = *parts_.model_unk;
    if (id >= 0) symbols.push_back({id, i, i + 1});
  }
}

bool BpeTokenizer::add_byte_tokens(std::string_view word, TextSpan character, std::vector<BpeSymbol>& symbols) const {
  if (!parts_.byte_fallback) return false;
  for (size_t i = character.begin; i < character.end; ++i) {
    if (byte_ids_[static_cast<unsigned char>(word[i])] < 0) return false;
  }
  for (size_t i = character.begin; i < character.end; ++i) {
    const auto begin = static_cast<uint32_t>(i);
    symbols.push_back({byte_ids_[static_cast<unsigned char>(word[i])], begin, begin + 1});
  }
  return true;
}

void BpeTokenizer::add_characters(std::string_view word, std::vector<BpeSymbol>& symbols) const {
  bool last_is_unknown = false;
  for (size_t position = 0; position < word.size();) {
    const size_t begin = position;
    const auto known = character_ids_.find(next_code_point(word, position));
    const auto end = static_cast<uint32_t>(position);
    if (known != character_ids_.end()) {
      symbols.push_back({known->second, static_cast<uint32_t>(begin), end});
    } else if (add_byte_tokens(word, {begin, position}, symbols)) {
      last_is_unknown = false;
      continue;
    } else if (parts_.model_unk && last_is_unknown && parts_.fuse_unk) {
      symbols.back().end = end;
    } else if (parts_.model_unk) {
      symbols.push_back({*parts_.model_unk, static_cast<uint32_t>(begin), end});
      last_is_unknown = true;
      continue;
    }
    if (known != character_ids_.end()) last_is_unknown = false;
  }
}

std::string BpeTokenizer::decode(std::span<const TokenId> ids) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const TokenId id : ids) {
    if (has(id)) tokens.push_back(parts_.tokens[static_cast<size_t>(id)]);
  }
  return parts_.decoder.decode(std::move(tokens));
}

std::string BpeTokenizer::bytes_of(TokenId id) const {
  return has(id) ? parts_.decoder.bytes_of(token_of(id)) : "";
}

std::string BpeTokenizer::first_bytes_of(TokenId id) const {
  return has(id) ? parts_.decoder.first_bytes_of(token_of(id)) : "";
}

}  // namespace understudy
