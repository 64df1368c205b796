// Where a coroutine runs, and what travels with a request through the house. An Executor is implemented by net/ (a
// connection's strand) and by base/worker_pool.h (threads that may take their time).
#pragma once

#include <coroutine>
#include <functional>
#include <stop_token>

namespace understudy {

class Executor {  // thread-safe
 public:
  virtual ~Executor() = default;
  // Runs the job later on one of the executor's threads, never inside this call. The job must not throw.
  virtual void post(std::function<void()> job) = 0;
};

// A request's way through the house: the executor on which its coroutine runs and must be resumed, and the wish to
// stop, which comes from a client that left or from a server that ends. `executor` outlives the request.
struct Call {
  Executor* executor = nullptr;
  std::stop_token stop;
};

// co_await resume_on(executor): what follows runs there.
class resume_on {
 public:
  explicit resume_on(Executor& executor) : executor_(executor) {}
  bool await_ready() const noexcept { return false; }
  // The coroutine may already run elsewhere when post() returns: nothing of this object is touched after it.
  void await_suspend(std::coroutine_handle<> waiting) const {
    executor_.post([waiting] { waiting.resume(); });
  }
  void await_resume() const noexcept {}

 private:
  Executor& executor_;
};

}  // namespace understudy
