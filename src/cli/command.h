// A command of the program: its name, its help, and how it hangs its flags on a CLI11 application.
// A command's file reads flags, calls one step of workflow/ (or builds the object graph of a server) and prints its
// result.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <string>

namespace understudy::cli {

struct Command {
  std::string name;
  std::string summary;   // one line
  std::string examples;  // shown at the end of --help, one a line, each a line that can be typed
  // Registers flags on `app` (with underscores: main.cc makes --max-tokens and --max_tokens the same) and returns what
  // runs once they are parsed. Its result is the exit status: 0 done, 1 done and the answer is no. Failures are thrown.
  std::function<std::function<int()>(CLI::App& app)> configure;
};

// What stands on the command line and is no flag of the command: "--learning_rate=1e-3" as ("learning_rate", "1e-3").
// For commands whose config keys are flags too: they call app.allow_extras() and pass app.remaining() here.
std::vector<std::pair<std::string, std::string>> key_value_flags(const std::vector<std::string>& remaining);

}  // namespace understudy::cli
