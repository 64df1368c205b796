// Which kind of work a request is. In this order: the header X-Understudy-Task; the fingerprint of its static prompt
// (gateway/wire/request_head.h), where requests with that header have shown it; the model that it asks for, where a
// task is matched by models alone. What is none of the config's tasks is found all the same: it is called
// `found-<first 8 digits of its fingerprint>`.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "gateway/wire/request_head.h"

namespace understudy {

struct TaskMatch {
  std::string task;
  std::string header;               // value of X-Understudy-Task; empty: none
  std::vector<std::string> models;  // names that applications ask for; empty: any
};

// Which fingerprints belong to which task: learned from requests whose header said so. Lives longer than a config.
class KnownFingerprints {  // thread-safe
 public:
  void learn(const std::string& fingerprint, const std::string& task) EXCLUDES(mutex_);
  // Empty where it is unknown, or where requests of two tasks had it.
  std::string task_of(const std::string& fingerprint) const EXCLUDES(mutex_);

 private:
  // A stranger who sends another static prompt with every request must not fill the memory.
  static constexpr size_t kMost = 10'000;
  mutable Mutex mutex_;
  std::map<std::string, std::string> tasks_ GUARDED_BY(mutex_);  // an empty name: of several
};

// The task of a request; one of `matches`, or found-... `model`: as the application asked.
std::string recognise_task(const std::vector<TaskMatch>& matches, KnownFingerprints& known, const RequestHead& head,
                           std::string_view model, std::string_view header);

}  // namespace understudy
