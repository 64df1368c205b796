// A few threads for work that takes longer than an io thread may: rendering and tokenising long prompts. Thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/executor.h"
#include "base/mutex.h"

namespace understudy {

class WorkerPool : public Executor {  // thread-safe
 public:
  explicit WorkerPool(int threads);
  ~WorkerPool() override;  // runs what was posted, then joins
  // The queue sets no limit: what is posted is limited by the server's number of connections.
  void post(std::function<void()> job) override;

 private:
  void run();

  Mutex mutex_;
  CondVar ready_;
  std::deque<std::function<void()>> jobs_ GUARDED_BY(mutex_);
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;  // constant after construction
};

}  // namespace understudy
