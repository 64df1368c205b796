#include "gateway/routing/task_recognition.h"

#include <algorithm>
#include <utility>

namespace understudy {

namespace {

bool has_model(const TaskMatch& match, std::string_view model) {
  return match.models.empty() || std::find(match.models.begin(), match.models.end(), model) != match.models.end();
}

const TaskMatch* by_header(const std::vector<TaskMatch>& matches, std::string_view header) {
  for (const TaskMatch& match : matches) {
    if (!header.empty() && match.header == header) return &match;
  }
  return nullptr;
}

const TaskMatch* by_name(const std::vector<TaskMatch>& matches, std::string_view task, std::string_view model) {
  for (const TaskMatch& match : matches) {
    if (match.task == task && has_model(match, model)) return &match;
  }
  return nullptr;
}

// A task with nothing but models takes all that asks for them.
const TaskMatch* by_model(const std::vector<TaskMatch>& matches, std::string_view model) {
  for (const TaskMatch& match : matches) {
    if (match.header.empty() && !match.models.empty() && has_model(match, model)) return &match;
  }
  return nullptr;
}

}  // namespace

void KnownFingerprints::learn(const std::string& fingerprint, const std::string& task) {
  MutexLock lock(mutex_);
  const auto found = by_fingerprint_.find(fingerprint);
  if (found == by_fingerprint_.end()) {
    add({fingerprint, task});
    ++version_;
    return;
  }
  seen_.splice(seen_.begin(), seen_, found->second);
  std::string& known = found->second->task;
  if (known.empty() || known == task) return;
  known.clear();
  ++version_;
}

std::string KnownFingerprints::task_of(const std::string& fingerprint) {
  MutexLock lock(mutex_);
  const auto found = by_fingerprint_.find(fingerprint);
  if (found == by_fingerprint_.end()) return {};
  seen_.splice(seen_.begin(), seen_, found->second);
  return found->second->task;
}

void KnownFingerprints::add(KnownFingerprint known) {
  if (seen_.size() == kMost) {
    by_fingerprint_.erase(seen_.back().fingerprint);
    seen_.pop_back();
  }
  seen_.push_front(std::move(known));
  by_fingerprint_.emplace(seen_.front().fingerprint, seen_.begin());
}

std::vector<KnownFingerprint> KnownFingerprints::all() const {
  MutexLock lock(mutex_);
  return {seen_.begin(), seen_.end()};
}

void KnownFingerprints::restore(const std::vector<KnownFingerprint>& all) {
  MutexLock lock(mutex_);
  for (auto known = all.rbegin(); known != all.rend(); ++known) {
    if (!by_fingerprint_.contains(known->fingerprint)) add(*known);
  }
}

uint64_t KnownFingerprints::version() const {
  MutexLock lock(mutex_);
  return version_;
}

std::string recognise_task(const std::vector<TaskMatch>& matches, KnownFingerprints& known, const RequestHead& head,
                           std::string_view model, std::string_view header) {
  if (const TaskMatch* match = by_header(matches, header)) {
    // Without a static prompt all requests look alike: that says nothing of their work.
    if (!head.system.empty()) known.learn(head.fingerprint, match->task);
    return match->task;
  }
  if (!head.system.empty()) {
    const std::string task = known.task_of(head.fingerprint);
    if (const TaskMatch* match = by_name(matches, task, model)) return match->task;
  }
  if (const TaskMatch* match = by_model(matches, model)) return match->task;
  return "found-" + head.fingerprint.substr(0, 8);
}

}  // namespace understudy
