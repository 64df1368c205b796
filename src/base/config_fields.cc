#include "base/config_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>

namespace understudy {

void read_value(const ConfigNode& node, bool& value) {
  value = node.as_bool();
}
void read_value(const ConfigNode& node, int64_t& value) {
  value = node.as_integer();
}
void read_value(const ConfigNode& node, double& value) {
  value = node.as_number();
}
void read_value(const ConfigNode& node, std::string& value) {
  value = node.as_text();
}
void read_value(const ConfigNode& node, ConfigNode& value) {
  value = node;
}
void read_value(const ConfigNode& node, int& value) {
  const int64_t wide = node.as_integer();
  if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) {
    throw node.error(fmt::format("{} is out of range", wide));
  }
  value = static_cast<int>(wide);
}

template <class T>
Check<T> at_least(T low) {
  return [low](const ConfigNode& node, const T& got) {
    if (!(got >= low)) throw node.error(fmt::format("expected at least {}, got {}", low, got));
  };
}
template <class T>
Check<T> above(T low) {
  return [low](const ConfigNode& node, const T& got) {
    if (!(got > low)) throw node.error(fmt::format("expected more than {}, got {}", low, got));
  };
}
template <class T>
Check<T> between(T low, T high) {
  return [low, high](const ConfigNode& node, const T& got) {
    if (!(got >= low && got <= high)) throw node.error(fmt::format("expected {} to {}, got {}", low, high, got));
  };
}
template Check<int> at_least(int);
template Check<int64_t> at_least(int64_t);
template Check<double> at_least(double);
template Check<int> above(int);
template Check<double> above(double);
template Check<int> between(int, int);
template Check<double> between(double, double);

Check<std::string> one_of(std::vector<std::string> words) {
  return [words = std::move(words)](const ConfigNode& node, const std::string& got) {
    for (const std::string& word : words) {
      if (word == got) return;
    }
    const std::string nearest = nearest_word(got, words);
    throw node.error(fmt::format("\"{}\" is not one of {}", got, fmt::join(words, ", ")),
                     nearest.empty() ? "" : fmt::format("did you mean {}?", nearest));
  };
}

Error unknown_key(const ConfigNode& member, const std::vector<std::string>& known) {
  const std::string path = member.key_path();
  const size_t dot = path.rfind('.');
  const std::string nearest = nearest_word(dot == std::string::npos ? path : path.substr(dot + 1), known);
  if (!nearest.empty()) return member.error("unknown key", fmt::format("did you mean {}?", nearest));
  constexpr size_t kListed = 60;  // a longer list helps nobody
  return member.error("unknown key",
                      known.size() > kListed ? "" : fmt::format("known keys: {}", fmt::join(known, ", ")));
}

}  // namespace understudy
