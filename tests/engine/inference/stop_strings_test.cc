#include "engine/inference/stop_strings.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"

namespace understudy {
namespace {

TEST(StopStrings, WithoutAnyEverythingGoesThrough) {
  StopStrings stops({});
  EXPECT_EQ(stops.push("abc"), "abc");
  EXPECT_EQ(stops.finish(), "");
  EXPECT_FALSE(stops.found());
}

TEST(StopStrings, HoldsBackWhatMayBecomeOne) {
  StopStrings stops({"\n\nUser:"});
  EXPECT_EQ(stops.push("Total 5\n"), "Total 5");
  EXPECT_EQ(stops.push("\nUs"), "");
  EXPECT_EQ(stops.push("ed"), "\n\nUsed");
  EXPECT_FALSE(stops.found());
}

TEST(StopStrings, CutsAcrossPiecesAndStaysSilentAfterwards) {
  StopStrings stops({"END"});
  EXPECT_EQ(stops.push("xE"), "x");
  EXPECT_EQ(stops.push("N"), "");
  EXPECT_EQ(stops.push("Dy"), "");
  EXPECT_TRUE(stops.found());
  EXPECT_EQ(stops.push("more"), "");
  EXPECT_EQ(stops.finish(), "");
}

TEST(StopStrings, GivesBackTheRestAtTheEnd) {
  StopStrings stops({"END"});
  EXPECT_EQ(stops.push("xEN"), "x");
  EXPECT_EQ(stops.finish(), "EN");
}

TEST(StopStrings, FindsOneThatBeginsInsideItsOwnRepetition) {
  StopStrings stops({"aab"});
  EXPECT_EQ(stops.push("aa"), "");
  EXPECT_EQ(stops.push("a"), "a");
  EXPECT_EQ(stops.push("b"), "");
  EXPECT_TRUE(stops.found());
}

TEST(StopStrings, RefusesAnEmptyOne) {
  EXPECT_THROW(StopStrings({""}), Error);
}

// However the text is cut into pieces, the same is shown, and never more than the whole text allows.
TEST(StopStrings, TheCutDoesNotDependOnThePieces) {
  const uint64_t seed = 11;
  Random random(seed);
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (int64_t n = random.between(1, 24); n > 0; --n) text += static_cast<char>('a' + random.below(3));
    std::vector<std::string> list;
    for (int64_t n = random.between(1, 3); n > 0; --n) {
      list.emplace_back();
      for (int64_t m = random.between(1, 4); m > 0; --m) list.back() += static_cast<char>('a' + random.below(3));
    }
    StopStrings whole(list);
    std::string expected = whole.push(text);
    expected += whole.finish();
    StopStrings pieces(list);
    std::string shown;
    for (size_t at = 0; at < text.size();) {
      const size_t n = 1 + random.below(3);
      shown += pieces.push(std::string_view(text).substr(at, n));
      ASSERT_EQ(shown, expected.substr(0, shown.size())) << "seed " << seed << " round " << round << " text " << text;
      at += n;
    }
    shown += pieces.finish();
    ASSERT_EQ(shown, expected) << "seed " << seed << " round " << round << " text " << text;
    ASSERT_EQ(pieces.found(), whole.found()) << "seed " << seed << " round " << round << " text " << text;
    for (const std::string& stop : list) ASSERT_EQ(shown.find(stop), std::string::npos) << text << " " << stop;
  }
}

}  // namespace
}  // namespace understudy
