// Small random damage to valid inputs, for the deterministic loops beside the fuzz targets. UNDERSTUDY_FUZZ_COUNT
// raises the count.
#pragma once

#include <cstdlib>
#include <random>
#include <string>

namespace understudy::testing {

inline int fuzz_count(int usual) {
  const char* given = std::getenv("UNDERSTUDY_FUZZ_COUNT");
  return given != nullptr ? std::atoi(given) : usual;
}

// One to four edits: a byte changed, inserted, removed, or a stretch copied elsewhere.
inline std::string mutated(std::string text, std::mt19937& random) {
  const auto below = [&random](size_t bound) { return bound == 0 ? 0 : random() % bound; };
  for (size_t edits = 1 + below(4); edits > 0; --edits) {
    const size_t at = below(text.size() + 1);
    switch (below(4)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 1:
        text.insert(at, 1, static_cast<char>(random()));
        break;
      case 2:
        text.erase(at, 1 + below(8));
        break;
      default:
        text.insert(at, text.substr(below(text.size() + 1), 1 + below(24)));
    }
  }
  return text;
}

}  // namespace understudy::testing
