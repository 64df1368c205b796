// `understudy export` killed while it writes: nothing of it stands under the final names, and the same command run
// again succeeds and leaves no trace of the first. The kernel kills it at its first byte beyond the limit on files
// (SIGXFSZ, which no code of the program sees), so that the kill always comes in the middle of the model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "tests/support/run_command.h"
#include "tests/support/tiny_model.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

TEST(ExportProcess, KilledInTheMiddleLeavesNothingAfterTheNextRun) {
  const TemporaryFolder folder;
  write_tiny_model(tiny_config(Family::kLlama), folder / "base");
  const std::vector<std::string> command = {UNDERSTUDY_BINARY,          "export", "--base",
                                            (folder / "base").string(), "--out",  (folder / "made/out").string()};
  const CommandResult killed = run_command(command, {}, "ulimit -c 0; ulimit -f 8");
  ASSERT_EQ(killed.status, 128 + SIGXFSZ) << killed.errors;
  ASSERT_THAT(names_in(folder / "made"), ElementsAre(HasSubstr("out.exporting.tmp-"))) << "nothing was left to remove";
  const CommandResult again = run_command(command);
  EXPECT_EQ(again.status, 0) << again.errors;
  EXPECT_THAT(names_in(folder / "made"), ElementsAre("out"));
  EXPECT_THAT(names_in(folder / "made/out"), ElementsAre("card.json", "final_model.gguf"));
}

}  // namespace
}  // namespace understudy::testing
