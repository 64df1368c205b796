// Forward declaration of Json for headers; base/json.h has the type.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace understudy {
// Keeps the order in which members were written, so that what is read and written again is the same text.
using Json = nlohmann::ordered_json;
}  // namespace understudy
