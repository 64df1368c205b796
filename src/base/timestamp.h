// Instants as text: milliseconds since 1970 (UTC) to and from RFC 3339. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace understudy {

int64_t now_ms();  // the system's clock: milliseconds since 1970, UTC

// "2026-11-25T07:43:26.123Z". Instants outside the years 0 to 9999 are an Error of kInvalidInput.
std::string format_utc(int64_t ms);

// RFC 3339 with Z or an offset ("2026-11-25T08:43:26+01:00", a fraction beyond milliseconds is cut), or a day
// ("2026-11-25": its begin, UTC). Nothing for any other text and for days that no calendar has. A leap second (:60) is
// the first instant after it.
std::optional<int64_t> parse_utc(std::string_view text);

}  // namespace understudy
