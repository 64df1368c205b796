#include "generate/noise.h"

#include <string_view>

#include "generate/tongues.h"

namespace understudy::examples {
namespace {

// Pairs of characters that a scanner takes for each other.
constexpr std::string_view kLookAlikes =
    "0O O0 1I I1 1l l1 5S S5 8B B8 2Z Z2 6G G6 ,. ., :; -_ oO eE cC uv vu rn MN UV QO EF";

char look_alike(Random& random, char c) {
  std::string found;
  for (size_t i = 0; i + 1 < kLookAlikes.size(); i += 3) {
    if (kLookAlikes[i] == c) found += kLookAlikes[i + 1];
  }
  return found.empty() ? c : found[random.below(found.size())];
}

}  // namespace

std::string with_noise(Random& random, const std::string& text, double rate) {
  std::string result;
  for (const char c : text) {
    if (!random.chance(rate)) {
      result += c;
    } else if (c == ' ') {
      if (random.chance(0.3)) result += "  ";
    } else if (random.chance(0.7)) {
      result += look_alike(random, c);
    } else if (random.chance(0.5) && static_cast<unsigned char>(c) < 128) {
      result += c;
      result += random.pick(std::string_view(" .'-"));
    } else {
      result += c;
    }
  }
  const size_t first = result.find_first_not_of(' ');
  if (first == std::string::npos) return text;
  return result.substr(first, result.find_last_not_of(' ') - first + 1);
}

std::string stray_line(Random& random) {
  if (random.chance(0.3)) return digits(random, static_cast<int>(random.between(2, 7)));
  return pick_part(random, "~|. .|l|R|* *|-|=|B|'|. -|_|I I|^|: .|K G|%|O");
}

}  // namespace understudy::examples
