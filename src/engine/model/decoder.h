// Tokens of many sequences at once through the decoder's layers. Each sequence has its own adapter or none, and its
// keys and values in the cache; prompts in chunks and single tokens mix in one batch. A row's result does not depend on
// which other rows are in the batch. Used by one thread; the operations spread over the OpenMP team under it.
#pragma once

#include <memory>
#include <span>

#include "engine/model/adapter.h"
#include "engine/model/kv_cache.h"
#include "engine/model/model.h"

namespace understudy {

struct BatchEntry {
  CacheSequence* sequence = nullptr;  // pages reserved by the caller for length + tokens
  std::span<const int32_t> tokens;    // appended at the sequence's length, which grows by their number
  const Adapter* adapter = nullptr;
  bool all_logits = false;  // of every token instead of the last one only
};

class Decoder {
 public:
  explicit Decoder(std::shared_ptr<const Model> model);
  ~Decoder();
  // Logits f32 [rows, vocab]: entries in order, one row each or one per token. Valid until the next call.
  // Throws kInvalidInput for a token id outside the vocabulary.
  ConstTensorView forward(std::span<const BatchEntry> batch, KvCache& cache);
  const Model& model() const { return *model_; }

  struct Workspace;  // memory of a forward pass; decoder.cc

 private:
  std::shared_ptr<const Model> model_;
  std::unique_ptr<Workspace> workspace_;
};

}  // namespace understudy
