#include "display/svg_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>

#include "base/utf8.h"
#include "display/html.h"

namespace understudy {

namespace {

constexpr double kLeft = 108;  // room for "$1,000,000" and the title beside it
constexpr double kRight = 24;
constexpr double kBottom = 58;
constexpr size_t kMostPoints = 1500;  // drawn of one series; twice the picture's pixels

// Told apart in both schemes and by colour-blind readers (blue, orange, green, purple); the dash tells them apart in
// print.
constexpr std::array<const char*, 4> kDashes = {"", "7 4", "2 3", "10 3 2 3"};

constexpr std::string_view kCss = R"(
svg { --ink: #1c2330; --paper: #ffffff; --faint: #5d6878; --grid: #e3e7ed; --s0: #1f5fbf; --s1: #c2570c; --s2: #17743b; --s3: #7a3fb0; }
@media (prefers-color-scheme: dark) { svg { --ink: #e4e8ee; --paper: #14181f; --faint: #9aa5b4; --grid: #2b323d; --s0: #86b4ff;
  --s1: #ffab66; --s2: #6fce8f; --s3: #cfa3ff; } }
text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.title { font-size: 17px; font-weight: 600; } .faint { fill: var(--faint); }
.paper { fill: var(--paper); } .grid { stroke: var(--grid); } .axis { stroke: var(--faint); }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round; } .pale { stroke-width: 1; opacity: .4; stroke-dasharray: none; }
.s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); stroke-dasharray: 7 4; } .s2 { stroke: var(--s2); stroke-dasharray: 2 3; }
.s3 { stroke: var(--s3); stroke-dasharray: 10 3 2 3; }
.mark { fill: var(--paper); stroke: var(--ink); stroke-width: 2.2; } .label { font-weight: 600; paint-order: stroke;
  stroke: var(--paper); stroke-width: 4px; }
)";

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  bool empty() const { return !(low <= high); }
  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

bool is_drawable(const LineChart& chart, double x, double y) {
  return std::isfinite(x) && std::isfinite(y) && (chart.y.scale == ChartScale::kLinear || y > 0);
}

// A range of nothing is widened, so that one point has a place to stand.
Range widened(Range range, bool log) {
  if (range.low < range.high) return range;
  if (log) return {range.low / 2, range.high * 2};
  const double room = range.low == 0 ? 1 : std::fabs(range.low) * 0.1;
  return {range.low - room, range.high + room};
}

// Maps values to pixels, and knows its ticks.
class Frame {
 public:
  explicit Frame(const LineChart& chart) : chart_(chart), log_(chart.y.scale == ChartScale::kLog) {
    top_ = chart.subtitle.empty() ? 74 : 94;
    for (const ChartSeries& series : chart.series) {
      for (const ChartPoint& point : series.points) include(point.x, point.y);
    }
    for (const ChartMark& mark : chart.marks) include(mark.x, mark.y);
    if (empty()) return;
    if (chart.y_from_zero && !log_) y_.include(0);
    x_ = widened(x_, false);
    y_ = widened(y_, log_);
    if (log_) {
      y_.low /= 1.1;
      y_.high *= 1.1;
    } else if (!(chart.y_from_zero && y_.low == 0)) {
      y_.low -= (y_.high - y_.low) * 0.04;
    }
    if (!log_) y_.high += (y_.high - y_.low) * 0.04;
  }

  bool empty() const { return x_.empty(); }
  double left() const { return kLeft; }
  double right() const { return chart_.width - kRight; }
  double top() const { return top_; }
  double bottom() const { return chart_.height - kBottom; }
  double x(double value) const { return left() + (right() - left()) * (value - x_.low) / (x_.high - x_.low); }
  double y(double value) const {
    return bottom() -
           (bottom() - top()) * (height_of(value) - height_of(y_.low)) / (height_of(y_.high) - height_of(y_.low));
  }

  std::vector<double> x_ticks() const { return nice_ticks(x_.low, x_.high, 8); }
  std::vector<double> y_ticks() const { return log_ ? log_ticks() : nice_ticks(y_.low, y_.high, 6); }

 private:
  void include(double x, double y) {
    if (!is_drawable(chart_, x, y)) return;
    x_.include(x);
    y_.include(y);
  }
  double height_of(double value) const { return log_ ? std::log10(value) : value; }

  // 1, 2 and 5 of each decade; whole decades only where there are many; plain ticks within less than a decade.
  std::vector<double> log_ticks() const {
    const double decades = std::log10(y_.high / y_.low);
    if (decades < 1) return nice_ticks(y_.low, y_.high, 6);
    std::vector<double> ticks;
    for (double power = std::floor(std::log10(y_.low)); power <= std::log10(y_.high); ++power) {
      for (const double digit : {1.0, 2.0, 5.0}) {
        const double value = digit * std::pow(10, power);
        if (value >= y_.low && value <= y_.high && (digit == 1 || decades <= 3)) ticks.push_back(value);
      }
    }
    return ticks;
  }

  const LineChart& chart_;
  bool log_;
  double top_;
  Range x_;
  Range y_;
};

std::string tick_label(const ChartAxis& axis, double value) {
  return html_escape(axis.label ? axis.label(value) : fmt::format("{:.6g}", value));
}

// The lowest and the highest point of each stretch of equally many points, in the order of x.
std::vector<ChartPoint> thinned(const std::vector<ChartPoint>& points) {
  if (points.size() <= kMostPoints) return points;
  const size_t stretch = (2 * points.size() + kMostPoints - 1) / kMostPoints;
  std::vector<ChartPoint> kept;
  for (size_t start = 0; start < points.size(); start += stretch) {
    const auto begin = points.begin() + static_cast<std::ptrdiff_t>(start);
    const auto end = points.begin() + static_cast<std::ptrdiff_t>(std::min(start + stretch, points.size()));
    const auto lower = [](const ChartPoint& a, const ChartPoint& b) { return a.y < b.y; };
    auto [low, high] = std::minmax_element(begin, end, lower);
    if (high < low) std::swap(low, high);
    kept.push_back(*low);
    if (low != high) kept.push_back(*high);
  }
  return kept;
}

void draw_grid(std::string& svg, const LineChart& chart, const Frame& frame) {
  auto out = std::back_inserter(svg);
  for (const double value : frame.y_ticks()) {
    fmt::format_to(out, "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n",
                   frame.left(), frame.right(), frame.y(value), frame.y(value));
    fmt::format_to(out, "<text class=\"faint\" text-anchor=\"end\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                   frame.left() - 8, frame.y(value) + 4, tick_label(chart.y, value));
  }
  for (const double value : frame.x_ticks()) {
    fmt::format_to(out, "<line class=\"axis\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>\n",
                   frame.x(value), frame.bottom(), frame.bottom() + 5);
    fmt::format_to(out, "<text class=\"faint\" text-anchor=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                   frame.x(value), frame.bottom() + 20, tick_label(chart.x, value));
  }
  fmt::format_to(out, "<line class=\"axis\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n", frame.left(),
                 frame.right(), frame.bottom(), frame.bottom());
}

void draw_series(std::string& svg, const LineChart& chart, const Frame& frame, size_t index) {
  const ChartSeries& series = chart.series[index];
  std::string path;
  bool pen_down = false;
  for (const ChartPoint& point : thinned(series.points)) {
    if (!is_drawable(chart, point.x, point.y)) {
      pen_down = false;
      continue;
    }
    fmt::format_to(std::back_inserter(path), "{}{:.1f} {:.1f}", pen_down ? "L" : "M", frame.x(point.x),
                   frame.y(point.y));
    pen_down = true;
  }
  if (path.empty()) return;
  fmt::format_to(std::back_inserter(svg), "<path class=\"line s{}{}\" d=\"{}\"/>\n", index % kDashes.size(),
                 series.faint ? " pale" : "", path);
}

// One row above the picture: a stroke in the series' own dash, then its name.
void draw_legend(std::string& svg, const LineChart& chart, const Frame& frame) {
  double x = frame.left();
  const double y = frame.top() - 18;
  for (size_t i = 0; i < chart.series.size(); ++i) {
    const ChartSeries& series = chart.series[i];
    fmt::format_to(std::back_inserter(svg),
                   "<path class=\"line s{}{}\" d=\"M{:.1f} {:.1f}h26\"/><text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                   i % kDashes.size(), series.faint ? " pale" : "", x, y - 4, x + 33, y, html_escape(series.name));
    x += 60 + 7.4 * static_cast<double>(count_columns(series.name));  // 7.4: the mean width of a character at 13 px
  }
}

void draw_marks(std::string& svg, const LineChart& chart, const Frame& frame) {
  for (const ChartMark& mark : chart.marks) {
    if (!is_drawable(chart, mark.x, mark.y)) continue;
    const bool left_half = frame.x(mark.x) < (frame.left() + frame.right()) / 2;
    fmt::format_to(std::back_inserter(svg),
                   "<circle class=\"mark\" cx=\"{0:.1f}\" cy=\"{1:.1f}\" r=\"5\"/><text class=\"label\" "
                   "text-anchor=\"{2}\" x=\"{3:.1f}\" y=\"{4:.1f}\">{5}</text>\n",
                   frame.x(mark.x), frame.y(mark.y), left_half ? "start" : "end",
                   frame.x(mark.x) + (left_half ? 11 : -11), std::min(frame.y(mark.y) + 20, frame.bottom() - 8),
                   html_escape(mark.label));
  }
}

void draw_titles(std::string& svg, const LineChart& chart, const Frame& frame) {
  auto out = std::back_inserter(svg);
  fmt::format_to(out, "<text class=\"title\" x=\"{:.1f}\" y=\"30\">{}</text>\n", kLeft, html_escape(chart.title));
  if (!chart.subtitle.empty())
    fmt::format_to(out, "<text class=\"faint\" x=\"{:.1f}\" y=\"51\">{}</text>\n", kLeft, html_escape(chart.subtitle));
  fmt::format_to(out, "<text class=\"faint\" text-anchor=\"middle\" x=\"{:.1f}\" y=\"{}\">{}</text>\n",
                 (frame.left() + frame.right()) / 2, chart.height - 14, html_escape(chart.x.title));
  fmt::format_to(
      out, "<text class=\"faint\" text-anchor=\"middle\" transform=\"translate(18 {:.1f}) rotate(-90)\">{}</text>\n",
      (frame.top() + frame.bottom()) / 2, html_escape(chart.y.title));
}

}  // namespace

std::vector<double> nice_ticks(double low, double high, int wanted) {
  const double rough = (high - low) / std::max(wanted, 1);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double digit : {1.0, 2.0, 5.0}) {
    if (digit * power >= rough) {
      step = digit * power;
      break;
    }
  }
  std::vector<double> ticks;
  const double first = std::ceil(low / step - 1e-9);
  for (double i = first; i * step <= high + step * 1e-9 && ticks.size() < 100; ++i)
    ticks.push_back(i == 0 ? 0 : i * step);
  return ticks;
}

std::string render_svg(const LineChart& chart) {
  const Frame frame(chart);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "role=\"img\">\n<title>{2}</title>\n<style>{3}</style>\n"
      "<rect class=\"paper\" width=\"{0}\" height=\"{1}\"/>\n",
      chart.width, chart.height, html_escape(chart.title), kCss);
  draw_titles(svg, chart, frame);
  if (frame.empty()) {
    fmt::format_to(std::back_inserter(svg),
                   "<text class=\"faint\" text-anchor=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">no data</text>\n</svg>\n",
                   (frame.left() + frame.right()) / 2, (frame.top() + frame.bottom()) / 2);
    return svg;
  }
  draw_grid(svg, chart, frame);
  for (size_t i = 0; i < chart.series.size(); ++i) draw_series(svg, chart, frame, i);
  draw_legend(svg, chart, frame);
  draw_marks(svg, chart, frame);
  return svg + "</svg>\n";
}

}  // namespace understudy
