// Cosines and sines of rotary position embedding (Su et al. 2021), with Llama 3's scaling of the frequencies. Grows as
// positions are asked for. Owned by one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/model/model_config.h"

namespace understudy {

class RopeTable {
 public:
  explicit RopeTable(const ModelConfig& config);
  void cover(int64_t positions);                            // makes rows 0 .. positions - 1 be there
  const float* cosines() const { return cosines_.data(); }  // [positions, head_dim / 2]
  const float* sines() const { return sines_.data(); }

 private:
  std::vector<double> frequencies_;  // radians per position of each pair
  std::vector<float> cosines_, sines_;
  int64_t positions_ = 0;
};

// Radians per position of each of head_dim / 2 pairs: theta^(-2i / head_dim), scaled.
std::vector<double> rope_frequencies(const ModelConfig& config);

}  // namespace understudy
