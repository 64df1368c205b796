// Runs one command line and returns its exit status (commands.md of the docs: 0, 1, 2, 3, 130). Never throws.
#pragma once

namespace understudy::cli {

int run(int argc, char** argv);

}  // namespace understudy::cli
