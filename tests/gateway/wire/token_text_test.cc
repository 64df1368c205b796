#include "gateway/wire/token_text.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace understudy {
namespace {

std::string field_of_fault(std::string_view body) {
  try {
    (void)token_text::read_detokenize(body);
  } catch (const Error& error) {
    return error.field();
  }
  return "accepted";
}

TEST(TokenText, ReadsBothRequestsAndWritesBothAnswers) {
  const token_text::TokenizeRequest request = token_text::read_tokenize(R"({"content": "a b", "add_special": true})");
  EXPECT_EQ(request.content, "a b");
  EXPECT_TRUE(request.add_special);
  EXPECT_TRUE(request.parse_special);
  EXPECT_EQ(token_text::write_tokens({1, 2}), R"({"tokens":[1,2]})");
  EXPECT_EQ(token_text::read_detokenize(R"({"tokens": [7, 8], "model": "m"})").tokens, (std::vector<int32_t>{7, 8}));
  EXPECT_EQ(token_text::write_content("ä"), R"({"content":"ä"})");
}

TEST(TokenText, RefusesWhatAreNoTokens) {
  for (const char* body : {R"({"tokens": [-1]})", R"({"tokens": [1.5]})", R"({"tokens": ["a"]})",
                           R"({"tokens": [2147483648]})", R"({"tokens": 5})", R"({})"}) {
    EXPECT_EQ(field_of_fault(body), "tokens") << body;
  }
  EXPECT_THROW((void)token_text::read_tokenize(R"({"content": 5})"), Error);
}

}  // namespace
}  // namespace understudy
