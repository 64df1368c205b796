#include "engine/training/lora_targets.h"

#include <gmock/gmock.h>

#include "tests/engine/training/training_fixture.h"
#include "tests/support/file_faults.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<Linear> targets(const std::string& yaml) {
  const TrainConfig config = read_train_config(ConfigNode::parse(
      "base_model: m\ndatasets: [{path: a}]\nlearning_rate: 1e-4\nmicro_batch_size: 1\nadapter: lora\n" + yaml,
      "t.yml"));
  return lora_targets(config, tiny_config(Family::kLlama));
}

TEST(LoraTargets, AllSevenByDefaultAndByName) {
  EXPECT_EQ(targets("").size(), 7u);
  EXPECT_EQ(targets("lora_target_linear: true\n").size(), 7u);
  EXPECT_THAT(targets("lora_target_modules: [v_proj, q_proj]\n"), ElementsAre(Linear::kQ, Linear::kV));
  EXPECT_THAT(targets("lora_target_modules: [mlp.up_proj]\n"), ElementsAre(Linear::kUp));
}

TEST(LoraTargets, OneTextIsAPatternOverWholePaths) {
  EXPECT_THAT(targets("lora_target_modules: '.*(q|k)_proj'\n"), ElementsAre(Linear::kQ, Linear::kK));
  EXPECT_THAT(targets("lora_target_modules: 'model.layers.[\\d]+.(mlp|self_attn).(up|o)_proj'\n"),
              ElementsAre(Linear::kO, Linear::kUp));
  EXPECT_THAT(error_of([] { (void)targets("lora_target_modules: q_proj\n"); }).message(),
              HasSubstr("matches no linear map"));
}

TEST(LoraTargets, NamesThatMatchNothingOrSomeLayersAreRefused) {
  EXPECT_THAT(error_of([] { (void)targets("lora_target_modules: [q_proj, lm_head]\n"); }).message(),
              HasSubstr("\"lm_head\" matches no"));
  EXPECT_THAT(error_of([] { (void)targets("lora_target_modules: ['model.layers.0.*']\n"); }).message(),
              HasSubstr("in 1 of 2 layers"));
}

}  // namespace
}  // namespace understudy::testing
