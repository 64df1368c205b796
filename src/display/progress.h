// How a long step says where it is: on a terminal one line that is rewritten in place, in a log a plain line now and
// then. Goes to standard error, so that standard output carries results only. Used by one thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace understudy {

struct ProgressOptions {
  bool quiet = false;  // prints nothing at all
  int descriptor = 2;
  std::chrono::milliseconds redraw_every{100};  // on a terminal
  std::chrono::milliseconds log_every{10'000};  // in a log
  // What a test gives in; else asked of the descriptor, the environment (NO_COLOR, TERM) and the clock.
  std::optional<bool> terminal;
  std::optional<bool> color;
  std::optional<int> width;
  std::function<std::chrono::steady_clock::time_point()> now;
};

class ProgressLine {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;  // name and value: {"loss", "1.234"}

  // total: what done has at the end, in any unit; 0: not known, then without bar, percent and time left.
  ProgressLine(std::string label, double total, ProgressOptions options = {});
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();  // leaves a half-drawn line standing and goes to the next

  // Cheap to call at every step: draws only when it is time to. `resumed_from` steps do not count for the time left.
  void update(double done, const Fields& fields);
  void resumed_from(double done);

  // Draws the last state whatever the time, and ends the line. Further calls do nothing.
  void finish(const Fields& fields);

  // A whole line of its own that stays, above the progress line ("checkpoint written").
  void note(std::string_view line);

 private:
  bool is_time();
  void draw();
  std::string terminal_text() const;
  std::string log_text() const;
  std::optional<std::chrono::nanoseconds> time_left() const;
  void write(std::string_view text);

  const std::string label_;
  const double total_;
  ProgressOptions options_;
  std::chrono::steady_clock::time_point start_;
  std::optional<std::chrono::steady_clock::time_point> last_draw_;
  double first_done_ = 0;
  double done_ = 0;
  Fields fields_;
  bool line_open_ = false;
  bool finished_ = false;
};

}  // namespace understudy
