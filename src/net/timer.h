// Waiting in a coroutine without holding a thread.
#pragma once

#include <chrono>
#include <memory>

#include "base/awaitable.h"
#include "base/executor.h"

namespace understudy {

class Timers {  // thread-safe; one thread of its own
 public:
  Timers();
  ~Timers();
  // Goes on on the call's executor when the time has passed, or at once when the call's stop is requested. True when the
  // time passed.
  Awaitable<bool> wait(std::chrono::nanoseconds duration, const Call& call);

 private:
  struct Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace understudy
