#include "evaluation/statistics.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"

namespace understudy::evaluation {

namespace {

constexpr double kZ95 = 1.959963984540054;

}  // namespace

Rate rate_of(int64_t events, int64_t n) {
  Rate rate;
  rate.n = n;
  if (n == 0) return rate;
  const auto count = static_cast<double>(n);
  const double p = static_cast<double>(events) / count;
  const double z2 = kZ95 * kZ95;
  const double centre = (p + z2 / (2 * count)) / (1 + z2 / count);
  const double half = kZ95 / (1 + z2 / count) * std::sqrt(p * (1 - p) / count + z2 / (4 * count * count));
  rate.value = p;
  rate.low = events == 0 ? 0 : std::max(0.0, centre - half);
  rate.high = events == n ? 1 : std::min(1.0, centre + half);
  if (events == 0) rate.high = 1 - std::pow(0.05, 1 / count);
  return rate;
}

double quantile(std::span<const double> sorted, double q) {
  CHECK(!sorted.empty(), "a quantile needs values");
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double share = place - static_cast<double>(below);
  return sorted[below] + (sorted[above] - sorted[below]) * share;
}

double normal_quantile(double p) {
  CHECK(p > 0 && p < 1, "a probability strictly between 0 and 1");
  double low = -40;
  double high = 40;
  for (int i = 0; i < 200; ++i) {  // halves to the last bit; erfc is accurate in both tails
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

GroupSums::GroupSums(size_t n_groups, size_t n_columns)
    : n_groups_(n_groups), n_columns_(n_columns), sums_(n_groups * n_columns, 0) {}

void GroupSums::draw(int n_draws, uint64_t seed, const std::function<void(std::span<const int64_t>)>& take) const {
  if (n_groups_ == 0) return;
  Random random(seed);
  std::vector<int32_t> part(n_columns_);
  std::vector<int64_t> totals(n_columns_);
  // Narrow sums add four at a time; they are emptied into the wide ones before they could overflow (a group's count is
  // below 2^20 in any file that fits in memory as records).
  constexpr size_t kGroupsAtOnce = 1024;
  for (int draw = 0; draw < n_draws; ++draw) {
    std::fill(totals.begin(), totals.end(), 0);
    for (size_t done = 0; done < n_groups_; done += kGroupsAtOnce) {
      std::fill(part.begin(), part.end(), 0);
      const size_t end = std::min(n_groups_, done + kGroupsAtOnce);
      for (size_t k = done; k < end; ++k) {
        const int32_t* row = sums_.data() + random.below(n_groups_) * n_columns_;
        for (size_t c = 0; c < n_columns_; ++c) part[c] += row[c];
      }
      for (size_t c = 0; c < n_columns_; ++c) totals[c] += part[c];
    }
    take(totals);
  }
}

double mcnemar_mid_p(int64_t b, int64_t c) {
  const int64_t n = b + c;
  const int64_t k = std::min(b, c);
  if (n == 0) return 1;
  const auto log_probability = [n](int64_t x) {
    const auto total = static_cast<double>(n);
    const auto hits = static_cast<double>(x);
    return std::lgamma(total + 1) - std::lgamma(hits + 1) - std::lgamma(total - hits + 1) - total * std::log(2.0);
  };
  double below = 0;
  for (int64_t x = 0; x < k; ++x) below += std::exp(log_probability(x));
  return std::min(1.0, 2 * below + std::exp(log_probability(k)));
}

double tango_z(double b, double c, double n, double difference) {
  const double d = difference;
  const double quadratic_a = 2 * n;
  const double quadratic_b = -(b + c) + (2 * n + b - c) * d;
  const double quadratic_c = -b * d * (1 - d);
  const double root = std::sqrt(std::max(0.0, quadratic_b * quadratic_b - 4 * quadratic_a * quadratic_c));
  const double q = (root - quadratic_b) / (2 * quadratic_a);
  const double variance = n * (2 * q + d * (1 - d));
  const double numerator = c - b - n * d;
  if (variance <= 0) return numerator > 0 ? INFINITY : numerator < 0 ? -INFINITY : 0;
  return numerator / std::sqrt(variance);
}

double tango_lower_limit(double b, double c, double n, double z) {
  double low = -1;
  double high = (c - b) / n;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (tango_z(b, c, n, middle) >= z ? low : high) = middle;
  }
  return low;
}

}  // namespace understudy::evaluation
