#include "display/svg_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

size_t count_of(const std::string& text, const std::string& piece) {
  size_t count = 0;
  for (size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) ++count;
  return count;
}

LineChart two_lines() {
  LineChart chart;
  chart.title = "Loss & more";
  chart.x.title = "step";
  chart.y.title = "loss";
  chart.series = {{.name = "train", .points = {{0, 3}, {10, 1}}},
                  {.name = "eval <held out>", .points = {{0, 3.5}, {10, 1.5}}}};
  return chart;
}

TEST(NiceTicks, AreRoundAndInside) {
  EXPECT_THAT(nice_ticks(0, 10, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(nice_ticks(0.1, 0.34, 3),
              ElementsAre(::testing::DoubleEq(0.1), ::testing::DoubleEq(0.2), ::testing::DoubleNear(0.3, 1e-12)));
  EXPECT_THAT(nice_ticks(-1.5, 1.5, 3), ElementsAre(-1, 0, 1));
}

TEST(SvgChart, NamesSeriesAndAxesEscaped) {
  const std::string svg = render_svg(two_lines());
  for (const char* text : {"Loss &amp; more", "train", "eval &lt;held out&gt;", ">step<", ">loss<"})
    EXPECT_THAT(svg, HasSubstr(text));
  EXPECT_EQ(count_of(svg, "<path"), 4U) << "two lines, two strokes of the legend";
  EXPECT_THAT(svg, Not(HasSubstr("href"))) << "nothing is fetched";
}

TEST(SvgChart, MarksAPoint) {
  LineChart chart = two_lines();
  chart.marks = {{5, 2, "best & last"}};
  EXPECT_THAT(render_svg(chart), HasSubstr("best &amp; last"));
  EXPECT_EQ(count_of(render_svg(chart), "<circle"), 1U);
}

TEST(SvgChart, WithoutAPointSaysSo) {
  LineChart chart;
  chart.series = {{.name = "none", .points = {{0, std::nan("")}}}};
  EXPECT_THAT(render_svg(chart), HasSubstr("no data"));
}

TEST(SvgChart, ValuesThatAreNotFiniteBreakTheLine) {
  LineChart chart = two_lines();
  chart.series = {
      {.name = "a", .points = {{0, 1}, {1, 2}, {2, std::numeric_limits<double>::infinity()}, {3, 1}, {4, 2}}}};
  const std::string svg = render_svg(chart);
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  const size_t line = svg.find("<path");
  EXPECT_EQ(count_of(svg.substr(line, svg.find("/>", line) - line), "M"), 2U);
}

TEST(SvgChart, ALogScaleHasDecadesAndSkipsZero) {
  LineChart chart = two_lines();
  chart.y.scale = ChartScale::kLog;
  chart.series = {{.name = "a", .points = {{0, 1000}, {1, 0}, {2, 0.01}}}};
  const std::string svg = render_svg(chart);
  for (const char* tick : {">0.01<", ">1<", ">1000<"}) EXPECT_THAT(svg, HasSubstr(tick));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(SvgChart, OnePointHasAPlaceToStand) {
  LineChart chart = two_lines();
  chart.series = {{.name = "a", .points = {{7, 7}}}};
  EXPECT_THAT(render_svg(chart), Not(HasSubstr("nan")));
}

TEST(SvgChart, ThinsLongSeriesButKeepsTheSpike) {
  LineChart chart = two_lines();
  chart.series.resize(1);
  chart.series[0].points.clear();
  for (int i = 0; i < 200'000; ++i)
    chart.series[0].points.push_back({static_cast<double>(i), i == 123'457 ? 100.0 : 1.0});
  const std::string svg = render_svg(chart);
  EXPECT_LT(svg.size(), 60'000U);
  chart.y_from_zero = true;
  // The spike is the highest point: 4% of the range below the frame's top, which is 74 down; bottom is 440 - 58.
  EXPECT_THAT(render_svg(chart), HasSubstr(" 85.8"));
}

}  // namespace
}  // namespace understudy
