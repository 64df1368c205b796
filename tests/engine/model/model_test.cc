#include "engine/model/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace understudy {
namespace {

using testing::tiny_config;

TEST(Model, ComesBackFromItsFolderBitForBit) {
  for (const Family family : {Family::kLlama, Family::kMistral, Family::kQwen2, Family::kQwen3}) {
    const testing::TemporaryFolder folder;
    const std::shared_ptr<Model> model = Model::random(tiny_config(family), 3, {});
    model->save_hf(folder / "m", DType::kF32);
    const std::shared_ptr<Model> again = Model::load(folder / "m", {});
    const std::vector<const Weight*> before = model->weights(), after = again->weights();
    ASSERT_EQ(before.size(), after.size());
    for (size_t i = 0; i < before.size(); ++i) {
      EXPECT_EQ(before[i]->name, after[i]->name);
      EXPECT_EQ(0, std::memcmp(before[i]->data.data, after[i]->data.data, before[i]->data.bytes())) << before[i]->name;
    }
  }
}

TEST(Model, RoundsMatricesToBf16OnRequestAndNothingElse) {
  const std::shared_ptr<Model> model = Model::random(tiny_config(Family::kQwen2), 3, {.compute = Compute::kBF16});
  for (const Weight* weight : model->weights()) {
    EXPECT_EQ(weight->data.type, weight->data.shape.rank() == 2 ? DType::kBF16 : DType::kF32) << weight->name;
  }
  EXPECT_LT(model->memory_bytes(), Model::random(tiny_config(Family::kQwen2), 3, {})->memory_bytes() * 6 / 10);
}

TEST(Model, TrainableWeightsAreOwnedAndWide) {
  const testing::TemporaryFolder folder;
  Model::random(tiny_config(Family::kLlama), 3, {})->save_hf(folder / "m", DType::kBF16);
  const std::shared_ptr<Model> model = Model::load(folder / "m", {});
  EXPECT_EQ(model->embedding().data.type, DType::kBF16);
  model->make_trainable();
  model->trainable(model->embedding()).f32()[0] = 7;
  EXPECT_EQ(model->embedding().f32()[0], 7);
}

TEST(Model, NamesTheTensorThatIsMissingOrOfAnotherShape) {
  const testing::TemporaryFolder folder;
  ModelConfig config = tiny_config(Family::kLlama);
  Model::random(config, 3, {})->save_hf(folder / "m", DType::kF32);
  const auto refusal = [&](const ModelConfig& other) {
    write_file_atomically(folder / "m" / "config.json", dump_json(other.to_hf_json()));
    try {
      Model::load(folder / "m", {});
    } catch (const Error& error) {
      return error.message();
    }
    return std::string("loaded");
  };
  ModelConfig deeper = config;
  deeper.n_layers = 3;
  EXPECT_THAT(refusal(deeper), ::testing::HasSubstr("model.layers.2.input_layernorm.weight: is missing"));
  ModelConfig wider = config;
  wider.ffn_width = 128;
  EXPECT_THAT(refusal(wider),
              ::testing::AllOf(::testing::HasSubstr("gate_proj.weight"), ::testing::HasSubstr("expected [128, 64]")));
  EXPECT_THROW(Model::load(folder / "nowhere", {}), Error);
}

}  // namespace
}  // namespace understudy
