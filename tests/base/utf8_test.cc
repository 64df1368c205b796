#include "base/utf8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/support/fuzz_count.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;

TEST(Utf8, KnowsWhatIsValid) {
  for (const char* text : {"", "abc", "é", "€", "😀", "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF", "\xEE\x80\x80"})
    EXPECT_TRUE(is_valid_utf8(text)) << text;
  // Lone continuation, overlong forms of two, three and four bytes, a surrogate, above U+10FFFF, cut off.
  for (const char* text : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xF0\x80\x80\x80", "\xED\xA0\x80",
                           "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3", "\xE2\x82", "\xFF"}) {
    EXPECT_FALSE(is_valid_utf8(text));
  }
}

TEST(Utf8, EveryCodePointComesBack) {
  for (char32_t c = 1; c <= 0x10FFFF; c += 1 + c / 50) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, c);
    ASSERT_TRUE(is_valid_utf8(text)) << static_cast<uint32_t>(c);
    ASSERT_EQ(to_code_points(text), std::vector<char32_t>{c});
  }
}

TEST(Utf8, AnInvalidByteIsOneReplacement) {
  EXPECT_THAT(to_code_points("a\xFF\xC3(é"), ElementsAre(U'a', 0xFFFD, 0xFFFD, U'(', U'é'));
  EXPECT_EQ(repair_utf8("a\x80z"), "a\uFFFDz");
  EXPECT_EQ(repair_utf8("sound"), "sound");
  EXPECT_EQ(count_code_points("aé😀"), 3U);
}

TEST(Utf8, CountsTerminalColumns) {
  EXPECT_EQ(count_columns("abc"), 3U);
  EXPECT_EQ(count_columns("é"), 1U);
  EXPECT_EQ(count_columns("e\xCC\x81"), 1U);
  EXPECT_EQ(count_columns("株式"), 4U);
  EXPECT_EQ(count_columns("\n"), 0U);
}

TEST(Utf8, AnIncompleteTailIsWhatMayStillBecomeACharacter) {
  EXPECT_EQ(incomplete_utf8_tail("abc"), 0U);
  EXPECT_EQ(incomplete_utf8_tail("a\xC3"), 1U);
  EXPECT_EQ(incomplete_utf8_tail("a\xE2\x82"), 2U);
  EXPECT_EQ(incomplete_utf8_tail("a\xF0\x9F\x98"), 3U);
  EXPECT_EQ(incomplete_utf8_tail("a😀"), 0U);
  EXPECT_EQ(incomplete_utf8_tail("\x82\x82\x82"), 0U) << "nothing leads these";
  EXPECT_EQ(incomplete_utf8_tail("\xE0\x80"), 0U) << "overlong can never become one";
  EXPECT_EQ(incomplete_utf8_tail("\xF4\x90\x80"), 0U);
}

// What is held back while bytes arrive one by one adds up to the text, and what is let go is always whole.
TEST(Utf8, StreamingByTheTailLosesNothing) {
  for (int seed = 0; seed < testing::fuzz_count(200); ++seed) {
    Random random(static_cast<uint64_t>(seed));
    std::string text = "aé€😀z株";
    if (seed % 2 == 1) text = testing::mutated(text, random);
    std::string held;
    std::string out;
    for (const char byte : text) {
      held += byte;
      const size_t tail = incomplete_utf8_tail(held);
      const std::string whole = held.substr(0, held.size() - tail);
      EXPECT_TRUE(is_valid_utf8(whole) || seed % 2 == 1) << "seed " << seed;
      out += whole;
      held.erase(0, whole.size());
    }
    EXPECT_EQ(out + held, text) << "seed " << seed;
    EXPECT_LE(held.size(), 3U) << "seed " << seed;
    EXPECT_TRUE(is_valid_utf8(repair_utf8(text))) << "seed " << seed;
  }
}

}  // namespace
}  // namespace understudy
