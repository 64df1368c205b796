#include "base/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace understudy {
namespace {

TEST(NearestWord, FindsTheMisspelt) {
  const std::vector<std::string> known = {"lora_r", "lora_alpha", "learning_rate", "sequence_len"};
  EXPECT_EQ(nearest_word("learning_rat", known), "learning_rate");
  EXPECT_EQ(nearest_word("lora_rank", known), "lora_r");
  EXPECT_EQ(nearest_word("sequence_length", known), "sequence_len");
  EXPECT_EQ(nearest_word("lora_r", known), "lora_r");
}

TEST(NearestWord, ABeginningTellsMoreThanTwoChangedLetters) {
  const std::vector<std::string> known = {"local_rank", "lora_r", "lora_rank_pattern", "micro_batch_size"};
  EXPECT_EQ(nearest_word("lora_rank", known), "lora_r");
  EXPECT_EQ(nearest_word("micro_batch", known), "micro_batch_size");
  EXPECT_EQ(nearest_word("local_ran", known), "local_rank");
}

TEST(NearestWord, APartOfAWordIsNear) {
  const std::vector<std::string> known = {"evals_per_epoch", "num_epochs", "lr_scheduler", "dion_lr"};
  EXPECT_EQ(nearest_word("epochs", known), "num_epochs");
  EXPECT_EQ(nearest_word("lr", known), "lr_scheduler");
  EXPECT_EQ(nearest_word("um", known), "");
  EXPECT_EQ(nearest_word("len", std::vector<std::string>{"lender_len"}), "lender_len") << "not the first that looks so";
}

TEST(NearestWord, OfTwoThatAreNearTheOneWithFewerChangesWins) {
  const std::vector<std::string> known = {"sample_packing_sequentially", "sample_packing"};
  EXPECT_EQ(nearest_word("sample_packin", known), "sample_packing");
}

TEST(NearestWord, SaysNothingWhereNothingIsNear) {
  const std::vector<std::string> known = {"lora_r"};
  EXPECT_EQ(nearest_word("zzzzzzzz", known), "");
  EXPECT_EQ(nearest_word("", known), "");
  EXPECT_EQ(nearest_word("x", {}), "");
}

}  // namespace
}  // namespace understudy
