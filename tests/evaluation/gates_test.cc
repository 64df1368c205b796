#include "evaluation/gates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluation/junit.h"
#include "evaluation/statistics.h"

namespace understudy::evaluation {
namespace {

using ::testing::HasSubstr;

EvalReport report_of() {
  EvalReport report;
  report.task = "a <task>";
  report.kind = "extraction";
  report.n = 300;
  report.right = rate_of(270, 300);
  report.invalid = rate_of(0, 300);
  report.hallucinated_records = rate_of(9, 300);
  report.gold_hallucinated_records = rate_of(6, 300);
  report.latency.p95_ms = 250;
  FieldFigures total;
  total.path = "total";
  total.scores.f1 = 0.97;
  total.scores.f1_low = 0.95;
  total.scores.f1_high = 0.99;
  report.fields.push_back(total);
  return report;
}

Gate gate(const std::string& metric, std::optional<double> Gate::*member, double value) {
  Gate gate;
  gate.metric = metric;
  gate.*member = value;
  return gate;
}

bool holds(const Gate& gate) {
  return all_hold(judge(report_of(), {gate}));
}

TEST(Gates, BoundsOfValuesAndIntervals) {
  EXPECT_TRUE(holds(gate("exact_record", &Gate::at_least, 0.9)));
  EXPECT_FALSE(holds(gate("exact_record", &Gate::at_least, 0.91)));
  EXPECT_FALSE(holds(gate("exact_record", &Gate::lower_bound, 0.9)));
  EXPECT_TRUE(holds(gate("invalid", &Gate::at_most, 0)));
  EXPECT_TRUE(holds(gate("invalid", &Gate::upper_bound, 0.01)));
  EXPECT_FALSE(holds(gate("invalid", &Gate::upper_bound, 0.005)));
  EXPECT_TRUE(holds(gate("p95_ms", &Gate::at_most, 300)));
  EXPECT_TRUE(holds(gate("fields.total.f1", &Gate::lower_bound, 0.95)));
  EXPECT_FALSE(holds(gate("fields.total.f1", &Gate::at_least, 0.98)));
}

TEST(Gates, ExcessIsOverTheGoldsOwnRate) {
  EXPECT_TRUE(holds(gate("hallucinated_records", &Gate::excess_over_gold_at_most, 0.01)));
  EXPECT_FALSE(holds(gate("hallucinated_records", &Gate::excess_over_gold_at_most, 0.005)));
}

TEST(Gates, WhatIsNotThereDoesNotHold) {
  EXPECT_FALSE(holds(gate("cost_per_1000", &Gate::at_most, 5)));
  EXPECT_FALSE(holds(gate("fields.nowhere.f1", &Gate::at_least, 0)));
  Gate parity;
  parity.metric = "exact_record";
  parity.not_worse_than = "teacher";
  const std::vector<Verdict> verdicts = judge(report_of(), {parity});
  EXPECT_FALSE(verdicts[0].holds);
  EXPECT_THAT(verdicts[0].reason, HasSubstr("--teacher"));
}

TEST(Gates, OnlyAsGoodIsNotWorse) {
  EvalReport report = report_of();
  report.comparisons.push_back({.other = "teacher", .verdict = Parity::kNotEnoughData, .more_needed = 40});
  Gate parity;
  parity.metric = "exact_record";
  parity.not_worse_than = "teacher";
  std::vector<Verdict> verdicts = judge(report, {parity});
  EXPECT_FALSE(verdicts[0].holds);
  EXPECT_THAT(verdicts[0].reason, HasSubstr("about 40 more records"));
  report.comparisons[0].verdict = Parity::kAsGood;
  EXPECT_TRUE(judge(report, {parity})[0].holds);
}

TEST(Gates, AllConditionsOfAGateCount) {
  Gate both = gate("invalid", &Gate::at_most, 0);
  both.upper_bound = 0.001;
  EXPECT_FALSE(holds(both));
}

TEST(Gates, JunitHasACaseForEach) {
  EvalReport report = report_of();
  report.verdicts = judge(report, {gate("invalid", &Gate::at_most, 0), gate("exact_record", &Gate::at_least, 0.99)});
  const std::string xml = junit_xml(report);
  EXPECT_THAT(xml, HasSubstr("tests=\"2\" failures=\"1\""));
  EXPECT_THAT(xml, HasSubstr("a &lt;task&gt;"));
  EXPECT_THAT(xml, HasSubstr("<failure message=\"value 90%, asked is at least 99%\">"));
}

}  // namespace
}  // namespace understudy::evaluation
