#include "economics/parties.h"

namespace understudy {

std::string_view to_string(Side side) {
  return side == Side::kTeacher ? "teacher" : "specialist";
}

std::string Parties::vendor_of(const std::string& provider) const {
  const auto found = vendors.find(provider);
  return found == vendors.end() ? provider : found->second;
}

Side Parties::side_of(const Exchange& exchange, const ExchangeAttempt& attempt) const {
  using Purpose = ExchangeAttempt::Purpose;
  if (specialists.contains(attempt.provider + "/" + attempt.model)) return Side::kSpecialist;
  const auto vendor = vendors.find(attempt.provider);
  if (vendor != vendors.end() && vendor->second != "understudy") return Side::kTeacher;
  const std::string& decision = exchange.route.decision;
  const bool was_asked_first = attempt.purpose == Purpose::kAnswer || attempt.purpose == Purpose::kHedge;
  const bool was_specialist = (was_asked_first && (decision == "specialist" || decision == "escalated")) ||
                              (attempt.purpose == Purpose::kShadow && decision == "teacher");
  return was_specialist ? Side::kSpecialist : Side::kTeacher;
}

const ExchangeAttempt* answering_attempt(const Exchange& exchange) {
  const ExchangeAttempt* answering = nullptr;
  for (const ExchangeAttempt& attempt : exchange.attempts) {
    const bool is_named = attempt.provider == exchange.provider && attempt.model == exchange.provider_model;
    if (is_named && attempt.purpose != ExchangeAttempt::Purpose::kShadow) answering = &attempt;
  }
  return answering;
}

}  // namespace understudy
