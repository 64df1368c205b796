#include "engine/model/kv_cache.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/tiny_model.h"

namespace understudy {
namespace {

TEST(KvCache, GivesEachPageToOneSequenceAndTakesItBack) {
  KvCache cache(testing::tiny_config(Family::kLlama), 4 * kPageTokens);
  CacheSequence first, second;
  ASSERT_TRUE(cache.reserve(first, kPageTokens + 1));
  ASSERT_TRUE(cache.reserve(second, 2 * kPageTokens));
  std::set<int32_t> pages(first.pages.begin(), first.pages.end());
  pages.insert(second.pages.begin(), second.pages.end());
  EXPECT_EQ(pages.size(), 4U);
  EXPECT_EQ(cache.free_tokens(), 0);
  EXPECT_FALSE(cache.reserve(first, 3 * kPageTokens));
  EXPECT_EQ(first.pages.size(), 2U) << "a refused reservation takes nothing";
  cache.release(second);
  EXPECT_EQ(cache.free_tokens(), 2 * kPageTokens);
  EXPECT_TRUE(cache.reserve(first, 3 * kPageTokens));
}

TEST(KvCache, TruncatingKeepsTheFrontAndFreesTheRest) {
  KvCache cache(testing::tiny_config(Family::kLlama), 8 * kPageTokens);
  CacheSequence sequence;
  ASSERT_TRUE(cache.reserve(sequence, 5 * kPageTokens));
  sequence.length = 5 * kPageTokens;
  const std::vector<int32_t> front(sequence.pages.begin(), sequence.pages.begin() + 2);
  cache.truncate(sequence, 2 * kPageTokens);
  EXPECT_EQ(sequence.pages, front);
  EXPECT_EQ(sequence.length, 2 * kPageTokens);
  EXPECT_EQ(cache.free_tokens(), 6 * kPageTokens);
}

TEST(KvCache, CountsItsBytes) {
  const ModelConfig config = testing::tiny_config(Family::kLlama);
  EXPECT_EQ(KvCache(config, 32).bytes_per_token(),
            static_cast<size_t>(2 * config.n_layers * config.kv_width()) * sizeof(float));
}

}  // namespace
}  // namespace understudy
