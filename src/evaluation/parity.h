// Is the specialist as good as another on the same records? Paired statistics and the verdict of three. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evaluation/statistics.h"
#include "records/eval_report.h"

namespace understudy::evaluation {

// One record on which both were measured.
struct PairedOutcome {
  std::string id;
  int group = 0;  // from 0; records of one group are drawn together
  bool other_right = false;
  bool specialist_right = false;
  bool agree = false;
};

struct ParityRule {
  double margin = 0.02;      // how much worse still counts as as good
  double confidence = 0.95;  // one-sided
  int draws = 10'000;
  uint64_t seed = 1;
};

// With b = only the other right, c = only the specialist right, delta = (c - b)/n, for n records in G groups:
//   as good          the smaller of two lower ends is at least -margin: the percentile of the paired bootstrap over
//   groups, and
//                    Tango's score limit on (b G/n, c G/n, G). The bootstrap alone is unsafe on few records.
//   worse            the upper end of the 95% interval is below 0, and delta below -margin
//   not enough data  otherwise; about max(6.19 d / margin^2, 2.71 (1 - margin)/margin) - n more records decide it with
//   a power
//                    of 80%, where d = (b + c)/n
// The closed form of the standard error is Inspect's: sqrt(G/(G-1) * sum over groups of (sum of (delta_i - delta))^2) /
// n.
Comparison compare(const std::string& other, const std::vector<PairedOutcome>& pairs, const ParityRule& rule);

}  // namespace understudy::evaluation
