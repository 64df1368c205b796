// Words for the ids of answers and exchanges: never twice in a process, most likely not in two of them, and in the
// order of the alphabet as they were made, so that exchanges that began in the same millisecond keep their order. The
// form is that of a UUID version 7 (RFC 9562, section 5.7) without its dashes and marks: milliseconds since 1970 (48
// bits), a count (24 bits), random bits (56).
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>

#include "base/random.h"

namespace understudy::cli {

class AnswerIds {  // thread-safe
 public:
  std::string next() {
    const uint64_t count = count_.fetch_add(1);
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
    return fmt::format("{:012x}{:06x}{:014x}", static_cast<uint64_t>(ms), count & 0xffffff, random_.at(count) >> 8);
  }

 private:
  const Random random_{(static_cast<uint64_t>(std::random_device{}()) << 32) ^ std::random_device{}()};
  std::atomic<uint64_t> count_{0};
};

}  // namespace understudy::cli
