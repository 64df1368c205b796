// The statistics behind every figure: intervals of single rates, the paired bootstrap over groups, McNemar's exact
// test, and Tango's score limit. Pure functions; a seed gives the same draws on every machine.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "records/eval_report.h"

namespace understudy::evaluation {

// events / n with Wilson's 95% interval (1927). Without any event the upper end is 1 - 0.05^(1/n).
Rate rate_of(int64_t events, int64_t n);

// The q-quantile (0 to 1) of sorted values, linear between neighbours. Not of an empty list.
double quantile(std::span<const double> sorted, double q);

// z with P(Z <= z) = p for the standard normal; 0 < p < 1.
double normal_quantile(double p);

// Sums of `n_columns` counts for each group of records, drawn with replacement: a draw takes as many groups as there
// are and adds up their rows. Whatever is a ratio of such sums (rates, F1, differences of paired rates) gets its
// interval from the same draws.
class GroupSums {
 public:
  GroupSums(size_t n_groups, size_t n_columns);
  int32_t& at(size_t group, size_t column) { return sums_[group * n_columns_ + column]; }
  int32_t at(size_t group, size_t column) const { return sums_[group * n_columns_ + column]; }
  size_t n_groups() const { return n_groups_; }
  size_t n_columns() const { return n_columns_; }

  // Calls `take` with each draw's totals [n_columns].
  void draw(int n_draws, uint64_t seed, const std::function<void(std::span<const int64_t> totals)>& take) const;

 private:
  size_t n_groups_;
  size_t n_columns_;
  std::vector<int32_t> sums_;
};

// Two-sided exact McNemar test with mid-p (Lancaster 1961): 2 P(X < k) + P(X = k), X binomial(b + c, 1/2), k = min(b,
// c).
double mcnemar_mid_p(int64_t b, int64_t c);

// z of Tango's score test (Statistics in Medicine 17, 1998) that the difference (c - b)/n is above `difference`
// (negative or zero, above -1): b and c discordant pairs of n, which may be scaled to the number of groups.
// Non-inferior by -difference when z is at least the quantile.
double tango_z(double b, double c, double n, double difference);
// The difference at which tango_z falls to `z`: the one-sided lower limit of (c - b)/n, from -1 to the estimate.
double tango_lower_limit(double b, double c, double n, double z);

}  // namespace understudy::evaluation
