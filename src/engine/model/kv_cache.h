// Keys and values of past tokens, in pages of kPageTokens tokens that sequences take and give back. Used by one thread.
// A page holds, per layer and in f32: K [n_kv_heads, head_dim, kPageTokens], transposed as cached_attention wants it,
// then V [n_kv_heads, kPageTokens, head_dim].
#pragma once

#include <cstdint>
#include <vector>

#include "engine/model/model_config.h"
#include "engine/tensor/tensor.h"

namespace understudy {

inline constexpr int64_t kPageTokens = 32;

// One sequence's place in the cache; a plain value that the sequence's owner keeps.
struct CacheSequence {
  std::vector<int32_t> pages;
  int64_t length = 0;  // tokens whose keys and values are there
};

class KvCache {
 public:
  KvCache(const ModelConfig& config,
          int64_t max_tokens);  // rounded up to pages; memory is taken page by page as needed
  // Takes pages until the sequence can hold `tokens` tokens. False, and nothing taken, when there are not enough.
  [[nodiscard]] bool reserve(CacheSequence& sequence, int64_t tokens);
  void release(CacheSequence& sequence);  // gives back everything
  void truncate(CacheSequence& sequence, int64_t length);
  int64_t free_tokens() const;
  int64_t max_tokens() const { return n_pages_ * kPageTokens; }
  size_t bytes_per_token() const;

  float* keys(int32_t page, int64_t layer);
  float* values(int32_t page, int64_t layer);

 private:
  int64_t page_floats_per_layer_ = 0;
  int64_t n_layers_ = 0;
  int64_t n_pages_ = 0;
  std::vector<Tensor> pages_;  // allocated at first use, kept
  std::vector<int32_t> free_;
};

}  // namespace understudy
