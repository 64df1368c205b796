// JSON, read with care: one document, repeated keys refused, depth limited, errors that say where.
// The only way in to nlohmann-json for the other rooms. Functions are pure and thread-safe.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/json_fwd.h"

namespace understudy {

struct JsonLimits {
  int depth = 128;  // levels of nesting
};

// Reads exactly one document (RFC 8259, UTF-8). `where` begins the error's message: "train.jsonl:14". Throws
// kInvalidInput.
Json parse_json(std::string_view text, std::string_view where, JsonLimits limits = {});

// The same without an exception: nothing where parse_json would throw. For text whose faults are counted, not fatal.
std::optional<Json> try_parse_json(std::string_view text, JsonLimits limits = {});

// Compact text; invalid UTF-8 inside strings is replaced by U+FFFD instead of throwing.
std::string dump_json(const Json& value);
// Indented by two spaces, with a newline at the end: for files that people read.
std::string dump_json_pretty(const Json& value);

}  // namespace understudy
