// What a run measured, one figure a request, and the percentiles of it. Nearest rank: the p-th percentile is the
// smallest figure that p% of all figures do not exceed, so it is always one that was measured. A value.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/error.h"

namespace understudy::bench {

class Latencies {
 public:
  void add(std::chrono::nanoseconds latency) { ns_.push_back(latency.count()); }
  const std::vector<int64_t>& ns() const { return ns_; }  // in the order of add(), until a percentile was asked for
  size_t size() const { return ns_.size(); }

  // In microseconds; `percent` in (0, 100]. Of nothing measured: 0.
  double percentile_us(double percent) {
    CHECK(percent > 0 && percent <= 100, "a percentile lies in (0, 100]");
    if (ns_.empty()) return 0;
    const auto rank = static_cast<size_t>(std::ceil(percent / 100 * static_cast<double>(ns_.size())));
    const auto place = ns_.begin() + static_cast<std::ptrdiff_t>(std::max<size_t>(rank, 1) - 1);
    std::nth_element(ns_.begin(), place, ns_.end());
    return static_cast<double>(*place) / 1000;
  }

 private:
  std::vector<int64_t> ns_;
};

}  // namespace understudy::bench
