// The table of commands, and what is common to all of them: flags with - or _, --help, --version, errors, exit status.
#include "cli/main.h"

int main(int argc, char** argv) { return understudy::cli::run(argc, argv); }
