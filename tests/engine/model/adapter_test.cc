#include "engine/model/adapter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace understudy {
namespace {

using testing::tiny_config;

LoraSettings settings() {
  return {.rank = 4, .alpha = 8, .dropout = 0.1, .rank_stabilised = true, .targets = {Linear::kQ, Linear::kDown}};
}

TEST(Adapter, StartsAsPeftStartsIt) {
  const ModelConfig config = tiny_config(Family::kLlama);
  const std::shared_ptr<Adapter> adapter = Adapter::create(config, settings(), 1);
  EXPECT_EQ(adapter->find(0, Linear::kUp), nullptr);
  const LoraPair* pair = adapter->find(1, Linear::kDown);
  ASSERT_NE(pair, nullptr);
  EXPECT_EQ(pair->a.shape(), (Shape{4, config.ffn_width}));
  EXPECT_EQ(pair->b.shape(), (Shape{config.width, 4}));
  EXPECT_FLOAT_EQ(pair->scale, 8 / std::sqrt(4.0F));
  const double bound = 1 / std::sqrt(static_cast<double>(config.ffn_width));
  double largest = 0;
  for (int64_t i = 0; i < pair->a.shape().elements(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(pair->a.f32()[i])));
  EXPECT_LE(largest, bound);
  EXPECT_GT(largest, 0.9 * bound);
  for (int64_t i = 0; i < pair->b.shape().elements(); ++i) EXPECT_EQ(pair->b.f32()[i], 0);
}

TEST(Adapter, ComesBackFromItsFolderAsItWas) {
  const ModelConfig config = tiny_config(Family::kLlama);
  const std::shared_ptr<Adapter> adapter = Adapter::create(config, settings(), 1);
  adapter->find(0, Linear::kQ)->b.f32()[3] = 0.123F;
  const testing::TemporaryFolder folder;
  adapter->save_peft(folder / "adapter", "base");
  const std::shared_ptr<Adapter> again = Adapter::load(folder / "adapter", config);
  EXPECT_EQ(again->parameters(), adapter->parameters());
  EXPECT_EQ(again->settings().targets, adapter->settings().targets);
  EXPECT_TRUE(again->settings().rank_stabilised);
  for (const Linear linear : settings().targets) {
    for (int64_t layer = 0; layer < config.n_layers; ++layer) {
      const LoraPair* before = adapter->find(layer, linear);
      const LoraPair* after = again->find(layer, linear);
      EXPECT_EQ(std::vector<float>(before->a.f32(), before->a.f32() + before->a.shape().elements()),
                std::vector<float>(after->a.f32(), after->a.f32() + after->a.shape().elements()));
      EXPECT_EQ(std::vector<float>(before->b.f32(), before->b.f32() + before->b.shape().elements()),
                std::vector<float>(after->b.f32(), after->b.f32() + after->b.shape().elements()));
      EXPECT_EQ(before->scale, after->scale);
    }
  }
}

TEST(Adapter, KeepsTheScalesOfAnAlphaPattern) {
  const ModelConfig config = tiny_config(Family::kLlama);
  const std::shared_ptr<Adapter> adapter = Adapter::create(config, settings(), 1);
  adapter->find(1, Linear::kQ)->scale = 0.75F;
  const testing::TemporaryFolder folder;
  adapter->save_peft(folder / "adapter", "base");
  const std::shared_ptr<Adapter> again = Adapter::load(folder / "adapter", config);
  EXPECT_FLOAT_EQ(again->find(1, Linear::kQ)->scale, 0.75F);
  EXPECT_FLOAT_EQ(again->find(0, Linear::kQ)->scale, adapter->find(0, Linear::kQ)->scale);
}

TEST(Adapter, OfAnotherBaseIsRefusedNamingTheModule) {
  const testing::TemporaryFolder folder;
  Adapter::create(tiny_config(Family::kLlama), settings(), 1)->save_peft(folder / "adapter", "base");
  ModelConfig wider = tiny_config(Family::kLlama);
  wider.width = 128;
  try {
    Adapter::load(folder / "adapter", wider);
    FAIL() << "was loaded";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), ::testing::HasSubstr("model.layers.0.mlp.down_proj"));
  }
  ModelConfig shallower = tiny_config(Family::kLlama);
  shallower.n_layers = 1;
  EXPECT_THROW(Adapter::load(folder / "adapter", shallower), Error);
  EXPECT_THROW(Adapter::load(folder / "nowhere", wider), Error);
}

}  // namespace
}  // namespace understudy
