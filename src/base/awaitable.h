// Awaitable<T>: what a coroutine gives back. Lazy: it starts when it is awaited, runs on the thread that awaits it, and
// hands its value or its exception to whoever awaited it. It knows no event loop: who suspends (a socket, a Channel,
// resume_on) says where the coroutine goes on. An Awaitable belongs to one coroutine at a time and is awaited at most
// once.
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

namespace understudy {

namespace awaitable_detail {

// On its end a coroutine goes straight on with who awaited it (symmetric transfer: no growing stack in loops).
struct FinalStep {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> finished) const noexcept {
    return finished.promise().continuation;
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  std::exception_ptr fault;

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
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
    coroutine_.promise().continuation = waiting;
    return coroutine_;
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
