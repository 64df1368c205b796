// A generated paper: its lines, and for every field that stands on it the value as written and as normalised.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "generate/fields.h"

namespace understudy::examples {

struct Value {
  std::string written;  // as it stands on the paper; a value of several lines is joined by one space a line break
  std::string plain;    // ISO date, amount with a point and two decimals, code of the currency; else as written
};

struct Document {
  std::string layout;
  std::vector<std::string> lines;
  std::map<Field, Value> values;
  std::string text() const;
};

}  // namespace understudy::examples
