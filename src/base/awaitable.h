// Awaitable<T>: what a coroutine gives back. Lazy: it starts when it is awaited, runs on the thread that awaits it, and
// hands its value or its exception to whoever awaited it. It knows no event loop: who suspends (a socket, a Channel,
// resume_on) says where the coroutine goes on. An Awaitable belongs to one coroutine at a time and is awaited at most
// once.
#pragma once

#include <atomic>
#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

namespace understudy {

namespace awaitable_detail {

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  std::exception_ptr fault;
  // Set by whichever comes first: the coroutine's end, or the moment in which who awaits it goes to sleep. The other
  // one then finds it set, and knows that going on is its part. They may be on two threads.
  std::atomic<bool> met{false};

  struct FinalStep {
    bool await_ready() const noexcept { return false; }
    // Where `met` was not set yet, the frame may be gone as soon as it is: nothing of it is touched after that.
    template <class P>
    void await_suspend(std::coroutine_handle<P> finished) const noexcept {
      const std::coroutine_handle<> continuation = finished.promise().continuation;
      if (finished.promise().met.exchange(true, std::memory_order_acq_rel)) continuation.resume();
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalStep final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { fault = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;

  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (fault) std::rethrow_exception(fault);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  void return_void() const noexcept {}
  void take() const {
    if (fault) std::rethrow_exception(fault);
  }
};

}  // namespace awaitable_detail

template <class T>
class [[nodiscard]] Awaitable {
 public:
  struct promise_type : awaitable_detail::Promise<T> {
    Awaitable get_return_object() { return Awaitable(std::coroutine_handle<promise_type>::from_promise(*this)); }
  };

  Awaitable(Awaitable&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Awaitable& operator=(Awaitable&& other) noexcept {
    std::swap(coroutine_, other.coroutine_);
    return *this;
  }
  ~Awaitable() {
    if (coroutine_) coroutine_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  // Runs the coroutine until it ends or waits, and says whether it waits. Not by symmetric transfer: that takes no
  // stack only where the compiler makes tail calls, and under the sanitizers a loop over 200,000 values overflowed it.
  bool await_suspend(std::coroutine_handle<> waiting) noexcept {
    auto& promise = coroutine_.promise();
    promise.continuation = waiting;
    coroutine_.resume();
    return !promise.met.exchange(true, std::memory_order_acq_rel);
  }
  T await_resume() { return coroutine_.promise().take(); }

 private:
  explicit Awaitable(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}
  std::coroutine_handle<promise_type> coroutine_;
};

namespace awaitable_detail {

struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

inline Detached run_detached(Awaitable<void> work, std::function<void(std::exception_ptr)> done) {
  std::exception_ptr fault;
  try {
    co_await work;
  } catch (...) {
    fault = std::current_exception();
  }
  done(fault);
}

}  // namespace awaitable_detail

// Starts `work` now, on this thread, and owns it to its end; `done` then gets its exception or nothing, and must not
// throw.
inline void start_detached(Awaitable<void> work, std::function<void(std::exception_ptr)> done) {
  awaitable_detail::run_detached(std::move(work), std::move(done));
}

}  // namespace understudy
