// Do confidences mean what they say? Brier score, expected calibration error with equal-mass bins, and what share of
// traffic can be kept at which accuracy. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "records/eval_report.h"

namespace understudy::evaluation {

struct Confidence {
  double value = 0;  // probability of the answered label
  bool right = false;
};

// Brier: mean of (confidence - right)^2. ECE: over 10 bins of equal mass (fewer where there are fewer rows), the mean
// of |mean confidence - accuracy| by mass; beside it the mean ECE of 1,000 draws in which each row is right with
// exactly its confidence, because even perfect confidences show an error on few rows. Nothing for no rows.
std::optional<Calibration> calibrate(std::vector<Confidence> rows, uint64_t seed);

}  // namespace understudy::evaluation
