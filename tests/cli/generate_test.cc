// Runs the built program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/golden.h"
#include "tests/support/run_command.h"
#include "tests/support/tiny_model.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;

class GenerateCommand : public ::testing::Test {
 protected:
  CommandResult run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"generate", model_});
    return run_understudy(std::move(arguments));
  }
  Json json_of(std::vector<std::string> arguments) const {
    arguments.push_back("--json");
    const CommandResult result = run(std::move(arguments));
    EXPECT_EQ(result.status, 0) << result.errors;
    return parse_json(result.output, "output");
  }
  TemporaryFolder folder_;
  std::string model_ = write_byte_model(folder_).string();
};

TEST_F(GenerateCommand, GreedyTokensAreTheReferences) {
  for (const std::string& name : test::golden_models()) {
    SKIP_WITHOUT_GOLDEN(name);
    const Json figures = test::golden_figures(name);
    std::string tokens;
    for (const Json& id : figures.at("input_ids").at(1)) tokens += id.dump() + " ";
    const CommandResult result = run_understudy({"generate", (test::golden_folder() / name).string(), "--tokens",
                                                 tokens, "--ignore-eos", "--max-tokens", "32", "--json"});
    ASSERT_EQ(result.status, 0) << result.errors;
    EXPECT_EQ(parse_json(result.output, "output").at("ids"), figures.at("greedy").at(1)) << name;
  }
}

TEST_F(GenerateCommand, IdsAndTextHoldOnlyWhatIsNew) {
  const Json json = json_of({"--tokens", "97 98 99", "--max-tokens=12", "--ignore-eos"});
  EXPECT_EQ(json.at("ids").size(), 12u);
  EXPECT_EQ(json.at("prompt_tokens"), 3);
  EXPECT_EQ(json.at("generated_tokens"), 12);
  EXPECT_EQ(json.at("finish_reason"), "length");
  const CommandResult plain = run({"--tokens", "97 98 99", "--max-tokens=12", "--ignore-eos"});
  EXPECT_EQ(plain.output, json.at("text").get<std::string>() + "\n");
}

TEST_F(GenerateCommand, ATextGetsItsBosAndTokensDoNot) {
  EXPECT_EQ(json_of({"--prompt", "abc", "--max-tokens", "8"}),
            json_of({"--tokens", "256 97 98 99", "--max-tokens", "8"}));
  EXPECT_EQ(json_of({"--prompt", "abc"}).at("prompt_tokens"), 4);
}

TEST_F(GenerateCommand, ASeedRepeatsAnAnswer) {
  const std::vector<std::string> once = {"--tokens", "97",           "--temperature", "1", "--seed",
                                         "7",        "--ignore-eos", "--max-tokens",  "30"};
  std::vector<std::string> other = once;
  other[5] = "8";
  EXPECT_EQ(json_of(once), json_of(once));
  EXPECT_NE(json_of(once), json_of(other));
}

TEST_F(GenerateCommand, StopsBeforeAStopString) {
  const std::vector<std::string> arguments = {"--tokens", "97",           "--temperature=1",
                                              "--seed=7", "--ignore-eos", "--max-tokens=60"};
  const std::string text = json_of(arguments).at("text");
  size_t at = text.size() / 2;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;  // where a character begins
  size_t end = at + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  const std::string stop = text.substr(at, end - at);
  std::vector<std::string> stopped = arguments;
  stopped.push_back("--stop=" + stop);
  const Json json = json_of(stopped);
  EXPECT_EQ(json.at("text"), text.substr(0, text.find(stop)));
  EXPECT_EQ(json.at("finish_reason"), "stop");
}

TEST_F(GenerateCommand, TheDefaultGivesWayToTheContextAGivenNumberDoesNot) {
  std::string long_prompt;
  for (int i = 0; i < 250; ++i) long_prompt += "97 ";
  EXPECT_EQ(json_of({"--tokens", long_prompt, "--ignore-eos"}).at("ids").size(), 6u);
  const CommandResult refused = run({"--tokens", long_prompt, "--max-tokens", "7"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.errors, HasSubstr("250 tokens and max_tokens 7 are more than the context of 256"));
}

TEST_F(GenerateCommand, RefusesAWrongCommandLine) {
  const auto fails_with = [&](std::vector<std::string> arguments, const char* sentence) {
    const CommandResult result = run(std::move(arguments));
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.errors, HasSubstr(sentence));
  };
  fails_with({}, "either --tokens or --prompt");
  fails_with({"--tokens", "1", "--prompt", "a"}, "either --tokens or --prompt");
  fails_with({"--tokens", "1", "--temperature", "-1"}, "temperature: expected a number from 0, got -1");
  fails_with({"--tokens", "1", "--compute", "int8"}, "--compute: expected f32 or bf16, got \"int8\"");
  fails_with({"--tokens", "999"}, "expected token ids from 0 to 257");
}

}  // namespace
}  // namespace understudy::testing
