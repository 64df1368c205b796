// UTF-8: checking, decoding, counting. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace understudy {

bool is_valid_utf8(std::string_view text);

// The code point at `position`, which moves past it. A byte that begins no valid character gives U+FFFD and moves one
// byte.
char32_t next_code_point(std::string_view text, size_t& position);

std::vector<char32_t> to_code_points(std::string_view text);
void append_utf8(std::string& text, char32_t code_point);
size_t count_code_points(std::string_view text);

// Columns that `text` takes on a terminal: 0 for combining marks and control characters, 2 for wide East Asian ones.
size_t count_columns(std::string_view text);

// How many bytes at the end of `text` may be the beginning of a character whose rest is still to come (0 to 3).
size_t incomplete_utf8_tail(std::string_view text);

// Every invalid byte replaced by U+FFFD.
std::string repair_utf8(std::string_view text);

}  // namespace understudy
