// The program's entry.
#include "cli/main.h"
#include "base/environment.h"

int main(int argc, char** argv) {
  // libgomp's threads spin at the end of every parallel loop, by default for so long that a machine with other work on
  // it comes to a stand: a token of the seedling took 100 ms instead of 1 beside one busy core. It reads its settings
  // when it is loaded.
  understudy::start_again_with_default("GOMP_SPINCOUNT", "10000", argv);
  return understudy::cli::run(argc, argv);
}
