// Exchanges as a gateway with one teacher and one specialist records them, for the tests of sums.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "economics/ledger.h"
#include "economics/parties.h"
#include "economics/price_book.h"
#include "records/exchange.h"

namespace understudy::testing {

inline constexpr int64_t kTrafficBegins = 1'793'577'600'000;  // 2026-11-02T00:00:00Z

inline const PriceBook& traffic_book() {
  static const PriceBook book = PriceBook::read(ConfigNode::parse(R"(
- {vendor: openai, model: gpt-5, from: 2025-08-07, input: 1.25, cached_input: 0.125, output: 10.00, batch: 50%}
- {vendor: openai, model: gpt-5-mini, from: 2025-08-07, input: 0.25, cached_input: 0.025, output: 2.00, batch: 50%}
)",
                                                                  "prices.yml"));
  return book;
}

inline Parties traffic_parties() {
  return {.vendors = {{"openai", "openai"}, {"local", "understudy"}}, .specialists = {"local/invoices-v7"}};
}

inline ExchangeAttempt attempt_of(const std::string& provider, const std::string& model, const Usage& usage) {
  ExchangeAttempt attempt{.provider = provider, .model = model, .at_ms = kTrafficBegins, .status = 200, .usage = usage};
  if (const auto price = traffic_book().price(traffic_parties().vendor_of(provider), model, kTrafficBegins, usage)) {
    attempt.cost = price->cost;
    attempt.price_version = price->version;
  }
  return attempt;
}

inline Exchange exchange_at(int64_t at_ms, const std::string& task) {
  Exchange exchange;
  exchange.id = "x-" + std::to_string(at_ms);
  exchange.at_ms = at_ms;
  exchange.model = "gpt-5";
  exchange.task = task;
  exchange.fingerprint = "f-" + task;
  exchange.status = 200;
  exchange.route.decision = "teacher";
  return exchange;
}

// As the gateway closes an exchange: every attempt priced, the sum over them, who answered.
inline void price_all(Exchange& exchange) {
  exchange = repriced(exchange, traffic_book(), traffic_parties());
  for (const ExchangeAttempt& attempt : exchange.attempts) exchange.estimated |= attempt.usage.estimated;
  if (exchange.attempts.empty()) return;
  exchange.provider = exchange.attempts.back().provider;
  exchange.provider_model = exchange.attempts.back().model;
  exchange.usage = exchange.attempts.back().usage;
}

// A mix over some days: cached, reasoning, retried, hedged, shadowed, escalated, failed, unknown.
inline std::vector<Exchange> made_traffic(uint64_t seed, int count) {
  Random random(seed);
  std::vector<Exchange> traffic;
  for (int i = 0; i < count; ++i) {
    Exchange exchange = exchange_at(kTrafficBegins + i * 300'000LL, random.chance(0.7) ? "invoices" : "found-1a2b3c4d");
    if (random.chance(0.5)) {
      exchange.key = "billing-app";
      exchange.tags = {{"team", "billing"}};
    }
    for (int64_t n = random.between(1, 3); n > 0; --n) {
      const Usage usage{.input = random.between(0, 2000),
                        .cached_input = random.between(0, 1) * 1024,
                        .output = random.between(0, 300),
                        .reasoning = random.between(0, 50),
                        .estimated = random.chance(0.05)};
      const bool is_own = random.chance(0.3);
      const char* model = is_own ? "invoices-v7" : random.chance(0.05) ? "gpt-9" : "gpt-5";
      exchange.attempts.push_back(attempt_of(is_own ? "local" : "openai", model, usage));
      exchange.attempts.back().purpose = static_cast<ExchangeAttempt::Purpose>(random.below(4));
      exchange.attempts.back().total_ms = random.uniform(1, 1000);
    }
    if (random.chance(0.1)) exchange.attempts.push_back(attempt_of("openai", "gpt-5", {}));
    price_all(exchange);
    traffic.push_back(exchange);
  }
  return traffic;
}

}  // namespace understudy::testing
