// The threads that move bytes, and the event loop that they run. Servers and the client of a process share them, so
// that a request goes from an application's connection to a provider's without changing its thread: a change costs more
// than all else that the loop does for a request.
#pragma once

#include <memory>
#include <thread>
#include <vector>

namespace understudy {

class IoThreads {  // thread-safe
 public:
  explicit IoThreads(int count);  // they start at once
  ~IoThreads();                   // whatever runs on them is gone before: servers stopped, clients destroyed
  IoThreads(const IoThreads&) = delete;
  IoThreads& operator=(const IoThreads&) = delete;

  int count() const { return static_cast<int>(threads_.size()); }

  struct Loop;  // net/io_loop.h has it, for the sources of this room
  Loop& loop() { return *loop_; }

 private:
  std::unique_ptr<Loop> loop_;
  std::vector<std::thread> threads_;  // constant after construction
};

}  // namespace understudy
