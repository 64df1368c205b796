#include "engine/text/tokenizer_gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/utf8.h"
#include "engine/formats/gguf.h"

namespace understudy {

namespace {

// tokenizer.ggml.token_type (llama.cpp's llama_token_type).
enum TokenType : int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

constexpr const char* kNormalizerKey = "understudy.tokenizer.normalizer";  // "NFC" or "none"
constexpr const char* kIgnoreMergesKey = "understudy.tokenizer.ignore_merges";
constexpr std::string_view kMetaspace = "\xE2\x96\x81";
constexpr float kNeverMerged = -1e9F;  // a score below every other

// What a value of tokenizer.ggml.pre stands for. The first row of a split is the one that is written.
struct Pre {
  std::string_view name;
  const char* split;
  bool ignore_merges;
  bool adds_bos;  // where add_bos_token is absent
  bool nfc;       // what the family's makers do; llama.cpp leaves it out
};
const Pre kPres[] = {
    {"llama-bpe", kLlama3Split, true, true, false}, {"llama3", kLlama3Split, true, true, false},
    {"llama-v3", kLlama3Split, true, true, false},  {"qwen2", kQwen2Split, false, false, true},
    {"gpt-2", kGpt2Split, false, false, false},     {"default", kGpt2Split, false, false, false},
    {"tekken", kTekkenSplit, true, true, false},
};

const Pre& pre_named(std::string_view name, const std::string& where) {
  for (const Pre& pre : kPres) {
    if (pre.name == name) return pre;
  }
  throw Error(ErrorCode::kInvalidInput, fmt::format("{}: tokenizer.ggml.pre: \"{}\" is not supported", where, name),
              "known are llama-bpe, qwen2, gpt-2, default and tekken");
}

[[noreturn]] void refuse(const std::string& where, std::string_view key, std::string message) {
  throw Error(ErrorCode::kInvalidInput, fmt::format("{}: {}: {}", where, key, message));
}

std::optional<TokenId> id_at(const GgufFile& file, const char* key, size_t n_tokens) {
  const auto id = file.integer(key);
  if (!id) return std::nullopt;
  if (*id < 0 || *id >= static_cast<int64_t>(n_tokens)) {
    refuse(file.path().string(), key, fmt::format("the id {} is not in the vocabulary of {} tokens", *id, n_tokens));
  }
  return static_cast<TokenId>(*id);
}

struct TypedTokens {
  std::vector<std::string> tokens;
  std::vector<int64_t> types;
};

TypedTokens read_tokens(const GgufFile& file) {
  const std::string where = file.path().string();
  const auto* tokens = file.texts("tokenizer.ggml.tokens");
  if (tokens == nullptr || tokens->empty())
    refuse(where, "tokenizer.ggml.tokens", "expected a list of tokens, found none");
  if (tokens->size() > kVocabularyLimit)
    refuse(where, "tokenizer.ggml.tokens",
           fmt::format("{} tokens; at most {} are read", tokens->size(), kVocabularyLimit));
  TypedTokens typed{*tokens, std::vector<int64_t>(tokens->size(), kNormal)};
  if (const auto* types = file.integers("tokenizer.ggml.token_type")) {
    if (types->size() != tokens->size()) {
      refuse(where, "tokenizer.ggml.token_type",
             fmt::format("{} entries for {} tokens", types->size(), tokens->size()));
    }
    typed.types = *types;
  }
  return typed;
}

// Control tokens and user-defined ones are found in the text before anything else; unused ones are no tokens at all.
void add_by_type(TokenizerParts& parts, const std::vector<int64_t>& types) {
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i] == kUnused) parts.tokens[i].clear();
    if (parts.tokens[i].empty()) continue;
    if (types[i] != kControl && types[i] != kUserDefined && types[i] != kUnknown) continue;
    AddedToken token;
    token.id = static_cast<TokenId>(i);
    token.content = parts.tokens[i];
    token.special = types[i] != kUserDefined;
    parts.added.push_back(std::move(token));
  }
}

std::unordered_map<std::string_view, TokenId> index_of(const std::vector<std::string>& tokens) {
  std::unordered_map<std::string_view, TokenId> ids;
  ids.reserve(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!tokens[i].empty()) ids.emplace(tokens[i], static_cast<TokenId>(i));
  }
  return ids;
}

void read_merges(TokenizerParts& parts, const GgufFile& file) {
  constexpr const char* kKey = "tokenizer.ggml.merges";
  const auto* merges = file.texts(kKey);
  if (merges == nullptr) refuse(parts.name, kKey, "expected a list of merges, found none");
  const auto ids = index_of(parts.tokens);
  const auto find = [&](const std::string& token, size_t i) {
    const auto found = ids.find(token);
    if (found == ids.end())
      refuse(parts.name, kKey, fmt::format("entry {}: \"{}\" is not in the vocabulary", i, token));
    return found->second;
  };
  for (size_t i = 0; i < merges->size(); ++i) {
    const std::string& merge = (*merges)[i];
    const size_t space = merge.find(' ', 1);
    if (space == std::string::npos || space + 1 == merge.size()) {
      refuse(parts.name, kKey, fmt::format("entry {}: expected \"left right\", got \"{}\"", i, merge));
    }
    const std::string left = merge.substr(0, space);
    const std::string right = merge.substr(space + 1);
    parts.merges.push_back({find(left, i), find(right, i), find(left + right, i), static_cast<int32_t>(i)});
  }
}

void read_byte_level(TokenizerParts& parts, const GgufFile& file) {
  const Pre& pre = pre_named(file.text("tokenizer.ggml.pre").value_or("default"), parts.name);
  std::vector<PreTokenizerStep> steps;
  if (std::string_view(pre.split) == kGpt2Split) {
    steps.emplace_back(ByteLevelStep{false, Regex(pre.split, parts.name)});
  } else {
    steps.emplace_back(SplitStep{Regex(pre.split, parts.name)});
    steps.emplace_back(ByteLevelStep{});
  }
  parts.pre_tokenizer = PreTokenizer(std::move(steps));
  parts.decoder = Decoder({ByteLevelDecoder{}});
  parts.ignore_merges = file.flag(kIgnoreMergesKey).value_or(pre.ignore_merges);
  if (file.text(kNormalizerKey).value_or(pre.nfc ? "NFC" : "none") == "NFC")
    parts.normalizer = Normalizer({UnicodeForm::kNfc});
  read_merges(parts, file);
  if (file.flag("tokenizer.ggml.add_bos_token").value_or(pre.adds_bos) && parts.bos) parts.prefix.push_back(*parts.bos);
}

// Merges from scores, as SentencePiece has them: of two neighbours whose joined text is a token, the one with the
// highest score goes first. Every way to cut a token into two tokens is a merge of its rank.
void add_merges_by_score(TokenizerParts& parts, const std::vector<int64_t>& types, const std::vector<double>& scores) {
  std::vector<double> order;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (types[i] == kNormal) order.push_back(-scores[i]);
  }
  std::sort(order.begin(), order.end());
  order.erase(std::unique(order.begin(), order.end()), order.end());
  std::unordered_map<std::string_view, TokenId> ids;
  for (size_t i = 0; i < parts.tokens.size(); ++i) {
    if (types[i] == kNormal && !parts.tokens[i].empty()) ids.emplace(parts.tokens[i], static_cast<TokenId>(i));
  }
  for (const auto& [token, id] : ids) {
    const auto rank = std::lower_bound(order.begin(), order.end(), -scores[static_cast<size_t>(id)]) - order.begin();
    size_t cut = 0;
    for (next_code_point(token, cut); cut < token.size(); next_code_point(token, cut)) {
      const auto left = ids.find(token.substr(0, cut));
      const auto right = ids.find(token.substr(cut));
      if (left == ids.end() || right == ids.end()) continue;
      parts.merges.push_back({left->second, right->second, id, static_cast<int32_t>(rank)});
    }
  }
}

void read_sentencepiece(TokenizerParts& parts, const GgufFile& file, const std::vector<int64_t>& types) {
  constexpr const char* kKey = "tokenizer.ggml.scores";
  const auto* scores = file.numbers(kKey);
  if (scores == nullptr || scores->size() != parts.tokens.size()) {
    refuse(parts.name, kKey,
           fmt::format("expected a score for each of {} tokens, found {}", parts.tokens.size(),
                       scores == nullptr ? 0 : scores->size()));
  }
  if (std::any_of(scores->begin(), scores->end(), [](double score) { return score != score; })) {
    refuse(parts.name, kKey, "a score is not a number");
  }
  const bool prefix = file.flag("tokenizer.ggml.add_space_prefix").value_or(true);
  std::vector<NormalizerStep> normalizer;
  if (prefix) normalizer.emplace_back(PrependText{std::string(kMetaspace)});
  normalizer.emplace_back(ReplaceText{Regex::literal(" ", parts.name), std::string(kMetaspace)});
  parts.normalizer = Normalizer(std::move(normalizer));
  parts.decoder = Decoder({ReplaceDecoder{Regex::literal(kMetaspace, parts.name), " "}, ByteFallbackDecoder{},
                           FuseDecoder{}, StripDecoder{" ", prefix ? size_t{1} : size_t{0}, 0}});
  parts.byte_fallback = parts.fuse_unk = true;
  parts.model_unk = parts.unk;
  add_merges_by_score(parts, types, *scores);
  if (file.flag("tokenizer.ggml.add_bos_token").value_or(true) && parts.bos) parts.prefix.push_back(*parts.bos);
}

// Writing.

enum class Style { kByteLevel, kSentencePiece };

Error cannot_be_written(const TokenizerParts& parts, std::string_view what) {
  return Error(ErrorCode::kUnavailable, fmt::format("{}: {} has no counterpart in GGUF", parts.name, what),
               "the model can be served from its folder");
}

const Pre& pre_for(const TokenizerParts& parts) {
  const auto split = parts.pre_tokenizer.only_split();
  if (split) {
    for (const Pre& pre : kPres) {
      if (*split == pre.split) return pre;
    }
  }
  throw cannot_be_written(parts, split ? fmt::format("the pre-tokenizer's split \"{}\"", *split) : "the pre-tokenizer");
}

// Whether a space is put in front of the text, for a tokenizer that GGUF's model "llama" can describe.
bool space_prefix_of(const TokenizerParts& parts) {
  if (!parts.byte_fallback) throw cannot_be_written(parts, "byte-pair encoding over characters without byte fallback");
  if (const MetaspaceStep* step = parts.pre_tokenizer.only_metaspace()) {
    if (parts.normalizer.empty() && step->replacement == kMetaspace) return step->prepend != PrependScheme::kNever;
  }
  const std::string prepended = parts.normalizer.prepended();
  const bool marks_spaces = parts.normalizer.apply("a b") == prepended + "a" + std::string(kMetaspace) + "b";
  if (!parts.pre_tokenizer.empty() || !marks_spaces || !(prepended.empty() || prepended == kMetaspace)) {
    throw cannot_be_written(parts, "what the normaliser or the pre-tokenizer does");
  }
  return !prepended.empty();
}

int32_t type_of(const BpeTokenizer& tokenizer, TokenId id, const std::map<TokenId, const AddedToken*>& added,
                Style style) {
  const TokenizerParts& parts = tokenizer.parts();
  const std::string& token = parts.tokens[static_cast<size_t>(id)];
  if (style == Style::kSentencePiece && byte_token_value(token) >= 0) return kByte;
  if (style == Style::kSentencePiece && parts.unk == id) return kUnknown;
  const auto found = added.find(id);
  if (found == added.end()) return kNormal;
  return found->second->special ? kControl : kUserDefined;
}

void write_tokens(const BpeTokenizer& tokenizer, GgufWriter& writer, size_t count, Style style) {
  const TokenizerParts& parts = tokenizer.parts();
  std::map<TokenId, const AddedToken*> added;
  for (const AddedToken& token : parts.added) added[token.id] = &token;
  std::vector<std::string> tokens = parts.tokens;
  tokens.resize(count);
  std::vector<int32_t> types(count, kUnused);
  for (size_t i = 0; i < count; ++i) {
    if (tokens[i].empty()) {
      tokens[i] = fmt::format("[PAD{}]", i);
    } else {
      types[i] = type_of(tokenizer, static_cast<TokenId>(i), added, style);
    }
  }
  writer.set_texts("tokenizer.ggml.tokens", std::move(tokens));
  writer.set_i32s("tokenizer.ggml.token_type", std::move(types));
}

void write_merges(const TokenizerParts& parts, GgufWriter& writer) {
  std::vector<BpeMerge> sorted = parts.merges;
  std::stable_sort(sorted.begin(), sorted.end(), [](const BpeMerge& a, const BpeMerge& b) { return a.rank < b.rank; });
  std::vector<std::string> merges;
  merges.reserve(sorted.size());
  for (const BpeMerge& merge : sorted) {
    merges.push_back(parts.tokens[static_cast<size_t>(merge.left)] + " " +
                     parts.tokens[static_cast<size_t>(merge.right)]);
  }
  writer.set_texts("tokenizer.ggml.merges", std::move(merges));
}

// A token's score is minus the rank of the first merge that makes it.
void write_scores(const TokenizerParts& parts, GgufWriter& writer, size_t count) {
  std::vector<float> scores(count, kNeverMerged);
  for (const BpeMerge& merge : parts.merges) {
    float& score = scores[static_cast<size_t>(merge.merged)];
    score = std::max(score, -static_cast<float>(merge.rank));
  }
  writer.set_f32s("tokenizer.ggml.scores", std::move(scores));
}

void write_special_ids(const TokenizerParts& parts, GgufWriter& writer) {
  const std::pair<const char*, std::optional<TokenId>> ids[] = {
      {"bos", parts.bos}, {"eos", parts.eos}, {"unknown", parts.unk}, {"padding", parts.pad}};
  for (const auto& [name, id] : ids) {
    if (id) writer.set_u32(fmt::format("tokenizer.ggml.{}_token_id", name), static_cast<uint32_t>(*id));
  }
}

// llama.cpp takes a whole word that is a token without merging where `pre` says so. Says aloud where that differs.
void compare_ignore_merges(const BpeTokenizer& tokenizer, const Pre& pre) {
  const TokenizerParts& parts = tokenizer.parts();
  if (parts.ignore_merges == pre.ignore_merges) return;
  log_warning(fmt::format(
      "{}: ignore_merges is {}, but llama.cpp reads tokenizers of its kind \"{}\" with {}: a few words may be "
      "tokenised otherwise there",
      parts.name, parts.ignore_merges, pre.name, pre.ignore_merges));
}

void write_byte_level(const BpeTokenizer& tokenizer, GgufWriter& writer, size_t count) {
  const TokenizerParts& parts = tokenizer.parts();
  const Pre& pre = pre_for(parts);
  if (parts.normalizer.rewrites()) throw cannot_be_written(parts, "what the normaliser does");
  compare_ignore_merges(tokenizer, pre);
  writer.set("tokenizer.ggml.model", "gpt2");
  writer.set("tokenizer.ggml.pre", std::string(pre.name));
  write_tokens(tokenizer, writer, count, Style::kByteLevel);
  write_merges(parts, writer);
  writer.set(kNormalizerKey, parts.normalizer.has(UnicodeForm::kNfc) ? "NFC" : "none");
  writer.set_bool(kIgnoreMergesKey, parts.ignore_merges);
}

void write_sentencepiece(const BpeTokenizer& tokenizer, GgufWriter& writer, size_t count) {
  const TokenizerParts& parts = tokenizer.parts();
  const bool prefix = space_prefix_of(parts);
  writer.set("tokenizer.ggml.model", "llama");
  writer.set("tokenizer.ggml.pre", "default");
  write_tokens(tokenizer, writer, count, Style::kSentencePiece);
  write_scores(parts, writer, count);
  writer.set_bool("tokenizer.ggml.add_space_prefix", prefix);
}

}  // namespace

std::shared_ptr<const Tokenizer> read_tokenizer_gguf(const GgufFile& file) {
  TokenizerParts parts;
  parts.name = file.path().string();
  const std::string model = file.required_text("tokenizer.ggml.model");
  TypedTokens typed = read_tokens(file);
  parts.tokens = std::move(typed.tokens);
  const size_t n = parts.tokens.size();
  parts.bos = id_at(file, "tokenizer.ggml.bos_token_id", n);
  parts.eos = id_at(file, "tokenizer.ggml.eos_token_id", n);
  parts.pad = id_at(file, "tokenizer.ggml.padding_token_id", n);
  parts.unk = id_at(file, "tokenizer.ggml.unknown_token_id", n);
  if (const auto eot = id_at(file, "tokenizer.ggml.eot_token_id", n)) parts.further_stops.push_back(*eot);
  parts.chat_template = file.text("tokenizer.chat_template");
  add_by_type(parts, typed.types);
  if (model == "gpt2") {
    read_byte_level(parts, file);
  } else if (model == "llama") {
    read_sentencepiece(parts, file, typed.types);
  } else {
    refuse(parts.name, "tokenizer.ggml.model",
           fmt::format("\"{}\" is not supported; expected \"gpt2\" or \"llama\"", model));
  }
  if (file.flag("tokenizer.ggml.add_eos_token").value_or(false) && parts.eos) parts.suffix.push_back(*parts.eos);
  return std::make_shared<BpeTokenizer>(std::move(parts));
}

void write_tokenizer_gguf(const BpeTokenizer& tokenizer, GgufWriter& writer, int64_t model_vocab_size) {
  const TokenizerParts& parts = tokenizer.parts();
  if (static_cast<int64_t>(parts.tokens.size()) > model_vocab_size) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("{}: {} tokens, but the model has rows for {}", parts.name,
                                                      parts.tokens.size(), model_vocab_size));
  }
  const auto count = static_cast<size_t>(model_vocab_size);
  if (parts.pre_tokenizer.is_byte_level()) {
    write_byte_level(tokenizer, writer, count);
  } else {
    write_sentencepiece(tokenizer, writer, count);
  }
  write_special_ids(parts, writer);
  writer.set_bool("tokenizer.ggml.add_bos_token", tokenizer.adds_bos());
  writer.set_bool("tokenizer.ggml.add_eos_token", !parts.suffix.empty());
  if (parts.chat_template) writer.set("tokenizer.chat_template", *parts.chat_template);
}

void BpeTokenizer::write_gguf(GgufWriter& writer, int64_t model_vocab_size) const {
  write_tokenizer_gguf(*this, writer, model_vocab_size);
}

}  // namespace understudy
