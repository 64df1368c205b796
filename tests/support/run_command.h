// Runs a command to its end and keeps what it said: the program as a user meets it, or a script of tools/.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace understudy::testing {

struct CommandResult {
  int status = 0;  // exit status; 128 + signal where one ended it, as shells say it
  std::string output;
  std::string errors;
};

inline std::string quoted_for_shell(const std::string& word) {
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// words: program and arguments. input: its standard input. before: shell text run first ("ulimit -f 1").
inline CommandResult run_command(const std::vector<std::string>& words, const std::string& input = {},
                                 const std::string& before = {}) {
  const TemporaryFolder folder;
  folder.write("in", input);
  std::string line = before.empty() ? "" : before + "; ";
  for (const std::string& word : words) line += quoted_for_shell(word) + " ";
  line += "<" + quoted_for_shell((folder / "in").string()) + " >" + quoted_for_shell((folder / "out").string()) +
          " 2>" + quoted_for_shell((folder / "err").string());
  const int raw = std::system(line.c_str());
  CommandResult result;
  result.status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  result.output = bytes_of_file(folder / "out");
  result.errors = bytes_of_file(folder / "err");
  return result;
}

// The built program: run_understudy({"cost", "cost.yml"}).
inline CommandResult run_understudy(std::vector<std::string> arguments, const std::string& input = {}) {
  arguments.insert(arguments.begin(), UNDERSTUDY_BINARY);
  return run_command(arguments, input);
}

}  // namespace understudy::testing
