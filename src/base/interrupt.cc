#include "base/interrupt.h"

#include <pthread.h>
#include <unistd.h>
#include <atomic>
#include <csignal>
#include <thread>

namespace understudy {

namespace {

std::atomic<int> g_signal{0};

// A signal handler may not take locks, and request_stop() does: the signals are blocked in every thread and waited for
// in one.
std::stop_source& start_watching() {
  static std::stop_source source;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals] {
    int number = 0;
    if (sigwait(&signals, &number) != 0) return;
    g_signal = number;
    source.request_stop();
    if (sigwait(&signals, &number) == 0) ::_exit(130);
  }).detach();
  return source;
}

}  // namespace

std::stop_token interrupt_token() {
  static std::stop_source& source = start_watching();
  return source.get_token();
}

int interrupt_signal() {
  return g_signal;
}

}  // namespace understudy
