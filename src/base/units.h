// Durations (ms, s, m, h, d), sizes (kB, MB, GB of 1000; KiB, MiB, GiB of 1024) and counts (k, M) as configs write
// them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/config_node.h"

namespace understudy {

void read_value(const ConfigNode& node, std::chrono::nanoseconds& value);

struct ByteSize {
  uint64_t bytes = 0;
};
void read_value(const ConfigNode& node, ByteSize& value);

struct Count {
  int64_t value = 0;
};
void read_value(const ConfigNode& node, Count& value);

std::string format_duration(std::chrono::nanoseconds duration);  // "1h 04m", "3m 20s", "12.3 s", "45 ms"
std::string format_bytes(uint64_t bytes);                        // "1.2 GiB"
std::string format_count(double count);                          // "1,234", "12.3k", "4.5M"
std::string format_whole(int64_t count);                         // "1,234,567"

}  // namespace understudy
