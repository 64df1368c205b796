// Carries the segment log into the store, on threads of its own: no request waits for it, and a store that is locked,
// full or gone for a day costs nothing but the disk space of the segments meanwhile. As long as it is less than 256 MiB
// and 5 s behind, it runs only where nobody else wants the processor. It goes on where the store says it stopped, so
// that a crash anywhere feeds some exchanges a second time, which changes nothing, and misses none. Segments that are
// wholly in the store are removed. It also forgets bodies by age.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "base/metrics.h"
#include "gateway/capture/retention.h"
#include "records/store.h"

namespace understudy {

struct FeederOptions {
  std::filesystem::path folder;
  RetentionRules retention;
  std::chrono::milliseconds look_every{200};  // for new records
  std::chrono::milliseconds retry_at_first{50};
  std::chrono::milliseconds retry_at_most{2000};
  std::chrono::milliseconds forget_every{std::chrono::hours(1)};
};

class Feeder {  // thread-safe
 public:
  // Made after the Recorder of the folder, so that what an earlier process left open is known to be over. Metrics:
  // understudy_capture_behind_bytes (of the log that is not in the store yet), understudy_capture_store_failures_total,
  // understudy_capture_damage_total.
  Feeder(const FeederOptions& options, Store& store, Metrics& metrics);
  ~Feeder();  // does not wait for the store: what is left over is fed at the next start

  void set_retention(RetentionRules rules);  // from the next round on; for a config that was read again

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace understudy
