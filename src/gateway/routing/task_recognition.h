// Which kind of work a request is. In this order: the header X-Understudy-Task; the fingerprint of its static prompt
// (gateway/wire/request_head.h), where requests with that header have shown it; the model that it asks for, where a
// task is matched by models alone. What is none of the config's tasks is found all the same: it is called
// `found-<first 8 digits of its fingerprint>`.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "gateway/wire/request_head.h"

namespace understudy {

struct TaskMatch {
  std::string task;
  std::string header;               // value of X-Understudy-Task; empty: none
  std::vector<std::string> models;  // names that applications ask for; empty: any
};

struct KnownFingerprint {
  std::string fingerprint;
  std::string task;  // empty: requests of two tasks had it
};

// Which fingerprints belong to which task: learned from requests whose header said so. Lives longer than a config, and
// by fingerprint_file.h than the process.
class KnownFingerprints {  // thread-safe
 public:
  // An application that puts the day's date into its static prompt has another one every day: beyond this many, the one
  // that has not been seen for longest is forgotten.
  static constexpr size_t kMost = 10'000;

  void learn(const std::string& fingerprint, const std::string& task) EXCLUDES(mutex_);
  // Empty where it is unknown, or where requests of two tasks had it.
  std::string task_of(const std::string& fingerprint) EXCLUDES(mutex_);

  // Seen most recently first.
  std::vector<KnownFingerprint> all() const EXCLUDES(mutex_);
  // What all() gave another time, before anything is learned.
  void restore(const std::vector<KnownFingerprint>& all) EXCLUDES(mutex_);
  // Another number after every change of what all() holds; its order alone is no change.
  uint64_t version() const EXCLUDES(mutex_);

 private:
  using Seen = std::list<KnownFingerprint>;
  void add(KnownFingerprint known) REQUIRES(mutex_);

  mutable Mutex mutex_;
  Seen seen_ GUARDED_BY(mutex_);  // most recently first; its elements stay where they are
  std::unordered_map<std::string_view, Seen::iterator> by_fingerprint_ GUARDED_BY(mutex_);  // keys are seen_'s texts
  uint64_t version_ GUARDED_BY(mutex_) = 0;
};

// The task of a request; one of `matches`, or found-... `model`: as the application asked.
std::string recognise_task(const std::vector<TaskMatch>& matches, KnownFingerprints& known, const RequestHead& head,
                           std::string_view model, std::string_view header);

}  // namespace understudy
