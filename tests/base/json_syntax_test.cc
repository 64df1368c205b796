#include "base/json_syntax.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json.h"
#include "base/random.h"
#include "tests/support/fuzz_count.h"

namespace understudy {
namespace {

TEST(JsonSyntax, TakesWhatTheGrammarHas) {
  for (const char* text : {"null", " [ ] ", "{}", "-0.5e+10", "0", "[1,2 , 3]", R"({"a":{"b":[{}, [], ""]},"c":true})",
                           R"("\"\\\/\b\f\n\r\t\u00e9\uD83D\ude00")", "\"\xC3\xA9\"", "\n{\"a\" : false\t}\r\n",
                           R"({"a":1,"a":2})", "123456789012345678901234567890"}) {
    EXPECT_TRUE(is_valid_json(text)) << text;
  }
}

TEST(JsonSyntax, RefusesWhatItHasNot) {
  for (const char* text : {"",
                           " ",
                           "nul",
                           "nulll",
                           "[",
                           "]",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "{",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{\"a\":1]",
                           "[1}",
                           "01",
                           "-",
                           "1.",
                           ".5",
                           "+1",
                           "1e",
                           "1e+",
                           "\"",
                           "\"\\x\"",
                           "\"\\u12G4\"",
                           "\"\\u12\"",
                           R"("\uD83D")",
                           R"("\uD83Dx")",
                           R"("\uD83D\u0041")",
                           R"("\uDE00")",
                           "\"a\nb\"",
                           "\"\xC3\"",
                           "[1] 2",
                           "{}{}",
                           "'a'",
                           "[1,/*x*/2]",
                           "\"\\"}) {
    EXPECT_FALSE(is_valid_json(text)) << text;
  }
  EXPECT_FALSE(is_valid_json(std::string_view("{}\0", 3)));
  EXPECT_FALSE(is_valid_json(std::string_view("\"\0\"", 3)));
}

TEST(JsonSyntax, AnyDepthWillDo) {
  const size_t n = 1'000'000;
  EXPECT_TRUE(is_valid_json(std::string(n, '[') + std::string(n, ']')));
  EXPECT_FALSE(is_valid_json(std::string(n, '[') + std::string(n - 1, ']')));
}

// Both readers say the same of texts that are nearly JSON; left out are NUL, which the other takes for the end,
// and numbers beyond a double, which it refuses.
TEST(JsonSyntax, AgreesWithTheReaderOfValues) {
  const std::string valid =
      R"({"model":"m","n":-1.5,"messages":[{"role":"user","content":"a\"b\\\u00e9\ud83d\ude00 ü"},[],{},null,true,false]})";
  const std::string_view letters = "{}[]\",:\\u0d8e-+.1eE tfn\n\x80\xC3";
  const int n = testing::fuzz_count(2000);
  for (int i = 0; i < n; ++i) {
    const Random random(static_cast<uint64_t>(i));
    std::string text = valid;
    for (uint64_t edit = 0; edit < 1 + random.at(0) % 2; ++edit) {
      const size_t place = random.at(3 * edit + 1) % text.size();
      const char letter = letters[random.at(3 * edit + 2) % letters.size()];
      if (random.at(3 * edit + 3) % 3 == 0) {
        text.erase(place, 1);
      } else if (random.at(3 * edit + 3) % 3 == 1) {
        text.insert(place, 1, letter);
      } else {
        text[place] = letter;
      }
    }
    ASSERT_EQ(is_valid_json(text), Json::accept(text)) << "seed " << i << ": " << text;
  }
}

TEST(JsonSyntax, FindsTheEndOfAString) {
  const auto end_of = [](std::string_view text) { return end_of_json_string(text, 0); };
  EXPECT_EQ(end_of(R"("")"), 2U);
  EXPECT_EQ(end_of(R"("ab",)"), 4U);
  EXPECT_EQ(end_of(R"("a\"b" : "c")"), 6U);
  EXPECT_EQ(end_of(R"("\\" "c")"), 4U);
  EXPECT_EQ(end_of(R"("\\\"" "c")"), 6U);
  EXPECT_EQ(end_of(R"("ab)"), 3U);
  EXPECT_EQ(end_of(R"("ab\")"), 5U);
  EXPECT_EQ(end_of("\""), 1U);
  EXPECT_EQ(end_of_json_string(R"(\"a" b)", 1), 4U) << "what stands before the string is not part of it";
}

}  // namespace
}  // namespace understudy
