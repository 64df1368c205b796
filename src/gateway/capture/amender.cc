#include "gateway/capture/amender.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"

namespace understudy {

namespace {
using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLookEvery{250};
constexpr std::chrono::minutes kGiveUpAfter{5};  // the store was away for long
}  // namespace

struct Amender::Work {
  struct Waiting {
    std::string id;
    std::vector<ExchangeAttempt> attempts;
    Clock::time_point since = Clock::now();
  };

  Work(Recorder& to, Store& from, Prepare given)
      : recorder(to), store(from), prepare(std::move(given)), thread([this] { run(); }) {}

  void run() {
    for (;;) {
      std::vector<Waiting> round;
      {
        MutexLock lock(mutex);
        if (waiting.empty() && !ending) changed.wait(mutex);
        if (!ending) changed.wait_for(mutex, kLookEvery);
        round = std::exchange(waiting, {});
        if (ending && round.empty()) return;
      }
      const bool is_last = !amend_all(round);
      if (is_last) return;
    }
  }

  // False once it is over.
  bool amend_all(std::vector<Waiting>& round) EXCLUDES(mutex) {
    std::vector<Waiting> left;
    for (Waiting& item : round) {
      if (!amend(item)) left.push_back(std::move(item));
    }
    MutexLock lock(mutex);
    for (Waiting& item : left) {
      if (ending || Clock::now() - item.since > kGiveUpAfter) {
        log_warning(
            fmt::format("exchange {}: its shadow's answer could not be added: it is not in the store", item.id));
      } else {
        waiting.push_back(std::move(item));
      }
    }
    return !ending;
  }

  bool amend(Waiting& item) {
    try {
      std::optional<Exchange> exchange = store.exchange(item.id);
      if (!exchange) return false;
      prepare(*exchange, item.attempts);
      for (ExchangeAttempt& attempt : item.attempts) exchange->attempts.push_back(std::move(attempt));
      recorder.end_later(*exchange);
      return true;
    } catch (const Error&) {
      return false;  // the store is away: later
    }
  }

  Recorder& recorder;
  Store& store;
  const Prepare prepare;
  Mutex mutex;
  CondVar changed;
  std::vector<Waiting> waiting GUARDED_BY(mutex);
  bool ending GUARDED_BY(mutex) = false;
  std::thread thread;
};

Amender::Amender(Recorder& recorder, Store& store, Prepare prepare)
    : work_(std::make_unique<Work>(recorder, store, std::move(prepare))) {}

Amender::~Amender() {
  {
    MutexLock lock(work_->mutex);
    work_->ending = true;
  }
  work_->changed.notify_all();
  work_->thread.join();
}

void Amender::add(const std::string& exchange_id, std::vector<ExchangeAttempt> attempts) {
  {
    MutexLock lock(work_->mutex);
    work_->waiting.push_back({exchange_id, std::move(attempts)});
  }
  work_->changed.notify_all();
}

}  // namespace understudy
