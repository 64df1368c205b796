// The faults of scanned papers: look-alike letters, lost and added spaces, stray marks. Pure functions, thread-safe.
#pragma once

#include <string>

#include "base/random.h"

namespace understudy::examples {

// Each character is spoilt with the probability `rate`. Never adds a line break, a quote or a backslash; never yields
// an empty text or one that begins or ends with a space.
std::string with_noise(Random& random, const std::string& text, double rate);

// A line that a scanner makes out of dirt and logos: "~", ". .", "|l", "R".
std::string stray_line(Random& random);

}  // namespace understudy::examples
