#include "base/trace.h"

#include <algorithm>

namespace understudy {

namespace {

std::optional<uint8_t> digit_of(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
  return std::nullopt;  // the standard allows small letters only
}

template <size_t N>
bool read_hex(std::string_view text, std::array<uint8_t, N>& bytes) {
  if (text.size() != 2 * N) return false;
  for (size_t i = 0; i < N; ++i) {
    const std::optional<uint8_t> high = digit_of(text[2 * i]);
    const std::optional<uint8_t> low = digit_of(text[2 * i + 1]);
    if (!high || !low) return false;
    bytes[i] = static_cast<uint8_t>(*high << 4 | *low);
  }
  return true;
}

template <size_t N>
bool is_zero(const std::array<uint8_t, N>& bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

}  // namespace

// version "-" trace-id "-" parent-id "-" flags; later versions may add fields at the end.
std::optional<TraceParent> parse_traceparent(std::string_view header) {
  if (header.size() < 55 || header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  if (header.size() > 55 && (header[55] != '-' || header.substr(0, 2) == "00")) return std::nullopt;
  std::array<uint8_t, 1> version{};
  std::array<uint8_t, 1> flags{};
  TraceParent parent;
  const bool is_read = read_hex(header.substr(0, 2), version) && read_hex(header.substr(3, 32), parent.trace) &&
                       read_hex(header.substr(36, 16), parent.span) && read_hex(header.substr(53, 2), flags);
  if (!is_read || version[0] == 0xff || is_zero(parent.trace) || is_zero(parent.span)) return std::nullopt;
  parent.sampled = (flags[0] & 1) != 0;
  return parent;
}

}  // namespace understudy
