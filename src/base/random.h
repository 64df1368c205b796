// Random numbers that are a pure function of (seed, stream, counter): resuming is seeking, and no run depends on
// another's order of calls. The mixer is SplitMix64's finaliser (Steele, Lea, Flood 2014) over a Weyl sequence. Not for
// secrets.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <utility>

namespace understudy {

class Random {
 public:
  explicit Random(uint64_t seed, uint64_t stream = 0) : key_(mix(seed + kWeyl * (mix(stream) | 1))) {}

  uint64_t next() { return at(counter_++); }
  uint64_t at(uint64_t counter) const { return mix(key_ + kWeyl * (counter + 1)); }

  uint64_t counter() const { return counter_; }
  void seek(uint64_t counter) { counter_ = counter; }

  // Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  // Uniform in [0, n), n > 0. Multiply-shift; the bias is below n / 2^64.
  uint64_t below(uint64_t n) { return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * n) >> 64); }
  int64_t between(int64_t low, int64_t high) {  // both ends included
    return low + static_cast<int64_t>(below(static_cast<uint64_t>(high - low + 1)));
  }
  bool chance(double probability) { return uniform() < probability; }
  // Standard normal (Box and Muller 1958); two counters a value.
  double normal() {
    const double u = 1.0 - uniform();
    const double v = uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v);
  }
  template <class T>
  void shuffle(std::span<T> values) {  // Fisher-Yates
    for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }
  template <class Container>
  const auto& pick(const Container& values) {
    return values[below(std::size(values))];
  }

 private:
  static constexpr uint64_t kWeyl = 0x9E3779B97F4A7C15;
  static constexpr uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  uint64_t key_;
  uint64_t counter_ = 0;
};

}  // namespace understudy
