#include "evaluation/report_html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluation/gates.h"
#include "evaluation/measure.h"
#include "evaluation/record_html.h"
#include "evaluation/report_text.h"
#include "tests/evaluation/eval_rows.h"

namespace understudy::evaluation {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing_rows::answers_of;
using testing_rows::config_of;
using testing_rows::examples_of;

EvalReport report_with(const std::string& input, const std::string& gold, const std::string& answer) {
  return measure(config_of({{"shop", Kind::kText}, {"total", Kind::kAmount}}),
                 examples_of({{"B 1.00", R"({"shop": "B", "total": "1.00"})"}, {input, gold}}),
                 answers_of({R"({"shop": "B", "total": "1.00"})", answer}), {});
}

TEST(RecordHtml, MarksWhereValuesStand) {
  const EvalReport report = report_with("Größe Acme 9.00 & 10.00", R"({"shop": "Acme", "total": "9.00"})",
                                        R"({"shop": "Acme", "total": "10.00"})");
  EXPECT_EQ(
      marked_input(report.records[1]),
      "Größe <mark class=\"both\" title=\"shop\">Acme</mark> <mark class=\"gold\" title=\"total\">9.00</mark> &amp; "
      "<mark class=\"answer\" title=\"total\">10.00</mark>");
}

TEST(RecordHtml, CutsOverlappingSpans) {
  RecordResult record;
  record.input = "abcdef";
  LeafResult first;
  first.path = "x";
  first.gold_span = CharSpan{0, 4};
  LeafResult second;
  second.path = "y";
  second.span = CharSpan{2, 6};
  record.leaves = {first, second};
  EXPECT_EQ(marked_input(record),
            "<mark class=\"gold\" title=\"x\">ab</mark><mark class=\"both\" title=\"x, y\">cd</mark>"
            "<mark class=\"answer\" title=\"y\">ef</mark>");
}

TEST(ReportHtml, FailuresStandFirst) {
  const std::string page = report_page(report_with("Acme 9.00", R"({"shop": "Acme", "total": "9.00"})", "no idea"));
  EXPECT_LT(page.find("<h3>r2"), page.find("<h3>r1"));
  EXPECT_THAT(page, HasSubstr("no idea"));
}

TEST(ReportHtml, EscapesWhateverComesFromData) {
  EvalReport report = report_with("<script>alert(1)</script> \"quoted\"", R"({"shop": "<img src=x>", "total": "9.00"})",
                                  R"({"<b>key": "</pre><script>alert(2)</script>"})");
  report.task = "<i>task";
  const std::string page = report_page(report);
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("<i>task")));
  EXPECT_THAT(page, Not(HasSubstr("<b>key")));
}

TEST(ReportHtml, NeedsNothingFromElsewhere) {
  const std::string page = report_page(report_with("Acme", R"({"shop": "Acme"})", "{}"));
  for (const char* reference : {"http://", "https://", "src=", "@import", "<link"})
    EXPECT_THAT(page, Not(HasSubstr(reference)));
}

TEST(ReportText, SaysTheFiguresWithTheirIntervals) {
  EvalReport report = report_with("Acme 9.00", R"({"shop": "Acme", "total": "9.00"})", R"({"shop": "Acme"})");
  Gate gate;
  gate.metric = "exact_record";
  gate.at_least = 0.9;
  report.verdicts = judge(report, {gate});
  const std::string text = report_text(report, {});
  EXPECT_THAT(text, HasSubstr("exact records"));
  EXPECT_THAT(text, HasSubstr("50.0%"));
  EXPECT_THAT(text, HasSubstr("9.5 to 90.5%"));
  EXPECT_THAT(text, HasSubstr("NO"));
  EXPECT_THAT(text, HasSubstr("total"));
}

}  // namespace
}  // namespace understudy::evaluation
