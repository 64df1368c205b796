// The learned fingerprints on disk, so that a gateway that is started again knows the tasks of requests that say
// nothing of theirs. A file of one line of JSON, written whole and atomically; beside it stands nothing of what was
// asked, only hashes and names of tasks. Losing it costs what losing it always cost: fingerprints are learned again.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "gateway/routing/task_recognition.h"

namespace understudy {

class FingerprintFile {  // used by one thread at a time
 public:
  using Clock = std::chrono::steady_clock;

  // Reads what is there into `known`, which outlives it. A file that cannot be read is told of and begun anew.
  FingerprintFile(std::filesystem::path path, KnownFingerprints& known);
  FingerprintFile(const FingerprintFile&) = delete;
  FingerprintFile& operator=(const FingerprintFile&) = delete;
  ~FingerprintFile();  // keeps what was learned last

  // To be called every second or so: keeps what was learned since, where the last time was ten seconds ago. A disk that
  // fails is told of once and tried again.
  void keep_changes(Clock::time_point now);

 private:
  void read();
  void write();

  const std::filesystem::path path_;
  KnownFingerprints& known_;
  uint64_t kept_version_ = 0;
  Clock::time_point may_write_from_{};
  bool has_warned_ = false;
};

}  // namespace understudy
