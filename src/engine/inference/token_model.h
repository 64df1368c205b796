// What the engine's loop needs of a model: tokens in, logits out. DecoderModel is the real one; tests put a scripted
// one in its place, so that scheduling, streaming and cancelling are checked with tokens that are known beforehand.
// Used by one thread.
#pragma once

#include <memory>
#include <span>

#include "engine/model/decoder.h"
#include "engine/model/kv_cache.h"

namespace understudy {

class TokenModel {
 public:
  virtual ~TokenModel() = default;
  virtual const ModelConfig& config() const = 0;
  // As Decoder::forward: logits f32 [entries, vocab] after the last token of each entry, valid until the next call.
  // Where it throws, the sequences may have grown; the caller truncates them.
  virtual ConstTensorView forward(std::span<const BatchEntry> batch, KvCache& cache) = 0;
};

class DecoderModel : public TokenModel {
 public:
  explicit DecoderModel(std::shared_ptr<const Model> model) : decoder_(std::move(model)) {}
  const ModelConfig& config() const override { return decoder_.model().config(); }
  ConstTensorView forward(std::span<const BatchEntry> batch, KvCache& cache) override {
    return decoder_.forward(batch, cache);
  }

 private:
  Decoder decoder_;
};

}  // namespace understudy
