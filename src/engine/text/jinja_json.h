// tojson, as transformers defines it for chat templates: Python's json.dumps with ensure_ascii=False. Pure.
#pragma once

#include <optional>
#include <string>

#include "engine/text/jinja_value.h"

namespace understudy::jinja {

struct JsonStyle {
  std::optional<std::string> indent;  // one level's; none: on one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
  bool ensure_ascii = false;
};

// A value that came from a message keeps its source over its whole text, punctuation included.
Text to_json(Evaluator& evaluator, const Value& value, const JsonStyle& style);

}  // namespace understudy::jinja
