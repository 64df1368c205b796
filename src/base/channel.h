// Values from any thread to one coroutine, in order. push() and close() never block and may be called from anywhere;
// next() is awaited by one coroutine at a time, which is resumed on the executor that it names. The channel itself sets
// no limit: who pushes must be limited by something else (an answer by its max_tokens).
#pragma once

#include <coroutine>
#include <deque>
#include <optional>
#include <utility>

#include "base/executor.h"
#include "base/mutex.h"

namespace understudy {

template <class T>
class Channel {  // thread-safe
 public:
  class Next;

  // Ignored once closed.
  void push(T value) EXCLUDES(mutex_) {
    Waiting woken;
    {
      MutexLock lock(mutex_);
      if (closed_) return;
      values_.push_back(std::move(value));
      woken = std::exchange(waiting_, {});
    }
    woken.resume();
  }
  void close() EXCLUDES(mutex_) {
    Waiting woken;
    {
      MutexLock lock(mutex_);
      closed_ = true;
      woken = std::exchange(waiting_, {});
    }
    woken.resume();
  }
  // co_await channel.next(executor): the next value, or nothing once closed and empty.
  [[nodiscard]] Next next(Executor& executor) { return Next(*this, executor); }

 private:
  // Who waits is taken together with what it is woken for, under one lock. In between it could take the value without
  // having waited, wait for the next one, and be woken for nothing: which it would take for the end.
  struct Waiting {
    std::coroutine_handle<> coroutine;
    Executor* executor = nullptr;
    void resume() const {
      if (coroutine) executor->post([waiting = coroutine] { waiting.resume(); });
    }
  };
  // True when the coroutine has to wait; false when there is something to take.
  bool wait(std::coroutine_handle<> waiting, Executor& executor) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (closed_ || !values_.empty()) return false;
    waiting_ = {waiting, &executor};
    return true;
  }
  std::optional<T> take() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (values_.empty()) return std::nullopt;
    std::optional<T> value(std::move(values_.front()));
    values_.pop_front();
    return value;
  }

  Mutex mutex_;
  std::deque<T> values_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
  Waiting waiting_ GUARDED_BY(mutex_);
};

template <class T>
class Channel<T>::Next {
 public:
  Next(Channel& channel, Executor& executor) : channel_(channel), executor_(executor) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) { return channel_.wait(waiting, executor_); }
  std::optional<T> await_resume() { return channel_.take(); }

 private:
  Channel& channel_;
  Executor& executor_;
};

}  // namespace understudy
