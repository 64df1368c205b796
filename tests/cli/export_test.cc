#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace understudy {
namespace {

using testing::CommandResult;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::run_understudy;
using testing::TemporaryFolder;

class ExportCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    const ModelConfig config = testing::tiny_config(Family::kQwen3);
    testing::write_tiny_model(config, folder_ / "base");
    write_peft_folder(folder_ / "adapter", testing::tiny_adapter(config));
  }
  CommandResult run(std::vector<std::string> more) {
    std::vector<std::string> arguments = {"export", "--base", (folder_ / "base").string(), "--out",
                                          (folder_ / "out").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_understudy(arguments);
  }
  const TemporaryFolder folder_;
};

TEST_F(ExportCommand, SaysWhichFilesItWrote) {
  const CommandResult result = run({"--adapter", (folder_ / "adapter").string()});
  EXPECT_EQ(result.status, 0) << result.errors;
  for (const char* name : {"final_model.gguf", "adapter.gguf", "card.json"}) {
    EXPECT_THAT(result.output, HasSubstr((folder_ / "out" / name).string()));
    EXPECT_TRUE(std::filesystem::exists(folder_ / "out" / name));
  }
}

TEST_F(ExportCommand, JsonIsOneValue) {
  const CommandResult result = run({"--json", "--type=q8_0"});
  EXPECT_EQ(result.status, 0) << result.errors;
  const Json json = parse_json(result.output, "output");
  ASSERT_EQ(json["files"].size(), 2U);
  EXPECT_EQ(json["files"][0]["bytes"], std::filesystem::file_size(folder_ / "out/final_model.gguf"));
}

TEST_F(ExportCommand, WrongUseEndsWithTwo) {
  const CommandResult type = run({"--type", "q5"});
  EXPECT_EQ(type.status, 2);
  EXPECT_THAT(type.errors, HasSubstr("--type: expected f16 or q8_0, got q5"));
  EXPECT_EQ(run({"--adaptor", "x"}).status, 2);
  const CommandResult base = run_understudy({"export", "--base", (folder_ / "gone").string(), "--out", "x"});
  EXPECT_EQ(base.status, 2);
  EXPECT_THAT(base.errors, HasSubstr("gone: no such folder"));
  EXPECT_THAT(base.output, IsEmpty());
  EXPECT_EQ(run_understudy({"export", "--help"}).status, 0);
}

}  // namespace
}  // namespace understudy
