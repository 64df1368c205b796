// Fields of a tokenizer.json, read with errors that name the file and the key: "tokenizer.json: normalizer: Replace:
// ...". Pure functions. Every error is a kInvalidInput.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "engine/text/regex.h"

namespace understudy {

// The member, or null where it is absent. Throws where `object` is no object.
const Json& json_member(const Json& object, std::string_view key, std::string_view where);
std::string json_text(const Json& object, std::string_view key, std::string_view where);
std::string json_text_or(const Json& object, std::string_view key, std::string_view fallback, std::string_view where);
bool json_flag_or(const Json& object, std::string_view key, bool fallback, std::string_view where);
int64_t json_integer(const Json& object, std::string_view key, std::string_view where);
const Json& json_list(const Json& object, std::string_view key, std::string_view where);    // an array
const Json& json_object(const Json& object, std::string_view key, std::string_view where);  // an object
// The member "pattern": {"Regex": "..."} or {"String": "..."}.
Regex json_pattern(const Json& object, std::string_view where);
// Throws where the member is there and is neither null nor equal to `harmless` (JSON text): a setting with a meaning
// that is not supported.
void json_refuse_unless(const Json& object, std::string_view key, std::string_view harmless, std::string_view where);
// Throws for any key of the object that is not in the list.
void json_only_keys(const Json& object, const std::vector<std::string>& known, std::string_view where);

}  // namespace understudy
