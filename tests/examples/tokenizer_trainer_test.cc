// Learning a byte-level BPE: the order of merges, the merges held back, and the files written.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "train_tokenizer/byte_pairs.h"
#include "train_tokenizer/splitter.h"
#include "train_tokenizer/tokenizer_files.h"

namespace understudy::tokenizer {
namespace {

TEST(BytePairs, MostFrequentPairFirst) {
  // Counts: lo 7, ow 7, we 2, er 2, ne 3, ew 3. Of lo and ow the smaller symbols win; then "lo" + "w".
  const auto merges = learn_merges({{"low", 5}, {"lower", 2}, {"new", 3}}, 4);
  const std::vector<Merge> wanted = {{"l", "o"}, {"lo", "w"}, {"e", "w"}, {"n", "ew"}};
  EXPECT_EQ(merges, wanted);
}

TEST(BytePairs, StopsWhereNothingComesTwice) {
  EXPECT_EQ(learn_merges({{"ab", 1}, {"cd", 1}}, 10).size(), 0U);
  EXPECT_EQ(learn_merges({{"aaaa", 1}}, 10).size(), 1U);
}

TEST(BytePairs, MergesAreHeldBackWhereWordsWouldChange) {
  EXPECT_TRUE(may_merge("JAL", "AN"));
  EXPECT_TRUE(may_merge("\xC3", "\xA9"));
  EXPECT_TRUE(may_merge("\"", ":"));
  EXPECT_TRUE(may_merge(" ", "\""));
  EXPECT_TRUE(may_merge("--", "-"));
  EXPECT_FALSE(may_merge(" ", "JALAN"));
  EXPECT_FALSE(may_merge("\"", "JALAN"));
  EXPECT_FALSE(may_merge("1", "2"));
  EXPECT_FALSE(may_merge("-", "="));
  EXPECT_FALSE(may_merge(".", "\""));
  EXPECT_FALSE(may_merge(",", "\n"));
}

TEST(Splitter, IsLlama3s) {
  const Splitter splitter;
  const std::vector<std::string_view> wanted = {"Total", ":",    " ",  "123", "45", " isn",
                                                "'t",    "\n\n", "No", " ",   " ",  "7"};
  EXPECT_EQ(splitter.split("Total: 12345 isn't\n\nNo  7"), wanted);
  EXPECT_THROW((void)splitter.split("broken \xC3"), Error);
}

TEST(TokenizerFiles, HoldEveryByteMergeAndSpecialToken) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "understudy_tokenizer";
  write_tokenizer_files(folder, learn_merges({{"low", 5}, {"lower", 2}, {"new", 3}}, 4));
  const Json tokenizer = parse_json(read_file(folder / "tokenizer.json"), "tokenizer.json");
  const Json& vocabulary = tokenizer["model"]["vocab"];
  EXPECT_EQ(vocabulary.size(), 256U + 4U);
  std::set<int> ids;
  for (const auto& [token, id] : vocabulary.items()) ids.insert(id.get<int>());
  EXPECT_EQ(ids.size(), 260U);
  EXPECT_EQ(*ids.rbegin(), 259);
  EXPECT_EQ(vocabulary["low"], 257);
  EXPECT_EQ(vocabulary["\xC4\xA0"], 32);  // U+0120 stands for the space
  EXPECT_EQ(tokenizer["model"]["merges"][1], "lo w");
  EXPECT_EQ(tokenizer["added_tokens"][0]["id"], 260);
  EXPECT_EQ(tokenizer["added_tokens"].size(), static_cast<size_t>(kSpecialTokens));
  EXPECT_EQ(parse_json(read_file(folder / "generation_config.json"), "generation_config.json")["eos_token_id"], 261);
}

// The seedling's own: single digits, and ids that its config names.
TEST(TokenizerFiles, TheSeedlingsAgreeWithItsConfig) {
  const std::filesystem::path folder = UNDERSTUDY_SOURCE_DIR "/examples/seedling";
  const Json tokenizer = parse_json(read_file(folder / "tokenizer.json"), "tokenizer.json");
  const Json config = parse_json(read_file(folder / "config.json"), "config.json");
  EXPECT_EQ(tokenizer["model"]["vocab"].size() + tokenizer["added_tokens"].size(), config["vocab_size"]);
  for (const auto& [token, id] : tokenizer["model"]["vocab"].items()) {
    const bool digit = token.find_first_of("0123456789") != std::string::npos;
    EXPECT_TRUE(!digit || token.size() == 1) << token;
  }
  EXPECT_EQ(tokenizer["added_tokens"][0]["id"], config["bos_token_id"]);
  EXPECT_EQ(tokenizer["added_tokens"][1]["id"], config["eos_token_id"]);
}

}  // namespace
}  // namespace understudy::tokenizer
