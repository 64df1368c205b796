// Line charts as one self-contained SVG file: the training loss over steps, the cumulative cost over days. Colours
// follow the reader's light or dark scheme through CSS inside the file. Values are data, texts are escaped; nothing is
// fetched. Pure functions over plain values.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace understudy {

struct ChartPoint {
  double x = 0;
  double y = 0;
};

struct ChartSeries {
  std::string name;
  std::vector<ChartPoint>
      points;          // in the order of x; points that are not finite (or not positive on a log scale) break the line
  bool faint = false;  // drawn thin and pale: raw values behind a smoothed line
};

struct ChartMark {  // a dot with a label beside it, such as the crossing of two lines
  double x = 0;
  double y = 0;
  std::string label;
};

enum class ChartScale { kLinear, kLog };

struct ChartAxis {
  std::string title;                         // with the unit: "days", "loss", "US$"
  ChartScale scale = ChartScale::kLinear;    // log only for y
  std::function<std::string(double)> label;  // of a tick; shortest decimal text where absent
};

struct LineChart {
  std::string title;
  std::string subtitle;  // may be empty
  ChartAxis x;
  ChartAxis y;
  std::vector<ChartSeries> series;
  std::vector<ChartMark> marks;
  bool y_from_zero = false;  // a linear y axis that includes 0
  int width = 860;           // of the view box; the picture scales
  int height = 440;
};

// The SVG's text. Without any drawable point it is a frame that says "no data". A series of more than 1,500 points is
// thinned to the lowest and highest of each stretch of x, so that no spike is lost and the file stays small.
std::string render_svg(const LineChart& chart);

// Round tick values (1, 2 or 5 times a power of ten) that lie within [low, high], about `wanted` of them. low < high.
std::vector<double> nice_ticks(double low, double high, int wanted);

}  // namespace understudy
