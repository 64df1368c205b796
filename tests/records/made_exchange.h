// Exchanges of every shape, made from a seed: for the tests of their forms and of the stores.
#pragma once

#include <string>

#include "base/random.h"
#include "records/exchange.h"

namespace understudy::testing {

inline std::string made_text(Random& random, bool any_bytes) {
  std::string text;
  for (int64_t n = random.between(0, 12); n > 0; --n) {
    if (any_bytes && random.chance(0.2)) {
      text += static_cast<char>(random.below(256));
    } else {
      text += random.chance(0.1) ? "é\n\"'\\" : std::string(1, static_cast<char>(random.between(' ', '~')));
    }
  }
  return text;
}

inline Usage made_usage(Random& random) {
  Usage usage;
  usage.input = random.between(0, 100'000);
  usage.cached_input = random.between(0, 3);
  usage.cache_write = random.between(0, 3);
  usage.cache_write_1h = random.between(0, 1);
  usage.output = random.between(0, 3000);
  usage.reasoning = random.between(0, 50);
  usage.estimated = random.chance(0.2);
  return usage;
}

inline std::optional<Money> made_cost(Random& random) {
  if (random.chance(0.2)) return std::nullopt;
  return Money::nano_dollars(random.between(-5, 4'000'000'000));
}

inline std::optional<double> made_ms(Random& random) {
  if (random.chance(0.3)) return std::nullopt;
  return random.uniform(0, 5000);
}

inline ExchangeAttempt made_attempt(Random& random, bool any_bytes) {
  ExchangeAttempt attempt;
  attempt.purpose = static_cast<ExchangeAttempt::Purpose>(random.below(4));
  attempt.provider = made_text(random, any_bytes);
  attempt.model = made_text(random, any_bytes);
  attempt.key = static_cast<int>(random.below(4));
  attempt.at_ms = random.between(-1, 4'000'000'000'000);
  attempt.status = static_cast<int>(random.between(0, 599));
  attempt.error = made_text(random, any_bytes);
  if (random.chance(0.3)) attempt.answer = R"({"held":[back,)" + made_text(random, any_bytes);
  if (random.chance(0.3)) attempt.gate = {"schema: " + made_text(random, any_bytes), ""};
  attempt.usage = made_usage(random);
  attempt.cost = made_cost(random);
  attempt.price_version = made_text(random, any_bytes);
  attempt.first_token_ms = made_ms(random);
  attempt.total_ms = random.uniform(0, 9000);
  attempt.terms = static_cast<Terms>(random.below(2));
  return attempt;
}

// any_bytes: texts also hold NUL and what is no UTF-8; else every body is text or compact JSON, so that the JSON form
// gives the very same exchange back.
inline Exchange made_exchange(uint64_t seed, bool any_bytes) {
  Random random(seed);
  Exchange exchange;
  exchange.id = "x-" + std::to_string(seed);
  exchange.at_ms = random.between(0, 4'000'000'000'000);
  exchange.endpoint = "/v1/chat/completions";
  exchange.protocol = static_cast<ProtocolName>(random.below(6));
  exchange.model = made_text(random, any_bytes);
  exchange.provider = made_text(random, any_bytes);
  exchange.provider_model = made_text(random, any_bytes);
  exchange.task = made_text(random, any_bytes);
  exchange.fingerprint = made_text(random, any_bytes);
  for (int64_t n = random.between(0, 3); n > 0; --n) {
    const std::string name = made_text(random, any_bytes);
    exchange.tags[name] = made_text(random, any_bytes);
  }
  exchange.key = made_text(random, any_bytes);
  exchange.status = static_cast<int>(random.between(0, 599));
  exchange.error = made_text(random, any_bytes);
  exchange.route = {made_text(random, any_bytes), "teacher", made_text(random, any_bytes), random.between(0, 9)};
  for (int64_t n = random.between(0, 3); n > 0; --n) exchange.attempts.push_back(made_attempt(random, any_bytes));
  exchange.usage = made_usage(random);
  exchange.cost = made_cost(random);
  exchange.first_token_ms = made_ms(random);
  exchange.total_ms = random.uniform(0, 9000);
  exchange.terms = static_cast<Terms>(random.below(2));
  exchange.stream = random.chance(0.5);
  exchange.partial = random.chance(0.5);
  exchange.estimated = random.chance(0.5);
  exchange.sampled = random.chance(0.9);
  exchange.request = random.chance(0.8) ? R"({"model":"gpt-5","messages":[{"role":"user","content":"é"}],"t":0.1})"
                                        : made_text(random, any_bytes);
  exchange.answer = random.chance(0.8) ? R"([1,2.5,{"a":null}])" : made_text(random, any_bytes);
  return exchange;
}

}  // namespace understudy::testing
