// std::mutex with clang's thread-safety annotations, so that -Wthread-safety can prove who guards what.
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define UNDERSTUDY_ANNOTATION(x) __attribute__((x))
#else
#define UNDERSTUDY_ANNOTATION(x)
#endif
#define CAPABILITY(x) UNDERSTUDY_ANNOTATION(capability(x))
#define SCOPED_CAPABILITY UNDERSTUDY_ANNOTATION(scoped_lockable)
#define GUARDED_BY(x) UNDERSTUDY_ANNOTATION(guarded_by(x))
#define REQUIRES(...) UNDERSTUDY_ANNOTATION(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) UNDERSTUDY_ANNOTATION(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) UNDERSTUDY_ANNOTATION(acquire_capability(__VA_ARGS__))
#define RELEASE(...) UNDERSTUDY_ANNOTATION(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS UNDERSTUDY_ANNOTATION(no_thread_safety_analysis)

namespace understudy {

class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits with the mutex held by the caller; call it in a loop that tests the condition.
class CondVar {
 public:
  void wait(Mutex& mutex) REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  template <class Duration>
  bool wait_for(Mutex& mutex, Duration duration) REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool woken = condition_.wait_for(lock, duration) == std::cv_status::no_timeout;
    lock.release();
    return woken;
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace understudy
