#include "engine/training/example_set.h"

#include "base/error.h"
#include "base/hash.h"

namespace understudy {

namespace {

template <class T>
std::string_view bytes_of_span(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

}  // namespace

void ExampleSet::add(std::span<const int32_t> ids, std::span<const uint8_t> trained, ExampleOrigin origin) {
  CHECK(ids.size() == trained.size(), "one mark per token");
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  int32_t n_targets = 0;
  for (size_t i = 0; i < trained.size(); ++i) {
    const bool is_target = i > 0 && trained[i] != 0;
    trained_.push_back(is_target ? 1 : 0);
    n_targets += is_target ? 1 : 0;
  }
  begins_.push_back(static_cast<int64_t>(ids_.size()));
  targets_.push_back(n_targets);
  origins_.push_back(origin);
}

void ExampleSet::append(const ExampleSet& other) {
  const int64_t base = tokens();
  ids_.insert(ids_.end(), other.ids_.begin(), other.ids_.end());
  trained_.insert(trained_.end(), other.trained_.begin(), other.trained_.end());
  for (size_t i = 1; i < other.begins_.size(); ++i) begins_.push_back(base + other.begins_[i]);
  targets_.insert(targets_.end(), other.targets_.begin(), other.targets_.end());
  origins_.insert(origins_.end(), other.origins_.begin(), other.origins_.end());
}

std::span<const int32_t> ExampleSet::ids(int64_t i) const {
  return std::span(ids_).subspan(static_cast<size_t>(begins_[static_cast<size_t>(i)]), static_cast<size_t>(length(i)));
}

std::span<const uint8_t> ExampleSet::trained(int64_t i) const {
  return std::span(trained_).subspan(static_cast<size_t>(begins_[static_cast<size_t>(i)]),
                                     static_cast<size_t>(length(i)));
}

void ExampleSet::fill(std::span<const int32_t> examples, PackedRows& rows) const {
  rows.tokens.clear();
  rows.targets.clear();
  rows.starts.clear();
  for (const int32_t example : examples) {
    const std::span<const int32_t> example_ids = ids(example);
    const std::span<const uint8_t> marks = trained(example);
    rows.starts.push_back(static_cast<int64_t>(rows.tokens.size()));
    rows.tokens.insert(rows.tokens.end(), example_ids.begin(), example_ids.end());
    for (size_t i = 1; i <= example_ids.size(); ++i) {
      rows.targets.push_back(i < example_ids.size() && marks[i] != 0 ? example_ids[i] : kNoTarget);
    }
  }
  rows.starts.push_back(static_cast<int64_t>(rows.tokens.size()));
}

std::string ExampleSet::sha256(std::span<const int32_t> examples) const {
  std::string digests;
  std::string block;
  constexpr size_t kBlockBytes = 1 << 22;  // bounds the memory, not the result's meaning
  for (const int32_t example : examples) {
    const int64_t n = length(example);
    block.append(reinterpret_cast<const char*>(&n), sizeof n);
    block.append(bytes_of_span(ids(example)));
    block.append(bytes_of_span(trained(example)));
    if (block.size() < kBlockBytes) continue;
    digests += sha256_hex(block);
    block.clear();
  }
  return sha256_hex(digests + sha256_hex(block));
}

}  // namespace understudy
