// A queue between threads that never grows beyond its capacity: a full one refuses, a stopped one wakes everybody.
#pragma once

#include <chrono>
#include <deque>
#include <optional>

#include "base/mutex.h"

namespace understudy {

template <class T>
class BoundedQueue {  // thread-safe
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}

  // False when full or stopped; the value is then untouched.
  [[nodiscard]] bool try_push(T& value) {
    MutexLock lock(mutex_);
    if (stopped_ || values_.size() >= capacity_) return false;
    values_.push_back(std::move(value));
    ready_.notify_one();
    return true;
  }
  // Waits for a value; nothing once stopped and empty.
  [[nodiscard]] std::optional<T> pop() {
    MutexLock lock(mutex_);
    while (values_.empty() && !stopped_) ready_.wait(mutex_);
    return take();
  }
  [[nodiscard]] std::optional<T> try_pop() {
    MutexLock lock(mutex_);
    return take();
  }
  void stop() {
    MutexLock lock(mutex_);
    stopped_ = true;
    ready_.notify_all();
  }
  size_t size() const {
    MutexLock lock(mutex_);
    return values_.size();
  }

 private:
  std::optional<T> take() REQUIRES(mutex_) {
    if (values_.empty()) return std::nullopt;
    std::optional<T> value(std::move(values_.front()));
    values_.pop_front();
    return value;
  }

  const size_t capacity_;
  mutable Mutex mutex_;
  CondVar ready_;
  std::deque<T> values_ GUARDED_BY(mutex_);
  bool stopped_ GUARDED_BY(mutex_) = false;
};

}  // namespace understudy
