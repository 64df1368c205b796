// A TokenModel whose answers are known beforehand, and a tokenizer of bytes, for tests of the engine's loop. The model
// keeps each token in the KV cache, where its key would stand, and reads the whole history back from there: pages that
// are mixed up, given away too early or not computed again would change what it says.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "engine/inference/token_model.h"
#include "engine/text/tokenizer.h"

namespace understudy {

inline constexpr TokenId kEndToken = 256;       // a control token
inline constexpr TokenId kTextlessToken = 298;  // the model has it, the tokenizer does not
inline constexpr int64_t kScriptedVocab = 300;

inline std::vector<TokenId> byte_tokens(std::string_view text) {
  std::vector<TokenId> ids;
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  return ids;
}

// Ids 0 to 255 are bytes, 256 ends an answer.
class ByteTokenizer : public Tokenizer {
 public:
  std::vector<TokenId> encode(std::string_view text, const EncodeOptions&) const override { return byte_tokens(text); }
  Encoded encode_with_spans(std::string_view text, const EncodeOptions&) const override {
    Encoded encoded{.ids = byte_tokens(text)};
    for (size_t i = 0; i < text.size(); ++i) encoded.spans.push_back({i, i + 1});
    return encoded;
  }
  std::string decode(std::span<const TokenId> ids) const override {
    std::string text;
    for (const TokenId id : ids) text += bytes_of(id);
    return text;
  }
  std::string bytes_of(TokenId id) const override {
    CHECK(id >= 0 && id <= kEndToken, "the id is the tokenizer's");
    return id == kEndToken ? "<end>" : std::string(1, static_cast<char>(id));
  }
  std::string first_bytes_of(TokenId id) const override { return bytes_of(id); }
  size_t vocab_size() const override { return 257; }
  bool is_special(TokenId id) const override { return id == kEndToken; }
  std::optional<TokenId> id_of(std::string_view token) const override {
    return token == "<end>" ? std::optional<TokenId>(kEndToken) : std::nullopt;
  }
  std::string token_of(TokenId id) const override { return bytes_of(id); }
  std::optional<TokenId> bos() const override { return std::nullopt; }
  std::optional<TokenId> eos() const override { return kEndToken; }
  std::optional<TokenId> pad() const override { return std::nullopt; }
  std::optional<TokenId> unk() const override { return std::nullopt; }
  bool adds_bos() const override { return false; }
  std::vector<TokenId> stop_tokens() const override { return {kEndToken}; }
  std::optional<std::string> chat_template() const override { return std::nullopt; }
  void write_gguf(GgufWriter&, int64_t) const override {}
};

class ScriptedModel : public TokenModel {
 public:
  // Fills the logits [kScriptedVocab], zeros before, for the token that follows the history; may throw.
  using Script = std::function<void(std::span<const TokenId> history, std::span<float> logits)>;

  // before_forward is called first in each forward(), on the engine's thread, with the batch.
  explicit ScriptedModel(Script script, std::function<void(std::span<const BatchEntry>)> before_forward = {})
      : script_(std::move(script)), before_forward_(std::move(before_forward)) {
    config_.vocab_size = kScriptedVocab;
    config_.width = config_.n_layers = config_.n_heads = config_.n_kv_heads = config_.head_dim = config_.ffn_width = 1;
    config_.max_positions = 4096;
  }
  const ModelConfig& config() const override { return config_; }

  ConstTensorView forward(std::span<const BatchEntry> batch, KvCache& cache) override {
    if (before_forward_) before_forward_(batch);
    logits_ = Tensor(DType::kF32, Shape{static_cast<int64_t>(batch.size()), kScriptedVocab});
    for (size_t i = 0; i < batch.size(); ++i) {
      for (const TokenId token : batch[i].tokens) remember(*batch[i].sequence, token, cache);
      float* row = logits_.f32() + i * kScriptedVocab;
      script_(history(*batch[i].sequence, cache), {row, static_cast<size_t>(kScriptedVocab)});
    }
    return logits_.const_view();
  }

 private:
  static float& place(const CacheSequence& sequence, int64_t position, KvCache& cache) {
    const int32_t page = sequence.pages.at(static_cast<size_t>(position / kPageTokens));
    return cache.keys(page, 0)[position % kPageTokens];
  }
  static void remember(CacheSequence& sequence, TokenId token, KvCache& cache) {
    place(sequence, sequence.length, cache) = static_cast<float>(token);
    sequence.length += 1;
  }
  static std::vector<TokenId> history(const CacheSequence& sequence, KvCache& cache) {
    std::vector<TokenId> tokens;
    for (int64_t i = 0; i < sequence.length; ++i) tokens.push_back(static_cast<TokenId>(place(sequence, i, cache)));
    return tokens;
  }

  const Script script_;
  const std::function<void(std::span<const BatchEntry>)> before_forward_;
  ModelConfig config_;
  Tensor logits_;
};

// Continues a prompt, which goes up to the last '>', with `answer`, one byte a token, and then ends.
inline ScriptedModel::Script saying(std::string answer) {
  return [answer = std::move(answer)](std::span<const TokenId> history, std::span<float> logits) {
    const auto prompt_end = std::find(history.rbegin(), history.rend(), '>');
    const size_t said = static_cast<size_t>(prompt_end - history.rbegin());
    const bool over = said >= answer.size();
    logits[static_cast<size_t>(over ? kEndToken : static_cast<unsigned char>(answer[said]))] = 20;
  };
}

// Letters, all about equally probable, with noise that depends on every token of the history.
inline ScriptedModel::Script rambling() {
  return [](std::span<const TokenId> history, std::span<float> logits) {
    uint64_t key = 7;
    for (const TokenId token : history) key = Random(key, static_cast<uint64_t>(token)).at(0);
    std::fill(logits.begin(), logits.end(), -50.0F);
    Random noise(key);
    for (size_t i = 'a'; i <= 'z'; ++i) logits[i] = static_cast<float>(noise.uniform());
  };
}

}  // namespace understudy
