#include "base/unicode.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(Unicode, FoldsWidthLigaturesAndCase) {
  EXPECT_EQ(nfkc_casefold("ＴＯＴＡＬ ﬁne Straße"), "total fine strasse");
  EXPECT_EQ(nfkc("ＴＯＴＡＬ ﬁne"), "TOTAL fine");
  EXPECT_EQ(nfkc("e\u0301"), "\u00e9");
}

TEST(Unicode, ReplacesInvalidBytes) {
  EXPECT_EQ(nfkc("a\xFF"
                 "b"),
            "a\uFFFDb");
}

TEST(Unicode, MapsEachCharacterBackToItsOrigin) {
  // Five code points: the ligature becomes two characters, e and its accent become one.
  const MappedText mapped = map_nfkc("A\uFB01e\u0301.", CaseFold::kYes);
  EXPECT_EQ(to_utf8(mapped.characters), "afi\u00e9.");
  EXPECT_EQ(mapped.first, (std::vector<uint32_t>{0, 1, 1, 2, 4}));
  EXPECT_EQ(mapped.after, (std::vector<uint32_t>{1, 2, 2, 4, 5}));
}

TEST(Unicode, MappedTextIsTheNormalFormOfTheWhole) {
  for (const char* text :
       {"Größe ½ №5", "ＰＲＩＣＥ：１２．５０", "कि का", "한국어 각", "İstanbul", "a\u0327\u0301\u0323", ""}) {
    EXPECT_EQ(to_utf8(map_nfkc(text, CaseFold::kYes).characters), nfkc_casefold(text)) << text;
    EXPECT_EQ(to_utf8(map_nfkc(text, CaseFold::kNo).characters), nfkc(text)) << text;
  }
}

TEST(Unicode, KnowsLettersDigitsAndCurrencySigns) {
  EXPECT_TRUE(is_letter_or_digit(U'é'));
  EXPECT_TRUE(is_letter_or_digit(U'٣'));
  EXPECT_TRUE(is_letter_or_digit(U'\u093F'));   // a vowel sign of Devanagari
  EXPECT_FALSE(is_letter_or_digit(U'\u0307'));  // a dot above
  EXPECT_FALSE(is_letter_or_digit(U'-'));
  EXPECT_TRUE(is_currency_sign(U'€'));
  EXPECT_TRUE(is_currency_sign(U'$'));
  EXPECT_FALSE(is_currency_sign(U'R'));
  EXPECT_TRUE(is_letter(U'ж'));
  EXPECT_FALSE(is_letter(U'3'));
}

}  // namespace
}  // namespace understudy
