#include "gateway/routing/attempt_meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace understudy {

namespace {

constexpr int kMostChoices = 1024;  // a stranger's index is not an allocation's size

double milliseconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

int64_t size_of(const std::string& text) {
  return static_cast<int64_t>(text.size());
}

}  // namespace

bool is_content(const ChatEvent& event) {
  return std::visit(
      Overloaded{
          [](const TextEvent& text) { return !text.text.empty(); },
          [](const ReasoningEvent& thought) { return !thought.piece.text.empty() || !thought.piece.signature.empty(); },
          [](const HeadEvent&) { return false; },
          [](const FailureEvent&) { return false; },
          [](const auto&) { return true; },
      },
      event);
}

const FailureEvent* failure_in(const AnswerPiece& piece) {
  for (const ChatEvent& event : piece.events) {
    if (const auto* failure = std::get_if<FailureEvent>(&event)) return failure;
  }
  return nullptr;
}

std::string error_text(const ProviderFailure& failure) {
  return fmt::format("{}: {}", to_string(failure.kind), failure.error.message());
}

void sum_up(Exchange& exchange) {
  std::optional<Money> cost = Money();
  bool estimated = false;
  for (const ExchangeAttempt& attempt : exchange.attempts) {
    estimated = estimated || attempt.usage.estimated;
    if (!attempt.cost) cost.reset();
    if (cost) *cost += *attempt.cost;
  }
  exchange.cost = cost;
  exchange.estimated = estimated;
}

void AttemptMeter::started(const AnswerStream& stream) {
  started_ = true;
  status_ = stream.status();
  key_ = stream.key();
}

void AttemptMeter::failed_to_start(const ProviderFailure& failure) {
  status_ = failure.status;
  key_ = failure.key;
}

void AttemptMeter::observe(const AnswerPiece& piece, Time now) {
  for (const ChatEvent& event : piece.events) {
    if (!first_token_at_ && is_content(event)) first_token_at_ = now;
    std::visit(Overloaded{
                   [&](const TextEvent& text) {
                     seen_.output += size_of(text.text);
                     note_choice(text.choice, false);
                   },
                   [&](const ReasoningEvent& thought) {
                     seen_.reasoning += size_of(thought.piece.text);
                     note_choice(thought.choice, false);
                   },
                   [&](const ToolCallEvent& call) {
                     seen_.output += size_of(call.name) + size_of(call.arguments);
                     note_choice(call.choice, false);
                   },
                   [&](const NativeEvent& native) { note_choice(native.choice, false); },
                   [&](const FinishEvent& finish) { note_choice(finish.choice, true); },
                   [&](const UsageEvent& usage) { usage_ = usage.usage; },
                   [](const HeadEvent&) {},
                   [](const FailureEvent&) {},
               },
               event);
  }
}

void AttemptMeter::note_choice(int choice, bool is_finish) {
  if (choice < 0 || choice >= kMostChoices) return;
  const auto at = static_cast<size_t>(choice);
  if (choices_.size() <= at) choices_.resize(at + 1, 0);
  choices_[at] = std::max<char>(choices_[at], is_finish ? 2 : 1);
}

bool AttemptMeter::is_finished() const {
  const bool has_one = std::find(choices_.begin(), choices_.end(), 2) != choices_.end();
  return has_one && std::find(choices_.begin(), choices_.end(), 1) == choices_.end();
}

Usage AttemptMeter::usage_for(const ChainTarget& target, const Accounts& accounts, bool was_at_work) const {
  if (usage_) {
    if (!usage_->estimated) accounts.estimator.learn(target.name, target.model, seen_, *usage_);
    return *usage_;
  }
  if (!started_ && !was_at_work) return {};
  return accounts.estimator.estimate(target.name, target.model, seen_);
}

void AttemptMeter::fill(ExchangeAttempt& attempt, const ChainTarget& target, const Accounts& accounts,
                        std::string error, bool was_at_work) const {
  attempt.status = status_;
  attempt.key = key_;
  attempt.error = std::move(error);
  attempt.usage = usage_for(target, accounts, was_at_work);
  attempt.cost.reset();
  attempt.price_version.clear();
  if (attempt.usage.prompt_tokens() + attempt.usage.completion_tokens() == 0) {
    attempt.cost = Money();
  } else if (const std::optional<Price> price =
                 accounts.price(target.vendor, target.model, attempt.at_ms, attempt.usage)) {
    attempt.cost = price->cost;
    attempt.price_version = price->version;
  } else if (target.is_owned) {
    attempt.cost = Money();
    attempt.price_version = "owned";
  }
  attempt.first_token_ms.reset();
  if (first_token_at_) attempt.first_token_ms = milliseconds(*first_token_at_ - began_);
  attempt.total_ms = milliseconds(ended_at_.value_or(began_) - began_);
}

}  // namespace understudy
