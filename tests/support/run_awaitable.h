// Runs a coroutine to its end from a test's own thread.
#pragma once

#include <exception>
#include <future>
#include <optional>

#include "base/awaitable.h"

namespace understudy::testing {

template <class T>
T run(Awaitable<T> work) {
  std::optional<T> value;
  std::promise<void> ended;
  const auto keep = [](Awaitable<T> inner, std::optional<T>& out) -> Awaitable<void> { out.emplace(co_await inner); };
  start_detached(keep(std::move(work), value),
                 [&ended](const std::exception_ptr& fault) { fault ? ended.set_exception(fault) : ended.set_value(); });
  ended.get_future().get();
  return std::move(*value);
}

}  // namespace understudy::testing
