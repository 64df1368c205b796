#include "engine/model/rope_table.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace understudy {

namespace {

double llama3_scaled(double frequency, const Llama3RopeScaling& scaling) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  const auto original = static_cast<double>(scaling.original_max_positions);
  if (wavelength < original / scaling.high_frequency_factor) return frequency;
  if (wavelength > original / scaling.low_frequency_factor) return frequency / scaling.factor;
  const double smooth = (original / wavelength - scaling.low_frequency_factor) /
                        (scaling.high_frequency_factor - scaling.low_frequency_factor);
  return (1 - smooth) * frequency / scaling.factor + smooth * frequency;
}

}  // namespace

std::vector<double> rope_frequencies(const ModelConfig& config) {
  std::vector<double> frequencies;
  for (int64_t i = 0; i < config.head_dim / 2; ++i) {
    double frequency =
        std::pow(config.rope_theta, -2.0 * static_cast<double>(i) / static_cast<double>(config.head_dim));
    if (config.rope_scaling) frequency = llama3_scaled(frequency, *config.rope_scaling);
    if (!config.rope_factors.empty()) frequency /= static_cast<double>(config.rope_factors[static_cast<size_t>(i)]);
    frequencies.push_back(frequency);
  }
  return frequencies;
}

RopeTable::RopeTable(const ModelConfig& config) : frequencies_(rope_frequencies(config)) {}

void RopeTable::cover(int64_t positions) {
  if (positions <= positions_) return;
  positions = std::max(positions, 2 * positions_);
  const auto half = static_cast<int64_t>(frequencies_.size());
  cosines_.resize(static_cast<size_t>(positions * half));
  sines_.resize(cosines_.size());
  for (int64_t p = positions_; p < positions; ++p) {
    for (int64_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(p) * frequencies_[static_cast<size_t>(i)];
      cosines_[static_cast<size_t>(p * half + i)] = static_cast<float>(std::cos(angle));
      sines_[static_cast<size_t>(p * half + i)] = static_cast<float>(std::sin(angle));
    }
  }
  positions_ = positions;
}

}  // namespace understudy
