// Coroutines that nobody awaits, with an owner who does not end before them: losers of a race, shadows, checks that run
// on and on.
#pragma once

#include <cstdint>
#include <exception>
#include <stop_token>
#include <utility>

#include "base/awaitable.h"
#include "base/error.h"
#include "base/mutex.h"

namespace understudy {

class TaskGroup {  // thread-safe
 public:
  TaskGroup() = default;
  ~TaskGroup() { stop_and_wait(); }
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts it now, on this thread. It must not throw. Once the group was stopped nothing is started any more: false.
  bool start(Awaitable<void> task) EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      if (stopped_) return false;
      ++running_;
    }
    start_detached(keep(std::move(task)), [this](const std::exception_ptr& fault) {
      CHECK(!fault, "a task of a group must not throw");
      ended();
    });
    return true;
  }

  // What the tasks' calls carry: requested when the group is to end.
  std::stop_token stop_token() const { return stop_.get_token(); }

  // Asks every task to stop and waits for the last one; not from a task or a thread that one needs to go on.
  void stop_and_wait() EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      stopped_ = true;
    }
    stop_.request_stop();
    MutexLock lock(mutex_);
    while (running_ > 0) none_.wait(mutex_);
  }

 private:
  // The task with all that its coroutine holds is gone before the group learns that it ended.
  static Awaitable<void> keep(Awaitable<void> task) {
    Awaitable<void> mine = std::move(task);
    co_await mine;
  }
  void ended() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (--running_ == 0) none_.notify_all();
  }

  Mutex mutex_;
  CondVar none_;
  int64_t running_ GUARDED_BY(mutex_) = 0;
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::stop_source stop_;
};

}  // namespace understudy
