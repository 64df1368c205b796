// A chain: the targets that can answer for one model name, in the order in which the config names them. Immutable; a
// request that runs keeps the chain it began with.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "economics/price_book.h"
#include "gateway/providers/provider.h"
#include "gateway/routing/health.h"
#include "records/exchange.h"

namespace understudy {

// The price of a usage; nothing where it is unknown (economics/price_book.h).
using Pricer = std::function<std::optional<Price>(std::string_view vendor, std::string_view model, int64_t at_ms,
                                                  const Usage& usage)>;

// Who enforces what, once and for all: `connect` is the HTTP client's. The others are target_call.h's, for engines and
// remote providers alike; a remote provider gives its client the same figures as a second line.
struct ChainTimeouts {
  // From the request to the first content, of a stream. An answer that is no stream has no first token to wait for: it
  // is there at once or not at all, within `total`.
  std::chrono::nanoseconds first_token = std::chrono::seconds(30);
  std::chrono::nanoseconds between_tokens = std::chrono::seconds(15);  // while the next event is waited for
  std::chrono::nanoseconds total = std::chrono::seconds(300);          // of one attempt
};

struct ChainTarget {
  std::shared_ptr<Provider> provider;
  std::shared_ptr<TargetHealth> health;
  std::string name;    // the provider's, in the config
  std::string vendor;  // for the price book
  std::string model;   // the provider's own name of it
  double weight = 1;
  Terms terms = Terms::kNoTraining;
  // It runs on hardware of one's own: a call that the price book does not know costs nothing by itself; what the
  // hardware costs is the rent-vs-buy sum's affair.
  bool is_owned = false;
  ChainTimeouts timeouts;
};

struct RetryLimits {
  int attempts = 3;  // over all targets of one request, hedges too
  // From the request's begin: how long targets that failed are asked again. A target that was not asked yet is asked
  // whenever attempts are left, else a first token that never came (30 s) would leave no time for anybody else.
  std::chrono::nanoseconds budget = std::chrono::seconds(10);
};

struct HoldLimits {  // most that is held before the first content
  int events = 64;
  uint64_t bytes = 256 * 1024;
};

struct Chain {
  enum class Pick { kInOrder, kWeighted, kLeastLatency };  // who is asked first; the rest stays the fallback
  std::string name;                                        // the model that applications ask for
  std::vector<ChainTarget> targets;
  Pick pick = Pick::kInOrder;
  RetryLimits retries;
  HoldLimits hold;
  std::optional<std::chrono::nanoseconds> hedge_after;
  Pricer price;
};

}  // namespace understudy
