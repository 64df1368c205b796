// Who is who among those that answer: which vendor a provider is, and which model is an own specialist. Made from the
// gateway's config by whoever reads it; exchanges know names only. Immutable values, thread-safe to read.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "records/exchange.h"

namespace understudy {

enum class Side { kTeacher, kSpecialist };
std::string_view to_string(Side side);  // "teacher", "specialist"

struct Parties {
  std::map<std::string, std::string> vendors;  // by the provider's name
  std::set<std::string> specialists;           // "provider/model" of every chain that a task calls its specialist

  // The provider's own name where the config does not have it any more: providers are often called as their vendor is.
  std::string vendor_of(const std::string& provider) const;

  // A specialist of the config; or, for one that has left the config, an Understudy that was asked as a specialist: by
  // a route to the specialist, before an escalation, in the shadow.
  Side side_of(const Exchange& exchange, const ExchangeAttempt& attempt) const;
};

// The attempt whose answer the client got; nullptr where nobody answered. Where several answered (a race), it is the
// one of the provider and model that the exchange names, and of those the last.
const ExchangeAttempt* answering_attempt(const Exchange& exchange);

}  // namespace understudy
