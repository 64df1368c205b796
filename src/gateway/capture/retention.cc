#include "gateway/capture/retention.h"

#include <vector>

namespace understudy {

int64_t forget_old_bodies(Store& store, const RetentionRules& rules, int64_t now_ms) {
  int64_t n_forgotten = 0;
  std::vector<std::string> named;
  for (const auto& [task, keep] : rules.tasks) {
    named.push_back(task);
    if (keep) n_forgotten += store.forget_bodies(task, {}, now_ms - keep->count());
  }
  if (rules.others) n_forgotten += store.forget_bodies("", named, now_ms - rules.others->count());
  return n_forgotten;
}

}  // namespace understudy
