// Runs a fuzz target without libFuzzer: over every file of the folder given, and over mutations of each (200 in all, or
// UNDERSTUDY_FUZZ_COUNT). A fault ends the process, which is what the test sees; an input that failed is printed as its
// seed.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "base/files.h"
#include "tests/support/fuzz_count.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

std::vector<std::string> inputs_of(const std::filesystem::path& folder) {
  std::vector<std::string> inputs = {""};
  if (!std::filesystem::is_directory(folder)) return inputs;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    inputs.push_back(understudy::read_file(entry.path()));
  return inputs;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
    return 2;
  }
  const std::vector<std::string> inputs = inputs_of(argv[1]);
  for (const std::string& input : inputs) run(input);
  const int count = understudy::testing::fuzz_count(200);
  for (int seed = 0; seed < count; ++seed) {
    understudy::Random random(static_cast<uint64_t>(seed));
    const std::string mutated = understudy::testing::mutated(inputs[random.below(inputs.size())], random);
    try {
      run(mutated);
    } catch (const std::exception& fault) {
      std::fprintf(stderr, "seed %d: %s\n", seed, fault.what());
      return 1;
    }
  }
  std::printf("%zu inputs of the corpus, %d mutations\n", inputs.size(), count);
  return 0;
}
