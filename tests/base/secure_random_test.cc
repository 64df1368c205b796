#include "base/secure_random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <vector>

namespace understudy {
namespace {

TEST(SecureRandomTest, FillsMoreThanOneCallOfTheSystemGives) {
  std::vector<uint8_t> bytes(1000, 0);
  fill_with_secure_random(bytes);
  // 200 zeros at the end of 1,000 random bytes do not happen.
  EXPECT_TRUE(std::any_of(bytes.begin() + 800, bytes.end(), [](uint8_t byte) { return byte != 0; }));
}

TEST(SecureRandomTest, WordsAreLettersAndDigitsAndNeverTwice) {
  std::set<std::string> words;
  std::map<char, int> counts;
  for (int i = 0; i < 1000; ++i) {
    const std::string word = secure_random_word(43);
    ASSERT_EQ(word.size(), 43u);
    for (const char c : word) {
      ASSERT_TRUE(std::isalnum(static_cast<unsigned char>(c))) << word;
      ++counts[c];
    }
    EXPECT_TRUE(words.insert(word).second) << word;
  }
  EXPECT_EQ(counts.size(), 62u);
  for (const auto& [letter, count] : counts) EXPECT_NEAR(count, 43000 / 62, 200) << letter;  // 7.6 deviations
}

}  // namespace
}  // namespace understudy
