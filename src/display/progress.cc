#include "display/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

#include "base/environment.h"
#include "base/units.h"
#include "display/table.h"

namespace understudy {

namespace {

constexpr int kBarCells = 20;

// Eighths of a cell, so that the bar moves between two cells.
std::string bar(double share) {
  static constexpr const char* kEighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(std::lround(share * kBarCells * 8));
  std::string cells;
  for (int cell = 0; cell < kBarCells; ++cell) {
    const int filled = eighths - cell * 8;
    cells += filled >= 8 ? "█" : kEighths[std::max(filled, 0)];
  }
  return cells;
}

std::string joined(const ProgressLine::Fields& fields) {
  std::string text;
  for (const auto& [name, value] : fields) text += fmt::format("  {} {}", name, value);
  return text;
}

}  // namespace

ProgressLine::ProgressLine(std::string label, double total, ProgressOptions options)
    : label_(std::move(label)), total_(total), options_(std::move(options)) {
  if (!options_.terminal) options_.terminal = is_terminal(options_.descriptor) && environment("TERM") != "dumb";
  if (!options_.color) options_.color = wants_color(options_.descriptor);
  if (!options_.now) options_.now = [] { return std::chrono::steady_clock::now(); };
  start_ = options_.now();
}

ProgressLine::~ProgressLine() {
  if (line_open_) write("\n");
}

void ProgressLine::resumed_from(double done) {
  first_done_ = done_ = done;
}

void ProgressLine::update(double done, const Fields& fields) {
  if (options_.quiet || finished_) return;
  done_ = done;
  if (!is_time()) return;
  fields_ = fields;
  draw();
}

void ProgressLine::finish(const Fields& fields) {
  if (options_.quiet || finished_) return;
  fields_ = fields;
  draw();
  if (line_open_) write("\n");
  line_open_ = false;
  finished_ = true;
}

void ProgressLine::note(std::string_view line) {
  if (options_.quiet) return;
  std::string text = line_open_ ? "\r\033[K" : "";
  text += line;
  text += '\n';
  if (line_open_) text += terminal_text();
  write(text);
}

bool ProgressLine::is_time() {
  const auto interval = *options_.terminal ? options_.redraw_every : options_.log_every;
  return !last_draw_ || options_.now() - *last_draw_ >= interval;
}

void ProgressLine::draw() {
  last_draw_ = options_.now();
  if (*options_.terminal) {
    write("\r\033[K" + terminal_text());
    line_open_ = true;
  } else {
    write(log_text() + "\n");
  }
}

std::string ProgressLine::terminal_text() const {
  const double share = total_ > 0 ? std::clamp(done_ / total_, 0.0, 1.0) : 0;
  const std::string cells = bar(share);
  std::string text = label_;
  if (total_ > 0) text += fmt::format(" {} {:3.0f}%", cells, std::floor(share * 100));
  if (const auto left = time_left()) text += "  " + format_duration(*left) + " left";
  text += joined(fields_);
  // One column stays free: a full line would wrap, and could then not be rewritten. Asked anew, since windows change.
  const int width = options_.width ? *options_.width : terminal_width(options_.descriptor);
  text = shortened(text, static_cast<size_t>(std::max(width - 1, 1)));
  const size_t at = text.find(cells);
  if (*options_.color && total_ > 0 && at != std::string::npos) {
    text = text.substr(0, at) + "\033[36m" + cells + "\033[0m" + text.substr(at + cells.size());
  }
  return text;
}

std::string ProgressLine::log_text() const {
  std::string text = label_;
  if (total_ > 0) text += fmt::format(" {:.0f}%", std::floor(std::clamp(done_ / total_, 0.0, 1.0) * 100));
  if (const auto left = time_left()) text += "  " + format_duration(*left) + " left";
  return text + joined(fields_);
}

std::optional<std::chrono::nanoseconds> ProgressLine::time_left() const {
  const double gone = std::chrono::duration<double, std::nano>(options_.now() - start_).count();
  const double moved = done_ - first_done_;
  if (!(total_ > 0) || !(moved > 0) || done_ >= total_) return std::nullopt;
  const double left = gone * (total_ - done_) / moved;
  if (!(left < 3.6e15)) return std::nullopt;  // beyond a thousand hours it is a guess
  return std::chrono::nanoseconds(std::llround(left));
}

void ProgressLine::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(options_.descriptor, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // a closed standard error must not end the work
    text.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace understudy
