// How many mutations a deterministic fuzz loop tries: few in `make test`, many in `make soak` (UNDERSTUDY_FUZZ_COUNT).
#pragma once

#include <cstdlib>
#include <string>

#include "base/environment.h"
#include "base/random.h"

namespace understudy::testing {

inline int fuzz_count(int few) {
  const auto many = environment("UNDERSTUDY_FUZZ_COUNT");
  return many ? std::atoi(many->c_str()) : few;
}

// `text` with one to four of its bytes changed, dropped, doubled or swapped for another piece of itself.
inline std::string mutated(std::string text, Random& random) {
  for (int64_t n = random.between(1, 4); n > 0 && !text.empty(); --n) {
    const auto at = static_cast<size_t>(random.below(text.size()));
    switch (random.below(5)) {
      case 0:
        text[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        text[at] = static_cast<char>(text[at] ^ (1 << random.below(8)));
        break;
      case 2:
        text.erase(at, static_cast<size_t>(random.between(1, 8)));
        break;
      case 3:
        text.insert(at, text.substr(static_cast<size_t>(random.below(text.size())),
                                    static_cast<size_t>(random.between(1, 16))));
        break;
      default:
        text.resize(at);
        break;
    }
  }
  return text;
}

}  // namespace understudy::testing
