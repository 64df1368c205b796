#include "engine/inference/engine.h"

#include <gtest/gtest.h>

#include <latch>

#include "engine/model/decoder.h"
#include "tests/engine/inference/scripted_model.h"
#include "tests/support/golden.h"
#include "tests/support/tiny_model.h"

namespace understudy::testing {
namespace {

std::vector<TokenId> ids_of(const Generated& generated) {
  std::vector<TokenId> ids;
  for (const GeneratedToken& token : generated.tokens) ids.push_back(token.id);
  return ids;
}

class GoldenModel : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenModel, GreedyTokensAreTheReferences) {
  SKIP_WITHOUT_GOLDEN(GetParam());
  const std::filesystem::path folder = test::golden_folder() / GetParam();
  const Json figures = test::golden_figures(GetParam());
  Engine engine(Model::load(folder, {}), Tokenizer::load(folder), {.prompt_chunk = 16});
  for (size_t i = 0; i < figures.at("input_ids").size(); ++i) {
    const std::vector<TokenId> expected = figures.at("greedy").at(i).get<std::vector<TokenId>>();
    const Generated generated = generate(engine, {.prompt = figures.at("input_ids").at(i).get<std::vector<TokenId>>(),
                                                  .max_tokens = static_cast<int64_t>(expected.size()),
                                                  .sampling = {.temperature = 0}});
    EXPECT_EQ(ids_of(generated), expected);
    EXPECT_EQ(generated.result.reason, StopReason::kLength);
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenModel, ::testing::ValuesIn(test::golden_models()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

class TinyEngine : public ::testing::Test {
 protected:
  std::unique_ptr<Engine> engine(const EngineOptions& options) const {
    return std::make_unique<Engine>(model_, std::make_shared<ByteTokenizer>(), options);
  }
  // An adapter whose B is not zero, so that it changes what comes out.
  std::shared_ptr<const Adapter> adapter(uint64_t seed) const {
    const LoraSettings settings{.rank = 4, .alpha = 64, .targets = {Linear::kQ, Linear::kV, Linear::kDown}};
    std::shared_ptr<Adapter> made = Adapter::create(model_->config(), settings, seed);
    Random random(seed);
    for (int64_t layer = 0; layer < model_->config().n_layers; ++layer) {
      for (const Linear linear : settings.targets) {
        Tensor& b = made->find(layer, linear)->b;
        for (int64_t i = 0; i < b.shape().elements(); ++i) b.f32()[i] = static_cast<float>(random.normal() * 0.1);
      }
    }
    return made;
  }
  const std::shared_ptr<const Model> model_ = Model::random(byte_model_config(), 3, {});
};

// Seeds, adapters, chunks of prompts and pages that run out, over the real decoder: byte-equal to each request alone.
TEST_F(TinyEngine, TokensAreTheSameAloneAndInABatch) {
  std::vector<GenerationRequest> requests;
  for (int i = 0; i < 7; ++i) {
    GenerationRequest request{.prompt =
                                  byte_tokens(std::string(static_cast<size_t>(3 + 9 * i), static_cast<char>('a' + i)))};
    request.max_tokens = 24;
    request.sampling = {.temperature = i % 2 == 0 ? 1.0 : 0.0, .seed = 40 + i};
    if (i % 3 != 0) request.adapter = adapter(static_cast<uint64_t>(i));
    requests.push_back(request);
  }
  std::vector<std::vector<TokenId>> alone;
  const auto roomy = engine({.max_parallel = 1});
  for (const GenerationRequest& request : requests) alone.push_back(ids_of(generate(*roomy, request)));

  const auto crowded = engine({.context = 128, .cache_tokens = 192, .max_parallel = 6, .prompt_chunk = 11});
  std::vector<std::vector<TokenId>> together(requests.size());
  std::latch finished(static_cast<std::ptrdiff_t>(requests.size()));
  for (size_t i = 0; i < requests.size(); ++i) {
    GenerationRequest request = requests[i];
    request.on_token = [&ids = together[i]](const GeneratedToken& token) { ids.push_back(token.id); };
    request.on_finish = [&finished](const GenerationResult& result) {
      EXPECT_EQ(result.reason, StopReason::kLength);
      finished.count_down();
    };
    crowded->submit(std::move(request));
  }
  finished.wait();
  for (size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(together[i], alone[i]) << "request " << i;
}

TEST_F(TinyEngine, AnAdapterChangesTheAnswerOfItsRequestOnly) {
  const auto running = engine({});
  GenerationRequest request{.prompt = byte_tokens("abc"), .max_tokens = 20, .sampling = {.temperature = 0}};
  const std::vector<TokenId> bare = ids_of(generate(*running, request));
  GenerationRequest adapted = request;
  adapted.adapter = adapter(5);
  EXPECT_NE(ids_of(generate(*running, adapted)), bare);
  EXPECT_EQ(ids_of(generate(*running, request)), bare);
}

TEST_F(TinyEngine, GreedyIsTheLargestLogitOfTheWholeSequence) {
  const auto running = engine({});
  const Generated generated = generate(*running, {.prompt = byte_tokens("abc"),
                                                  .max_tokens = 6,
                                                  .sampling = {.temperature = 0},
                                                  .logprobs = true,
                                                  .top_logprobs = 1});
  std::vector<TokenId> tokens = byte_tokens("abc");
  Decoder decoder(model_);
  for (const GeneratedToken& token : generated.tokens) {
    KvCache cache(model_->config(), 64);
    CacheSequence sequence;
    ASSERT_TRUE(cache.reserve(sequence, static_cast<int64_t>(tokens.size())));
    const BatchEntry entry{.sequence = &sequence, .tokens = tokens};
    const ConstTensorView logits = decoder.forward({&entry, 1}, cache);
    const float* largest = std::max_element(logits.f32(), logits.f32() + logits.shape.elements());
    EXPECT_EQ(token.id, largest - logits.f32());
    EXPECT_EQ(token.top.at(0).id, token.id);
    EXPECT_EQ(token.top.at(0).logprob, token.logprob);
    tokens.push_back(token.id);
  }
}

TEST_F(TinyEngine, GenerateCallsBackAndTheStopTokenCancels) {
  const auto running = engine({});
  std::stop_source stop;
  int calls = 0;
  GenerationRequest request{.prompt = byte_tokens("abc")};
  request.on_token = [&](const GeneratedToken&) {
    if (++calls == 3) stop.request_stop();
  };
  bool was_told = false;
  request.on_finish = [&was_told](const GenerationResult&) { was_told = true; };
  const Generated generated = generate(*running, request, stop.get_token());
  EXPECT_EQ(generated.result.reason, StopReason::kCancelled);
  EXPECT_EQ(generated.tokens.size(), static_cast<size_t>(calls));
  EXPECT_TRUE(was_told);
  EXPECT_EQ(running->statistics().cache_tokens_used, 0);
}

}  // namespace
}  // namespace understudy::testing
