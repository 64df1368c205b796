#include "base/interrupt.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

namespace understudy {
namespace {

// A child, because the handlers stay for the life of a process.
int status_of_child(void (*action)()) {
  const pid_t child = ::fork();
  if (child == 0) {
    action();
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool stops_within_a_second(const std::stop_token& token) {
  for (int i = 0; i < 1000 && !token.stop_requested(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return token.stop_requested();
}

TEST(Interrupt, TheFirstSignalAsksTheJobToEnd) {
  EXPECT_EQ(status_of_child([] {
              const std::stop_token token = interrupt_token();
              if (token.stop_requested()) ::_exit(2);
              ::kill(::getpid(), SIGINT);
              if (stops_within_a_second(token) && interrupt_token().stop_requested()) ::_exit(0);
            }),
            0);
}

TEST(Interrupt, TheSecondEndsTheProcess) {
  EXPECT_EQ(status_of_child([] {
              const std::stop_token token = interrupt_token();
              ::kill(::getpid(), SIGTERM);
              if (!stops_within_a_second(token)) return;
              ::kill(::getpid(), SIGTERM);
              std::this_thread::sleep_for(std::chrono::seconds(2));
            }),
            130);
}

}  // namespace
}  // namespace understudy
