#include "engine/model/kv_cache.h"

namespace understudy {

namespace {
int64_t pages_for(int64_t tokens) {
  return (tokens + kPageTokens - 1) / kPageTokens;
}
}  // namespace

KvCache::KvCache(const ModelConfig& config, int64_t max_tokens)
    : page_floats_per_layer_(2 * config.kv_width() * kPageTokens),
      n_layers_(config.n_layers),
      n_pages_(pages_for(max_tokens)) {
  pages_.resize(static_cast<size_t>(n_pages_));
  for (int64_t page = n_pages_ - 1; page >= 0; --page) free_.push_back(static_cast<int32_t>(page));
}

bool KvCache::reserve(CacheSequence& sequence, int64_t tokens) {
  const int64_t missing = pages_for(tokens) - static_cast<int64_t>(sequence.pages.size());
  if (missing > static_cast<int64_t>(free_.size())) return false;
  for (int64_t i = 0; i < missing; ++i) {
    const int32_t page = free_.back();
    Tensor& memory = pages_[static_cast<size_t>(page)];
    // Zeros, because masked positions are multiplied by a probability of zero and have to be finite.
    if (!memory) memory = Tensor(DType::kF32, Shape{n_layers_ * page_floats_per_layer_});
    free_.pop_back();
    sequence.pages.push_back(page);
  }
  return true;
}

void KvCache::release(CacheSequence& sequence) {
  truncate(sequence, 0);
}

void KvCache::truncate(CacheSequence& sequence, int64_t length) {
  CHECK(length <= sequence.length || length == 0, "a sequence cannot be cut to more than it has");
  while (static_cast<int64_t>(sequence.pages.size()) > pages_for(length)) {
    free_.push_back(sequence.pages.back());
    sequence.pages.pop_back();
  }
  sequence.length = length;
}

int64_t KvCache::free_tokens() const {
  return static_cast<int64_t>(free_.size()) * kPageTokens;
}

size_t KvCache::bytes_per_token() const {
  return static_cast<size_t>(n_layers_ * page_floats_per_layer_ / kPageTokens) * sizeof(float);
}

float* KvCache::keys(int32_t page, int64_t layer) {
  return pages_[static_cast<size_t>(page)].f32() + layer * page_floats_per_layer_;
}

float* KvCache::values(int32_t page, int64_t layer) {
  return keys(page, layer) + page_floats_per_layer_ / 2;
}

}  // namespace understudy
