// A command that serves (`understudy serve`, `gateway`) as a child process of a test; its lines of standard output are
// read as far as they are waited for. Used by one thread.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace understudy::testing {

class Serving {
 public:
  explicit Serving(std::vector<std::string> arguments) {
    int ends[2];
    CHECK(::pipe(ends) == 0, "no pipe");
    arguments.insert(arguments.begin(), UNDERSTUDY_BINARY);
    std::vector<char*> words;
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(ends[1], 1);
      ::close(ends[0]);
      ::execv(words[0], words.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
  }
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;
  ~Serving() {
    if (process_ > 0) end(SIGKILL);
    ::close(output_);
  }

  // The next line; nothing where the program ended.
  std::optional<std::string> line() {
    std::string line;
    char byte = 0;
    while (::read(output_, &byte, 1) == 1) {
      if (byte == '\n') return line;
      line += byte;
    }
    return std::nullopt;
  }
  // The port in the next line that begins so; 0 where the program ended.
  uint16_t port_after(const std::string& beginning) {
    while (const std::optional<std::string> said = line()) {
      if (said->rfind(beginning, 0) == 0) return static_cast<uint16_t>(std::stoi(said->substr(said->rfind(':') + 1)));
    }
    return 0;
  }

  pid_t process() const { return process_; }
  void signal(int number) const { ::kill(process_, number); }
  // The exit status; 128 + signal where that ended it.
  int end(int number) {
    ::kill(process_, number);
    int status = 0;
    ::waitpid(std::exchange(process_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t process_ = 0;
  int output_ = -1;
};

}  // namespace understudy::testing
