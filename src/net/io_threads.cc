#include "net/io_threads.h"

#include "base/error.h"
#include "net/io_loop.h"

namespace understudy {

IoThreads::IoThreads(int count) : loop_(std::make_unique<Loop>(count)) {
  CHECK(count > 0, "somebody must run the loop");
  for (int i = 0; i < count; ++i) threads_.emplace_back([this] { loop_->context.run(); });
}

IoThreads::~IoThreads() {
  // Not stopped: the last callbacks, of what was cancelled, own what they were for, and that may need the loop to go.
  loop_->guard.reset();
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace understudy
