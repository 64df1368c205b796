#include "evaluation/calibration.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace understudy::evaluation {

namespace {

constexpr size_t kBins = 10;
constexpr int kDraws = 1000;

// [begin, end) of bin k of n sorted rows.
size_t bin_begin(size_t k, size_t n_bins, size_t n) {
  return k * n / n_bins;
}

// `right_before[i]`: how many of the first i rows are right; the same for sums of confidence.
double calibration_error(const std::vector<double>& confidence_before, const std::vector<double>& right_before,
                         size_t n_bins) {
  const size_t n = right_before.size() - 1;
  double error = 0;
  for (size_t k = 0; k < n_bins; ++k) {
    const size_t begin = bin_begin(k, n_bins, n);
    const size_t end = bin_begin(k + 1, n_bins, n);
    error += std::abs(confidence_before[end] - confidence_before[begin] - (right_before[end] - right_before[begin]));
  }
  return error / static_cast<double>(n);
}

template <class Value>
std::vector<double> sums_before(const std::vector<Confidence>& rows, Value value) {
  std::vector<double> sums(1, 0.0);
  for (const Confidence& row : rows) sums.push_back(sums.back() + value(row));
  return sums;
}

}  // namespace

std::optional<Calibration> calibrate(std::vector<Confidence> rows, uint64_t seed) {
  if (rows.empty()) return std::nullopt;
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Confidence& a, const Confidence& b) { return a.value < b.value; });
  const size_t n = rows.size();
  const size_t n_bins = std::min(kBins, n);
  const auto is_right = [](const Confidence& row) { return row.right ? 1.0 : 0.0; };
  const std::vector<double> confidence = sums_before(rows, [](const Confidence& row) { return row.value; });
  const std::vector<double> right = sums_before(rows, is_right);
  Calibration result;
  result.n = static_cast<int64_t>(n);
  for (const Confidence& row : rows) result.brier += std::pow(row.value - is_right(row), 2) / static_cast<double>(n);
  result.ece = calibration_error(confidence, right, n_bins);

  Random random(seed);
  for (int draw = 0; draw < kDraws; ++draw) {
    const auto drawn = sums_before(rows, [&](const Confidence& row) { return random.chance(row.value) ? 1.0 : 0.0; });
    result.ece_if_calibrated += calibration_error(confidence, drawn, n_bins) / kDraws;
  }
  for (size_t k = 0; k < n_bins; ++k) {
    const size_t begin = bin_begin(k, n_bins, n);
    const size_t end = bin_begin(k + 1, n_bins, n);
    const auto mass = static_cast<double>(end - begin);
    result.bins.push_back({static_cast<int64_t>(end - begin), (confidence[end] - confidence[begin]) / mass,
                           (right[end] - right[begin]) / mass});
  }
  for (size_t tenth = 1; tenth <= 10; ++tenth) {
    const size_t kept = std::max<size_t>(1, n * tenth / 10);
    const size_t first = n - kept;  // the surest stand last
    result.kept.push_back({static_cast<double>(kept) / static_cast<double>(n), rows[first].value,
                           (right[n] - right[first]) / static_cast<double>(kept)});
  }
  return result;
}

}  // namespace understudy::evaluation
