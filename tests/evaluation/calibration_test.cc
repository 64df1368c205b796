#include "evaluation/calibration.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace understudy::evaluation {
namespace {

TEST(Calibration, NothingForNoRows) {
  EXPECT_FALSE(calibrate({}, 1));
}

TEST(Calibration, BrierAndErrorByHand) {
  const std::optional<Calibration> result = calibrate({{0.9, true}, {0.6, false}}, 1);
  EXPECT_NEAR(result->brier, (0.01 + 0.36) / 2, 1e-12);
  EXPECT_NEAR(result->ece, (0.1 + 0.6) / 2, 1e-12);  // a bin each
  EXPECT_EQ(result->n, 2);
}

TEST(Calibration, BinsHaveEqualMass) {
  std::vector<Confidence> rows;
  for (int i = 0; i < 105; ++i) rows.push_back({i / 105.0, i % 2 == 0});
  const std::optional<Calibration> result = calibrate(rows, 1);
  ASSERT_EQ(result->bins.size(), 10u);
  for (const Calibration::Bin& bin : result->bins) EXPECT_NEAR(static_cast<double>(bin.n), 10.5, 0.5);
}

TEST(Calibration, PerfectConfidencesShowNoMoreThanExpected) {
  Random random(3);
  std::vector<Confidence> honest;
  std::vector<Confidence> boastful;
  for (int i = 0; i < 2000; ++i) {
    const double p = random.uniform(0.5, 0.9);
    const bool right = random.chance(p);
    honest.push_back({p, right});
    boastful.push_back({p + 0.1, right});
  }
  const std::optional<Calibration> fair = calibrate(honest, 1);
  EXPECT_NEAR(fair->ece, fair->ece_if_calibrated, 0.015);
  const std::optional<Calibration> unfair = calibrate(boastful, 1);
  EXPECT_GT(unfair->ece - unfair->ece_if_calibrated, 0.05);
}

TEST(Calibration, TheSurestAreKeptFirst) {
  const std::optional<Calibration> result =
      calibrate({{0.9, true}, {0.8, true}, {0.7, true}, {0.6, false}, {0.5, false}, {0.4, false}}, 1);
  EXPECT_NEAR(result->kept[4].share, 0.5, 1e-12);
  EXPECT_NEAR(result->kept[4].accuracy, 1, 1e-12);
  EXPECT_NEAR(result->kept[4].threshold, 0.7, 1e-12);
  EXPECT_NEAR(result->kept.back().accuracy, 0.5, 1e-12);
}

}  // namespace
}  // namespace understudy::evaluation
