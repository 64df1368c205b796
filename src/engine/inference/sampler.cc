#include "engine/inference/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace understudy {

namespace {

void require(bool holds, std::string_view name, double value, std::string_view allowed) {
  if (holds) return;
  throw Error(ErrorCode::kInvalidInput, fmt::format("{}: expected {}, got {}", name, allowed, value));
}

// The first of the largest. Comparisons with NaN are false, so a NaN is looked for apart.
size_t index_of_largest(std::span<const float> logits) {
  CHECK(!logits.empty(), "there are logits");
  size_t best = 0;
  bool is_number = true;
  for (size_t i = 0; i < logits.size(); ++i) {
    is_number &= !std::isnan(logits[i]);
    if (logits[i] > logits[best]) best = i;
  }
  if (!is_number || std::isinf(logits[best])) {
    throw Error(ErrorCode::kInternal, "the model's logits are not finite numbers",
                "its weights may be damaged: compare the file's hash with the original's");
  }
  return best;
}

}  // namespace

void check(const SamplingParameters& p, int64_t vocab_size) {
  require(std::isfinite(p.temperature) && p.temperature >= 0, "temperature", p.temperature, "a number from 0");
  require(p.top_p > 0 && p.top_p <= 1, "top_p", p.top_p, "a number above 0, at most 1");
  require(p.min_p >= 0 && p.min_p <= 1, "min_p", p.min_p, "a number from 0 to 1");
  require(p.top_k >= 0, "top_k", p.top_k, "a whole number from 1, or 0 for all tokens");
  require(std::isfinite(p.presence_penalty), "presence_penalty", p.presence_penalty, "a number");
  require(std::isfinite(p.frequency_penalty), "frequency_penalty", p.frequency_penalty, "a number");
  for (const auto& [id, bias] : p.logit_bias) {
    require(id >= 0 && id < vocab_size, "logit_bias", id, fmt::format("token ids from 0 to {}", vocab_size - 1));
    require(std::isfinite(bias), "logit_bias", static_cast<double>(bias), "finite numbers");
  }
}

Sampler::Sampler(SamplingParameters parameters, uint64_t seed) : parameters_(std::move(parameters)), random_(seed) {}

void Sampler::accept(TokenId id) {
  ++counts_[id];
}

std::span<const float> Sampler::adjusted(std::span<const float> logits) {
  const bool penalised = parameters_.presence_penalty != 0 || parameters_.frequency_penalty != 0;
  if (!penalised && parameters_.logit_bias.empty()) return logits;
  adjusted_.assign(logits.begin(), logits.end());
  if (penalised) {
    for (const auto& [id, count] : counts_) {
      adjusted_[static_cast<size_t>(id)] -=
          static_cast<float>(parameters_.frequency_penalty * count + parameters_.presence_penalty);
    }
  }
  for (const auto& [id, bias] : parameters_.logit_bias) adjusted_[static_cast<size_t>(id)] += bias;
  return adjusted_;
}

// min_p in terms of weights: p >= min_p · p_max is weight >= min_p, since the largest weight is 1.
void Sampler::collect(std::span<const float> logits, float largest) {
  candidates_.clear();
  for (size_t i = 0; i < logits.size(); ++i) {
    const double distance = static_cast<double>(logits[i]) - static_cast<double>(largest);
    const double weight = std::exp(distance / parameters_.temperature);
    if (weight > 0 && weight >= parameters_.min_p) candidates_.push_back({static_cast<TokenId>(i), weight});
  }
}

// Tokens as probable as the k-th stay as well, so that which of equals survives does not depend on their order.
void Sampler::keep_top_k() {
  const size_t k = static_cast<size_t>(parameters_.top_k);
  if (k == 0 || candidates_.size() <= k) return;
  std::vector<double> weights;
  weights.reserve(candidates_.size());
  for (const Candidate& candidate : candidates_) weights.push_back(candidate.weight);
  std::nth_element(weights.begin(), weights.begin() + static_cast<std::ptrdiff_t>(k - 1), weights.end(),
                   std::greater<>());
  std::erase_if(candidates_, [limit = weights[k - 1]](const Candidate& c) { return c.weight < limit; });
}

// The smallest set of the most probable whose share reaches top_p; at least one token.
void Sampler::keep_top_p() {
  if (parameters_.top_p >= 1) return;
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
  });
  double total = 0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  double sum = 0;
  size_t kept = 0;
  while (kept < candidates_.size() && sum < parameters_.top_p * total) sum += candidates_[kept++].weight;
  candidates_.resize(std::max<size_t>(kept, 1));
}

TokenId Sampler::choose(std::span<const float> raw_logits, int64_t position) {
  const std::span<const float> logits = adjusted(raw_logits);
  const size_t best = index_of_largest(logits);
  if (parameters_.temperature == 0) return static_cast<TokenId>(best);
  collect(logits, logits[best]);
  keep_top_k();
  keep_top_p();
  double total = 0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  const double uniform = static_cast<double>(random_.at(static_cast<uint64_t>(position)) >> 11) * 0x1.0p-53;
  double left = uniform * total;
  for (const Candidate& candidate : candidates_) {
    left -= candidate.weight;
    if (left < 0) return candidate.id;
  }
  return candidates_.back().id;  // rounding of the sum left a rest
}

LogProbabilities::LogProbabilities(std::span<const float> logits) : logits_(logits) {
  const double largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  log_sum_ = largest + std::log(sum);
}

std::vector<TokenProbability> LogProbabilities::top(int n) const {
  const size_t count = std::min(static_cast<size_t>(std::max(n, 0)), logits_.size());
  std::vector<TokenId> ids(logits_.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count), ids.end(),
                    [this](TokenId a, TokenId b) {
                      const float x = logits_[static_cast<size_t>(a)];
                      const float y = logits_[static_cast<size_t>(b)];
                      return x != y ? x > y : a < b;
                    });
  std::vector<TokenProbability> top;
  for (size_t i = 0; i < count; ++i) top.push_back({ids[i], of(ids[i])});
  return top;
}

}  // namespace understudy
