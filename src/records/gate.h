// Gate: what a specialist must reach to be promoted, one rule on one figure of a report. Verdict: whether it did. Plain
// values; evaluation/ decides.
#pragma once

#include <optional>
#include <string>

#include "base/json_fwd.h"

namespace understudy {

struct Gate {
  std::string metric;             // "exact_record", "p95_ms", "fields.total.f1"
  std::optional<double> at_most;  // of the value
  std::optional<double> at_least;
  std::optional<double> upper_bound;               // the interval's upper end is at most this
  std::optional<double> lower_bound;               // the interval's lower end is at least this
  std::optional<double> excess_over_gold_at_most;  // value less the gold's own rate on the same records
  std::string not_worse_than;                      // "teacher", "previous" or empty: non-inferior within `margin`
  double margin = 0.02;
  double confidence = 0.95;  // one-sided
};

struct Verdict {
  Gate gate;
  bool holds = false;
  std::string reason;  // one sentence with the figures
};

Json to_json(const Gate& gate);  // only what is set
Json to_json(const Verdict& verdict);

}  // namespace understudy
