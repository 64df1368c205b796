#include "base/deadlines.h"

#include <algorithm>
#include <memory>

#include "base/channel.h"

namespace understudy {

void Deadlines::Ticket::drop() {
  if (owner_ != nullptr) std::exchange(owner_, nullptr)->remove(id_);
}

Deadlines::Deadlines() : thread_([this] { run(); }) {}

Deadlines::~Deadlines() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

Deadlines::Ticket Deadlines::at(Clock::time_point when, Callback callback) {
  MutexLock lock(mutex_);
  const uint64_t id = next_id_++;
  const bool is_earliest = waiting_.empty() || when < waiting_.begin()->first.first;
  waiting_.emplace(Key(when, id), std::move(callback));
  when_.emplace(id, when);
  if (is_earliest) changed_.notify_all();
  return Ticket(this, id);
}

void Deadlines::remove(uint64_t id) {
  Callback dropped;  // destroyed after the lock: what it owns may have a ticket of its own
  MutexLock lock(mutex_);
  const auto entry = when_.find(id);
  if (entry == when_.end()) return;
  const auto waiting = waiting_.find(Key(entry->second, id));
  if (waiting != waiting_.end()) {
    dropped = std::move(waiting->second);
    waiting_.erase(waiting);
  }
  when_.erase(entry);
}

void Deadlines::run() {
  MutexLock lock(mutex_);
  while (!stopped_) {
    if (waiting_.empty()) {
      changed_.wait(mutex_);
      continue;
    }
    const Clock::time_point when = waiting_.begin()->first.first;
    const Clock::time_point now = Clock::now();
    if (now >= when) {
      call_earliest();
    } else {
      // An hour at most: a deadline of years would overflow the wait's own clock.
      changed_.wait_for(mutex_, std::min<Clock::duration>(when - now, std::chrono::hours(1)));
    }
  }
}

void Deadlines::call_earliest() {
  auto node = waiting_.extract(waiting_.begin());
  const uint64_t id = node.key().second;
  mutex_.unlock();
  const std::optional<Clock::time_point> again = node.mapped()();
  if (!again) node.mapped() = nullptr;  // what it owned goes before the lock is taken
  mutex_.lock();
  const auto entry = when_.find(id);
  if (entry == when_.end()) {  // dropped meanwhile
    mutex_.unlock();
    node.mapped() = nullptr;
    mutex_.lock();
    return;
  }
  if (!again) {
    when_.erase(entry);
    return;
  }
  entry->second = *again;
  node.key().first = *again;
  waiting_.insert(std::move(node));
}

Awaitable<bool> sleep_for(Deadlines& deadlines, std::chrono::nanoseconds duration, const Call& call) {
  const auto woken = std::make_shared<Channel<bool>>();
  const Deadlines::Ticket ticket =
      deadlines.at(Deadlines::Clock::now() + std::chrono::duration_cast<Deadlines::Clock::duration>(duration),
                   [woken]() -> std::optional<Deadlines::Clock::time_point> {
                     woken->push(true);
                     return std::nullopt;
                   });
  const std::stop_callback on_stop(call.stop, [woken] { woken->push(false); });
  const std::optional<bool> passed = co_await woken->next(*call.executor);
  co_return *passed;
}

}  // namespace understudy
