// Tokenised examples, all in two flat arrays: 5 bytes a token, so that 25 million tokens are 125 MB. An example is its
// token ids and, for each, whether the model has to learn to write it. Masking is by position only: an id is never "the
// padding". Filled by one thread; read-only afterwards and then shareable.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/model/training_graph.h"

namespace understudy {

// Where an example came from: line (or element) `line` of file `file` in the list that the loader keeps.
struct ExampleOrigin {
  int32_t file = 0;
  int32_t line = 0;
};

class ExampleSet {
 public:
  // trained[i]: token i is a target. The first token never is one (nothing stands before it to predict it from).
  void add(std::span<const int32_t> ids, std::span<const uint8_t> trained, ExampleOrigin origin);
  void append(const ExampleSet& other);

  int64_t size() const { return static_cast<int64_t>(targets_.size()); }
  int64_t tokens() const { return static_cast<int64_t>(ids_.size()); }
  int64_t length(int64_t i) const { return begins_[static_cast<size_t>(i) + 1] - begins_[static_cast<size_t>(i)]; }
  int32_t targets(int64_t i) const { return targets_[static_cast<size_t>(i)]; }
  ExampleOrigin origin(int64_t i) const { return origins_[static_cast<size_t>(i)]; }
  std::span<const int32_t> ids(int64_t i) const;
  std::span<const uint8_t> trained(int64_t i) const;

  // Puts the examples one behind the other into `rows`, whose memory is reused. Targets are shifted by one within each
  // example and never cross from one to the next.
  void fill(std::span<const int32_t> examples, PackedRows& rows) const;

  // SHA-256 over the ids, marks and lengths of the given examples: changes with the data, the template and the
  // tokenizer.
  std::string sha256(std::span<const int32_t> examples) const;

 private:
  std::vector<int32_t> ids_;
  std::vector<uint8_t> trained_;
  std::vector<int64_t> begins_ = {0};
  std::vector<int32_t> targets_;
  std::vector<ExampleOrigin> origins_;
};

}  // namespace understudy
