// Calls functions at instants: one thread keeps all timeouts of a process. Setting and dropping one is a lock and a
// tree's insert; the thread wakes for the earliest only, so that a timeout that is not met costs next to nothing (a
// timer of an event loop would wake that loop twice for each request).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "base/awaitable.h"
#include "base/executor.h"
#include "base/mutex.h"

namespace understudy {

class Deadlines {  // thread-safe
 public:
  using Clock = std::chrono::steady_clock;
  // Runs on the deadlines' thread: must be quick and must not throw. Gives the instant at which it wants to be called
  // again, or nothing. It may still run while, and shortly after, its ticket is dropped: it owns what it touches.
  using Callback = std::function<std::optional<Clock::time_point>()>;

  class Ticket {  // owned by one thread; dropping it takes the deadline back
   public:
    Ticket() = default;
    Ticket(Ticket&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), id_(other.id_) {}
    Ticket& operator=(Ticket&& other) noexcept {
      std::swap(owner_, other.owner_);
      std::swap(id_, other.id_);
      return *this;
    }
    ~Ticket() { drop(); }
    void drop();

   private:
    friend class Deadlines;
    Ticket(Deadlines* owner, uint64_t id) : owner_(owner), id_(id) {}
    Deadlines* owner_ = nullptr;
    uint64_t id_ = 0;
  };

  Deadlines();
  ~Deadlines();  // what is still set is never called; tickets must be gone

  [[nodiscard]] Ticket at(Clock::time_point when, Callback callback) EXCLUDES(mutex_);

 private:
  using Key = std::pair<Clock::time_point, uint64_t>;
  void remove(uint64_t id) EXCLUDES(mutex_);
  void run() EXCLUDES(mutex_);
  void call_earliest() REQUIRES(mutex_);

  Mutex mutex_;
  CondVar changed_;
  std::map<Key, Callback> waiting_ GUARDED_BY(mutex_);
  std::map<uint64_t, Clock::time_point> when_ GUARDED_BY(mutex_);  // of every ticket that is out
  uint64_t next_id_ GUARDED_BY(mutex_) = 1;
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // constant after construction
};

// Waits in a coroutine without holding a thread: goes on on the call's executor when the time has passed (true) or at
// once when the call's stop is requested (false).
Awaitable<bool> sleep_for(Deadlines& deadlines, std::chrono::nanoseconds duration, const Call& call);

}  // namespace understudy
