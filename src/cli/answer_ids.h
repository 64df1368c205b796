// Words for the ids of answers and exchanges: never twice in a process, and most likely not in two of them.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <random>
#include <string>

#include "base/random.h"

namespace understudy::cli {

class AnswerIds {  // thread-safe
 public:
  std::string next() {
    const uint64_t at = 2 * count_.fetch_add(1);
    return fmt::format("{:016x}{:08x}", random_.at(at), static_cast<uint32_t>(random_.at(at + 1)));
  }

 private:
  const Random random_{(static_cast<uint64_t>(std::random_device{}()) << 32) ^ std::random_device{}()};
  std::atomic<uint64_t> count_{0};
};

}  // namespace understudy::cli
