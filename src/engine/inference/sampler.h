// From logits to the next token. The order is vLLM's and Hugging Face's: presence and frequency penalties, logit bias,
// temperature, min_p, top_k, top_p, then one draw. Penalties count what was generated, not the prompt (OpenAI's
// definition):
//   logit[t] -= frequency_penalty · count[t] + presence_penalty · (count[t] > 0)
// A draw is a pure function of (seed, position): the same seed, prompt and model give the same tokens, alone, in a
// batch, or when a sequence had to be computed again. Log-probabilities are of the raw logits. One per request; the
// engine's thread only.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "engine/inference/engine.h"

namespace understudy {

// Throws kInvalidInput naming the parameter, its value and what is allowed; ids of logit_bias are below vocab_size.
void check(const SamplingParameters& parameters, int64_t vocab_size);

class Sampler {
 public:
  // seed: the request's, or one that the engine draws. Parameters as check() accepts them.
  Sampler(SamplingParameters parameters, uint64_t seed);

  // logits [vocab]; position: how many tokens precede this one. Temperature 0, and equal logits in it: the lowest id.
  // Throws kInternal where the logits are no numbers.
  TokenId choose(std::span<const float> logits, int64_t position);
  // Tells the penalties what came out.
  void accept(TokenId id);

 private:
  struct Candidate {
    TokenId id = 0;
    double weight = 0;  // exp((logit - largest) / temperature): 1 for the most probable
  };
  std::span<const float> adjusted(std::span<const float> logits);
  void collect(std::span<const float> logits, float largest);
  void keep_top_k();
  void keep_top_p();

  const SamplingParameters parameters_;
  const Random random_;
  std::unordered_map<TokenId, int> counts_;
  std::vector<float> adjusted_;        // scratch, kept between tokens
  std::vector<Candidate> candidates_;  // scratch
};

// Natural logarithms of softmax(logits), computed in double.
class LogProbabilities {
 public:
  explicit LogProbabilities(std::span<const float> logits);  // borrowed
  double of(TokenId id) const { return static_cast<double>(logits_[static_cast<size_t>(id)]) - log_sum_; }
  // The n most probable, most probable first, of equals the lower id first; fewer where the vocabulary is smaller.
  std::vector<TokenProbability> top(int n) const;

 private:
  std::span<const float> logits_;
  double log_sum_ = 0;
};

}  // namespace understudy
