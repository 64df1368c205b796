#include "gateway/providers/provider.h"

namespace understudy {

std::string_view to_string(ProviderFailure::Kind kind) {
  switch (kind) {
    case ProviderFailure::Kind::kRefused:
      return "refused";
    case ProviderFailure::Kind::kKey:
      return "key";
    case ProviderFailure::Kind::kNoSuchModel:
      return "no_such_model";
    case ProviderFailure::Kind::kRateLimited:
      return "rate_limited";
    case ProviderFailure::Kind::kOverloaded:
      return "overloaded";
    case ProviderFailure::Kind::kUnavailable:
      return "unavailable";
    case ProviderFailure::Kind::kTimedOut:
      return "timed_out";
    case ProviderFailure::Kind::kCancelled:
      return "cancelled";
    case ProviderFailure::Kind::kBroken:
      return "broken";
  }
  return "broken";
}

}  // namespace understudy
