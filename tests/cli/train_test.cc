// Runs the built program.
#include <gmock/gmock.h>

#include "tests/engine/training/training_fixture.h"
#include "tests/support/file_faults.h"
#include "tests/support/golden.h"
#include "tests/support/run_command.h"

namespace understudy::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class TrainCommand : public ::testing::Test {
 protected:
  std::string write(const std::string& more) const {
    return tiny_.folder()
        .write("train.yml", "base_model: " + tiny_.model().string() + "\ndatasets:\n  - path: " + rows_ +
                                "\nmicro_batch_size: 2\nlearning_rate: 1e-3\nsequence_len: 64\noutput_dir: " +
                                tiny_.out().string() + "\n" + more)
        .string();
  }
  CommandResult run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "train");
    return run_understudy(std::move(arguments));
  }
  TrainingFolder tiny_;
  std::string rows_ = tiny_.rows({30, 12, 55, 8, 41, 23});
};

TEST_F(TrainCommand, AnAdapterStandsInItsFolderAsPeftHasIt) {
  const CommandResult result = run({write("adapter: lora\nlora_r: 4\nnum_epochs: 2\nval_set_size: 2\n"), "--json"});
  ASSERT_EQ(result.status, 0) << result.errors;
  const Json json = parse_json(result.output, "output");
  EXPECT_EQ(json.at("steps"), 4);
  EXPECT_EQ(json.at("train_examples"), 4);
  EXPECT_GT(json.at("first_eval_loss").get<double>(), 0);
  EXPECT_THAT(names_in(tiny_.out()),
              IsSupersetOf({"adapter_config.json", "adapter_model.safetensors", "checkpoint-4", "config.yml",
                            "dataset.json", "loss.svg", "tokenizer.json", "tokenizer_config.json", "train_log.jsonl"}));
  EXPECT_NE(Adapter::load(tiny_.out(), TrainingFolder::small_config()), nullptr);
  const Json data = parse_json(read_file(tiny_.out() / "dataset.json"), "dataset.json");
  EXPECT_EQ(data.at("rows"), 6);
  EXPECT_GT(data.at("prompt_tokens").at("p99_5").get<int64_t>(), 0);
}

TEST_F(TrainCommand, FullFineTuningWritesAModelThatLoads) {
  const CommandResult result = run({write("bf16: auto\n")});
  ASSERT_EQ(result.status, 0) << result.errors;
  const auto model = Model::load(tiny_.out(), {});
  EXPECT_EQ(model->embedding().data.type, DType::kBF16);
  EXPECT_EQ(Model::load(tiny_.out() / "checkpoint-3", {})->embedding().data.type, DType::kF32);
  EXPECT_THAT(names_in(tiny_.out()),
              IsSupersetOf({"config.json", "model.safetensors", "generation_config.json", "tokenizer.json"}));
  EXPECT_NE(Tokenizer::load(tiny_.out()), nullptr);
}

TEST_F(TrainCommand, PreTrainingBeginsFromTheSeedAndNeedsNoWeights) {
  const std::string config = write("reinit_weights: true\nmax_steps: 2\n");
  std::filesystem::remove(tiny_.model() / "model.safetensors");
  ASSERT_EQ(run({config, "--output_dir=" + (tiny_.folder() / "one").string()}).status, 0);
  ASSERT_EQ(run({config, "--output_dir=" + (tiny_.folder() / "two").string()}).status, 0);
  ASSERT_EQ(run({config, "--seed=7", "--output_dir=" + (tiny_.folder() / "three").string()}).status, 0);
  const auto weights = [&](const char* name) { return bytes_of_file(tiny_.folder() / name / "model.safetensors"); };
  EXPECT_EQ(weights("one"), weights("two"));
  EXPECT_NE(weights("one"), weights("three"));
}

TEST_F(TrainCommand, FlagsWinOverTheFileAndAreRefusedByName) {
  const std::string config = write("num_epochs: 5\n");
  const CommandResult result = run({config, "--max-steps=1", "--learning-rate", "5e-4", "--json"});
  ASSERT_EQ(result.status, 0) << result.errors;
  EXPECT_EQ(parse_json(result.output, "output").at("planned_steps"), 1);
  const CommandResult misspelt = run({config, "--lora_rank=8"});
  EXPECT_EQ(misspelt.status, 2);
  EXPECT_THAT(misspelt.errors, AllOf(HasSubstr("--lora_rank: unknown key"), HasSubstr("did you mean lora_r?")));
}

TEST_F(TrainCommand, WrongConfigsAndDataAreExitTwoWithThePlace) {
  const CommandResult key = run({write("lerning_rate: 1\n")});
  EXPECT_EQ(key.status, 2);
  EXPECT_THAT(key.errors, AllOf(HasSubstr("train.yml:8: lerning_rate: unknown key"), HasSubstr("learning_rate")));
  const CommandResult twice = run({write("seed: 1\nseed: 2\n")});
  EXPECT_EQ(twice.status, 2);
  EXPECT_THAT(twice.errors, HasSubstr("stands twice, on line 8 and on line 9"));
  EXPECT_EQ(run({"nowhere.yml"}).status, 2);
  EXPECT_EQ(run({write("base_model: x\n")}).status, 2);
  const CommandResult lengths = run({write(""), "--sequence_len=4"});
  EXPECT_EQ(lengths.status, 2);
  EXPECT_THAT(lengths.errors, HasSubstr("longer than sequence_len 4"));
  const CommandResult base = run({write(""), "--base_model=meta-llama/Llama-3.2-1B"});
  EXPECT_EQ(base.status, 2);
  EXPECT_THAT(base.errors, AllOf(HasSubstr("meta-llama/Llama-3.2-1B: no such folder"), HasSubstr("not downloaded")));
  EXPECT_FALSE(std::filesystem::exists(tiny_.out()));
}

TEST_F(TrainCommand, AFullDiskIsExitThreeAndNothingIsLost) {
  std::vector<std::string> words = {UNDERSTUDY_BINARY, "train", write("num_epochs: 2\nsave_steps: 1\n")};
  const CommandResult result = run_command(words, {}, "trap '' XFSZ; ulimit -f 16");
  EXPECT_EQ(result.status, 3) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("File too large"));
  EXPECT_TRUE(checkpoint_steps(tiny_.out()).empty());
  EXPECT_EQ(run({write("num_epochs: 2\nsave_steps: 1\n")}).status, 0);
}

// Names, shapes, types and config keys of PEFT's own adapter.
TEST_F(TrainCommand, TheAdapterHasPeftsNamesShapesAndKeys) {
  SKIP_WITHOUT_GOLDEN("llama");
  const std::filesystem::path golden = test::golden_folder() / "llama";
  const std::string rows = tiny_.folder().write("few.jsonl", R"({"input_ids": [5, 6, 7, 8]})").string();
  const std::string config =
      tiny_.folder()
          .write("golden.yml",
                 "base_model: " + golden.string() + "\ndatasets: [{path: " + rows +
                     "}]\nadapter: lora\nlora_r: 4\nlora_alpha: 8\nmicro_batch_size: 1\nlearning_rate: 1e-3\n"
                     "output_dir: " +
                     tiny_.out().string() + "\n")
          .string();
  const CommandResult result = run({config});
  ASSERT_EQ(result.status, 0) << result.errors;
  const SafetensorsFile ours(tiny_.out() / "adapter_model.safetensors");
  const SafetensorsFile theirs(golden / "lora/initial/adapter_model.safetensors");
  ASSERT_EQ(ours.tensors().size(), theirs.tensors().size());
  for (const auto& [name, view] : theirs.tensors()) {
    ASSERT_TRUE(ours.find(name)) << name;
    EXPECT_EQ(ours.find(name).shape, view.shape) << name;
    EXPECT_EQ(ours.find(name).type, view.type) << name;
  }
  const auto keys = [](const std::filesystem::path& folder) {
    std::vector<std::string> names;
    const Json config = parse_json(read_file(folder / "adapter_config.json"), "config");
    for (const auto& [key, value] : config.items()) names.push_back(key);
    return names;
  };
  EXPECT_THAT(keys(tiny_.out()), ::testing::UnorderedElementsAreArray(keys(golden / "lora/initial")));
}

}  // namespace
}  // namespace understudy::testing
