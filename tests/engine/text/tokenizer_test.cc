#include "engine/text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"
#include "tests/engine/text/golden_tokenizers.h"

namespace understudy {
namespace {

class GoldenTokenizer : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(golden_folder())) GTEST_SKIP() << "no reference files on this machine";
  }
};

TEST_P(GoldenTokenizer, EncodesAndDecodesEveryCase) {
  const auto tokenizer = Tokenizer::load(golden_folder() / "tokenizers" / GetParam());
  const auto cases = golden_cases(GetParam());
  ASSERT_GE(cases.size(), 199U);
  for (const TokenizerCase& c : cases) {
    EXPECT_EQ(tokenizer->encode(c.text), c.ids) << c.text;
    EXPECT_EQ(tokenizer->encode(c.text, {.add_special = true}), c.ids_special) << c.text;
    EXPECT_EQ(tokenizer->decode(c.ids), c.decoded) << c.text;
  }
}

// Spans of a text cover it in order; what a byte-level token covers is its own bytes.
TEST_P(GoldenTokenizer, SpansFollowTheText) {
  const auto tokenizer = Tokenizer::load(golden_folder() / "tokenizers" / GetParam());
  for (const TokenizerCase& c : golden_cases(GetParam())) {
    const Encoded encoded = tokenizer->encode_with_spans(c.text, {.add_special = true});
    ASSERT_EQ(encoded.ids, c.ids_special);
    ASSERT_EQ(encoded.spans.size(), encoded.ids.size());
    size_t at = 0;
    for (const TextSpan& span : encoded.spans) {
      EXPECT_EQ(span.begin, at) << c.text;
      EXPECT_GE(span.end, span.begin) << c.text;
      at = span.end;
    }
    EXPECT_EQ(at, c.text.size()) << c.text;
  }
}

TEST_P(GoldenTokenizer, DecodesInPiecesWhatItDecodesAtOnce) {
  const auto tokenizer = Tokenizer::load(golden_folder() / "tokenizers" / GetParam());
  for (const TokenizerCase& c : golden_cases(GetParam())) {
    std::vector<TokenId> shown;
    for (const TokenId id : c.ids) {
      if (!tokenizer->is_special(id)) shown.push_back(id);
    }
    TokenDecoder decoder(tokenizer);
    std::string text;
    for (const TokenId id : shown) text += decoder.push(id);
    EXPECT_EQ(text + decoder.finish(), tokenizer->decode(shown)) << c.text;
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTokenizer, testing::Values("llama3", "qwen2", "gpt2", "llama2-sentencepiece"),
                         [](const auto& info) {
                           return info.param == "llama2-sentencepiece" ? "sentencepiece" : info.param;
                         });

TEST(TokenizerLoad, NamesTheFolderWithoutATokenizer) {
  try {
    Tokenizer::load(testing::TempDir());
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.message(), testing::HasSubstr("tokenizer.json"));
  }
}

TEST(TokenizerLoad, GgufTokenisesAsTheFolderBesideIt) {
  if (!std::filesystem::exists(golden_folder())) GTEST_SKIP() << "no reference files on this machine";
  for (const char* model : {"llama", "llama3-rope", "mistral-window", "qwen2", "qwen3"}) {
    const auto folder = Tokenizer::load(golden_folder() / model);
    const auto gguf = Tokenizer::load(golden_folder() / model / "gguf/model-f16.gguf");
    EXPECT_EQ(gguf->bos(), folder->bos());
    EXPECT_EQ(gguf->eos(), folder->eos());
    EXPECT_EQ(gguf->stop_tokens(), folder->stop_tokens());
    EXPECT_EQ(gguf->chat_template(), folder->chat_template());
    EXPECT_EQ(gguf->adds_bos(), folder->adds_bos());
    for (const TokenizerCase& c : golden_cases("llama3")) {
      EXPECT_EQ(gguf->encode(c.text, {.add_special = true}), folder->encode(c.text, {.add_special = true}))
          << model << c.text;
    }
  }
}

TEST(TokenizerThreads, EncodeTheSameSideBySide) {
  if (!std::filesystem::exists(golden_folder())) GTEST_SKIP() << "no reference files on this machine";
  const auto tokenizer = Tokenizer::load(golden_folder() / "tokenizers/llama3");
  const auto cases = golden_cases("llama3");
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (const TokenizerCase& c : cases) wrong += tokenizer->encode(c.text) == c.ids ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace understudy
