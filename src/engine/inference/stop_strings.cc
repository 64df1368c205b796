#include "engine/inference/stop_strings.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace understudy {

namespace {

// How many bytes at the end of `text` are the beginning of `stop`, the whole of it excepted.
size_t beginning_at_end(std::string_view text, std::string_view stop) {
  for (size_t n = std::min(text.size(), stop.size() - 1); n > 0; --n) {
    if (text.substr(text.size() - n) == stop.substr(0, n)) return n;
  }
  return 0;
}

}  // namespace

StopStrings::StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {
  for (const std::string& stop : stops_) CHECK(!stop.empty(), "a stop string has at least one character");
}

std::string StopStrings::push(std::string_view piece) {
  if (found_) return {};
  held_ += piece;
  // The one that is complete first wins, of two that end together the longer: so the cut does not depend on the pieces'
  // borders.
  size_t end = std::string::npos;
  size_t begin = std::string::npos;
  size_t undecided = 0;
  for (const std::string& stop : stops_) {
    undecided = std::max(undecided, beginning_at_end(held_, stop));
    const size_t at = held_.find(stop);
    if (at == std::string::npos || std::pair(at + stop.size(), at) > std::pair(end, begin)) continue;
    end = at + stop.size();
    begin = at;
  }
  found_ = begin != std::string::npos;
  std::string text = held_.substr(0, found_ ? begin : held_.size() - undecided);
  held_.erase(0, found_ ? held_.size() : text.size());
  return text;
}

std::string StopStrings::finish() {
  return std::exchange(held_, {});
}

}  // namespace understudy
