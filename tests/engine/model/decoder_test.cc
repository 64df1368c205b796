#include "engine/model/decoder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "base/random.h"
#include "tests/support/tiny_model.h"

namespace understudy {
namespace {

using testing::tiny_config;

std::vector<int32_t> tokens_of(uint64_t seed, size_t count) {
  Random random(seed);
  std::vector<int32_t> tokens(count);
  for (int32_t& token : tokens) token = static_cast<int32_t>(random.below(300));
  return tokens;
}

std::vector<float> copy_of(ConstTensorView view) {
  return {view.f32(), view.f32() + view.shape.elements()};
}

// Prompts and single tokens of sequences with different adapters in one batch, and each sequence alone: the same bytes.
TEST(Decoder, ASequenceDoesNotDependOnItsBatchOrItsChunks) {
  for (const Family family : {Family::kLlama, Family::kQwen2, Family::kQwen3}) {
    const std::shared_ptr<const Model> model = Model::random(tiny_config(family), 5, {});
    const std::shared_ptr<Adapter> adapter =
        Adapter::create(model->config(), {.rank = 4, .alpha = 8, .targets = {Linear::kQ, Linear::kDown}}, 3);
    for (int64_t layer = 0; layer < 2; ++layer) {
      Tensor& b = adapter->find(layer, Linear::kDown)->b;
      std::fill_n(b.f32(), b.shape().elements(), 0.05F);
    }
    Decoder decoder(model);
    KvCache cache(model->config(), 1024);
    std::vector<std::vector<int32_t>> prompts;
    for (size_t i = 0; i < 5; ++i) prompts.push_back(tokens_of(i, 1 + 17 * i));
    std::vector<std::vector<float>> alone;
    for (size_t i = 0; i < prompts.size(); ++i) {
      CacheSequence sequence;
      ASSERT_TRUE(cache.reserve(sequence, static_cast<int64_t>(prompts[i].size())));
      const BatchEntry entry{&sequence, prompts[i], i % 2 == 0 ? adapter.get() : nullptr, false};
      alone.push_back(copy_of(decoder.forward({&entry, 1}, cache)));
      cache.release(sequence);
    }
    // The last token of each comes in a second call, all of them together.
    std::vector<CacheSequence> sequences(prompts.size());
    std::vector<BatchEntry> first, second;
    for (size_t i = 0; i < prompts.size(); ++i) {
      const std::span<const int32_t> tokens = prompts[i];
      const Adapter* own = i % 2 == 0 ? adapter.get() : nullptr;
      ASSERT_TRUE(cache.reserve(sequences[i], static_cast<int64_t>(tokens.size())));
      if (tokens.size() > 1) first.push_back({&sequences[i], tokens.first(tokens.size() - 1), own, false});
      second.push_back({&sequences[i], tokens.last(1), own, false});
    }
    decoder.forward(first, cache);
    const std::vector<float> together = copy_of(decoder.forward(second, cache));
    for (size_t i = 0; i < prompts.size(); ++i) {
      EXPECT_EQ(0, std::memcmp(together.data() + i * 300, alone[i].data(), 300 * sizeof(float)))
          << to_string(family) << ", sequence " << i;
    }
  }
}

TEST(Decoder, AnAdapterChangesTheAnswerAndAZeroOneDoesNot) {
  const std::shared_ptr<const Model> model = Model::random(tiny_config(Family::kLlama), 5, {});
  const std::shared_ptr<Adapter> adapter =
      Adapter::create(model->config(), {.rank = 4, .alpha = 8, .targets = {Linear::kUp}}, 3);
  Decoder decoder(model);
  KvCache cache(model->config(), 64);
  const std::vector<int32_t> prompt = tokens_of(1, 9);
  const auto logits = [&](const Adapter* own) {
    CacheSequence sequence;
    EXPECT_TRUE(cache.reserve(sequence, 9));
    const BatchEntry entry{&sequence, prompt, own, true};
    std::vector<float> result = copy_of(decoder.forward({&entry, 1}, cache));
    cache.release(sequence);
    return result;
  };
  EXPECT_EQ(logits(nullptr), logits(adapter.get()));  // B starts at zero
  adapter->find(0, Linear::kUp)->b.f32()[0] = 1;
  EXPECT_NE(logits(nullptr), logits(adapter.get()));
}

TEST(Decoder, RefusesTokensOutsideTheVocabulary) {
  Decoder decoder(Model::random(tiny_config(Family::kLlama), 5, {}));
  KvCache cache(decoder.model().config(), 64);
  CacheSequence sequence;
  ASSERT_TRUE(cache.reserve(sequence, 1));
  const int32_t foreign = 300;
  const BatchEntry entry{&sequence, {&foreign, 1}, nullptr, false};
  EXPECT_THROW(decoder.forward({&entry, 1}, cache), Error);
}

}  // namespace
}  // namespace understudy
