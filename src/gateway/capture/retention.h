// How long requests and answers are kept, by task. Figures (usage, cost, times) stay for good. Pure but for the store;
// called by the store's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "records/store.h"

namespace understudy {

struct RetentionRules {
  using Keep = std::optional<std::chrono::milliseconds>;  // nothing: for good
  Keep others;                                            // tasks that `tasks` does not name
  std::map<std::string, Keep> tasks;
};

// Forgets the bodies of exchanges that are older than their task's rule allows; returns how many. Throws kIo.
int64_t forget_old_bodies(Store& store, const RetentionRules& rules, int64_t now_ms);

}  // namespace understudy
