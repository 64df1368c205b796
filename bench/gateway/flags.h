// `--name value` pairs of a benchmark's command line.
#pragma once

#include <charconv>
#include <map>
#include <string>

#include "base/error.h"

namespace understudy::bench {

class Flags {
 public:
  // From argument `first` on. Throws kInvalidInput for a word that is no flag and a flag without a value.
  Flags(int argc, char** argv, int first) {
    for (int i = first; i < argc; i += 2) {
      const std::string name = argv[i];
      if (name.rfind("--", 0) != 0 || i + 1 >= argc) {
        throw Error(ErrorCode::kInvalidInput, "expected --name value, got \"" + name + "\"");
      }
      values_[name.substr(2)] = argv[i + 1];
    }
  }
  std::string text(const std::string& name, const std::string& otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : found->second;
  }
  double number(const std::string& name, double otherwise) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return otherwise;
    const std::string& value = found->second;
    double number = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
    if (read.ec != std::errc() || read.ptr != value.data() + value.size() || number < 0) {
      throw Error(ErrorCode::kInvalidInput, "--" + name + ": expected a number from 0, got \"" + value + "\"");
    }
    return number;
  }

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace understudy::bench
