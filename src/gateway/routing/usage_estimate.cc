#include "gateway/routing/usage_estimate.h"

#include <cmath>

namespace understudy {

namespace {

constexpr double kWeight = 0.2;

void move_towards(double& average, bool& is_known, double value) {
  average = is_known ? average * (1 - kWeight) + value * kWeight : value;
  is_known = true;
}

int64_t tokens_of(int64_t bytes, double bytes_per_token) {
  return static_cast<int64_t>(std::ceil(static_cast<double>(bytes) / bytes_per_token));
}

}  // namespace

void UsageEstimator::learn(const std::string& provider, const std::string& model, const SeenBytes& seen,
                           const Usage& usage) {
  MutexLock lock(mutex_);
  Ratios& ratios = ratios_[{provider, model}];
  if (seen.request > 0 && usage.prompt_tokens() > 0) {
    move_towards(ratios.request, ratios.knows_request,
                 static_cast<double>(seen.request) / static_cast<double>(usage.prompt_tokens()));
  }
  if (usage.prompt_tokens() > 0) {
    move_towards(ratios.cached, ratios.knows_cached,
                 static_cast<double>(usage.cached_input) / static_cast<double>(usage.prompt_tokens()));
  }
  if (seen.output > 0 && usage.output > 0) {
    move_towards(ratios.output, ratios.knows_output,
                 static_cast<double>(seen.output) / static_cast<double>(usage.output));
  }
}

Usage UsageEstimator::estimate(const std::string& provider, const std::string& model, const SeenBytes& seen) const {
  MutexLock lock(mutex_);
  const auto entry = ratios_.find({provider, model});
  const Ratios ratios = entry == ratios_.end() ? Ratios() : entry->second;
  Usage usage;
  const int64_t prompt = tokens_of(seen.request, ratios.request);
  usage.cached_input = std::llround(ratios.cached * static_cast<double>(prompt));
  usage.input = prompt - usage.cached_input;
  usage.output = tokens_of(seen.output, ratios.output);
  usage.reasoning = tokens_of(seen.reasoning, ratios.output);
  usage.estimated = true;
  return usage;
}

}  // namespace understudy
