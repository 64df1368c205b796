#include "base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <span>

namespace understudy {

namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr Unit kDurations[] = {{"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}};
constexpr Unit kSizes[] = {{"B", 1},       {"kB", 1e3},      {"KB", 1e3},      {"MB", 1e6}, {"GB", 1e9},
                           {"KiB", 1024.}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"", 1}};
constexpr Unit kCounts[] = {{"", 1}, {"k", 1e3}, {"M", 1e6}};

double read_with_unit(const ConfigNode& node, std::span<const Unit> units, std::string_view expected) {
  const std::string text = node.as_text();
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end != text.c_str() && std::isfinite(number) && number >= 0) {
    while (*end == ' ') ++end;
    for (const Unit& unit : units) {
      if (unit.name == end && number * unit.factor < 9e18) return number * unit.factor;
    }
  }
  throw node.error(fmt::format("expected {}, got \"{}\"", expected, text));
}

}  // namespace

void read_value(const ConfigNode& node, std::chrono::nanoseconds& value) {
  value = std::chrono::nanoseconds(
      std::llround(read_with_unit(node, kDurations, "a duration such as 500ms, 30s, 5m, 2h or 7d")));
}
void read_value(const ConfigNode& node, ByteSize& value) {
  value.bytes = static_cast<uint64_t>(read_with_unit(node, kSizes, "a size such as 64 KiB or 10 MB"));
}
void read_value(const ConfigNode& node, Count& value) {
  const double count = read_with_unit(node, kCounts, "a count such as 500, 10k or 2M");
  value.value = std::llround(count);
  // 1.2k is 1199.9999 in binary: only what is no whole number in decimal either is refused.
  if (std::fabs(count - static_cast<double>(value.value)) > 1e-6 * std::max(count, 1.0)) {
    throw node.error(fmt::format("expected a whole count, got \"{}\"", node.as_text()));
  }
}

std::string format_duration(std::chrono::nanoseconds duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{}m {:02}s", whole / 60, whole % 60);
  return fmt::format("{}h {:02}m", whole / 3600, whole % 3600 / 60);
}

std::string format_bytes(uint64_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (size < 1024) return fmt::format("{} B", bytes);
  if (size < 1024. * 1024) return fmt::format("{:.1f} KiB", size / 1024);
  if (size < 1024. * 1024 * 1024) return fmt::format("{:.1f} MiB", size / (1024. * 1024));
  return fmt::format("{:.2f} GiB", size / (1024. * 1024 * 1024));
}

std::string format_count(double count) {
  if (count < 1000) return fmt::format("{:.0f}", count);
  if (count < 10000)
    return fmt::format("{:.0f},{:03.0f}", std::floor(std::round(count) / 1000), std::fmod(std::round(count), 1000));
  if (count < 1e6) return fmt::format("{:.1f}k", count / 1e3);
  return fmt::format("{:.1f}M", count / 1e6);
}

std::string format_whole(int64_t count) {
  std::string digits = fmt::format("{}", count);
  const size_t first = count < 0 ? 1 : 0;
  for (size_t i = digits.size(); i > first + 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

}  // namespace understudy
