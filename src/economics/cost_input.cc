#include "economics/cost_input.h"

#include <fmt/format.h>

namespace understudy {

namespace {

constexpr int64_t kMostTokens = 1'000'000'000;        // of one request
constexpr int64_t kMostRequests = 1'000'000'000'000;  // a day; keeps every product within the range of Money's errors

Check<std::optional<int64_t>> token_count() {
  return [](const ConfigNode& node, const std::optional<int64_t>& got) {
    if (*got < 0 || *got > kMostTokens)
      throw node.error(fmt::format("expected 0 to {} tokens, got {}", kMostTokens, *got));
  };
}

Check<Money> not_negative() {
  return [](const ConfigNode& node, const Money& got) {
    if (got < Money()) throw node.error(fmt::format("expected 0 or more, got {}", got.decimal()));
  };
}

Check<std::optional<Money>> price() {
  return [](const ConfigNode& node, const std::optional<Money>& got) { not_negative()(node, *got); };
}

const Fields<RentedCost>& rented_fields() {
  static const Fields<RentedCost> fields =
      Fields<RentedCost>()
          .field("prompt_tokens", &RentedCost::prompt_tokens, "tokens of a request's prompt", token_count())
          .field("output_tokens", &RentedCost::output_tokens, "tokens of an answer", token_count())
          .field("input_per_million", &RentedCost::input_per_million, "price of a million prompt tokens, in USD",
                 price())
          .field("output_per_million", &RentedCost::output_per_million, "price of a million output tokens", price())
          .field("cached_share", &RentedCost::cached_share,
                 "share of the prompt that the provider's cache serves (default 0%)")
          .field("cached_input_per_million", &RentedCost::cached_input_per_million,
                 "price of a million cached prompt tokens", price())
          .field("batch", &RentedCost::batch, "share of the requests sent as batch, at half price (default 0%)");
  return fields;
}

const Fields<OwnedCost>& owned_fields() {
  static const Fields<OwnedCost> fields =
      Fields<OwnedCost>()
          .field("prompt_tokens", &OwnedCost::prompt_tokens,
                 "tokens of the prompt after pruning its static part (default: as rented)", token_count())
          .field("output_tokens", &OwnedCost::output_tokens, "tokens of an answer (default: as rented)", token_count())
          .field("per_million", &OwnedCost::per_million, "hosting by the token: price of a million tokens", price())
          .field("per_hour", &OwnedCost::per_hour, "hosting by the hour: price of a machine, billed 24 hours a day",
                 price())
          .field("tokens_per_second", &OwnedCost::tokens_per_second,
                 "hosting by the hour: what a machine was measured to do",
                 [](const ConfigNode& node, const std::optional<double>& got) { above(0.0)(node, *got); })
          .field("utilisation", &OwnedCost::utilisation, "hosting by the hour: share of that which can be used",
                 [](const ConfigNode& node, const std::optional<Share>& got) {
                   if (!(got->value > 0)) throw node.error("expected more than 0%");
                 })
          .field("escalated", &OwnedCost::escalated,
                 "share that stays with the teacher, at the rented price (default 0%)");
  return fields;
}

const Fields<OneTimeCost>& one_time_fields() {
  static const Fields<OneTimeCost> fields =
      Fields<OneTimeCost>()
          .field("data", &OneTimeCost::data, "making the training data", not_negative())
          .field("compute", &OneTimeCost::compute, "training", not_negative())
          .field("evaluation", &OneTimeCost::evaluation, "measuring the specialist", not_negative());
  return fields;
}

const Fields<RunningCost>& running_fields() {
  static const Fields<RunningCost> fields =
      Fields<RunningCost>()
          .field("retraining", &RunningCost::retraining, "training again, such as 300 USD/month (default 0)")
          .field("review", &RunningCost::review, "people who look at answers, such as 500 USD/month (default 0)");
  return fields;
}

void require(const ConfigNode& node, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    if (node[key].is_null())
      throw node.error(fmt::format("the key {} is missing", key), "understudy cost --help lists the keys");
  }
}

}  // namespace

void check_hosting_or_none(const ConfigNode& owned, const OwnedCost& cost) {
  if (cost.per_million && cost.per_hour) {
    throw owned["per_hour"].error("per_million is given too; hosting is paid by the token or by the hour, not both");
  }
  if (cost.per_hour) require(owned, {"tokens_per_second", "utilisation"});
  for (const std::string_view key : {"tokens_per_second", "utilisation"}) {
    if (!cost.per_hour && !owned[key].is_null())
      throw owned[key].error(cost.per_million ? "belongs to per_hour, and per_million is given"
                                              : "belongs to per_hour, which is missing");
  }
}

void read_value(const ConfigNode& node, MonthlyCost& value) {
  std::string text = node.as_text();
  const size_t slash = text.find('/');
  if (slash != std::string::npos) {
    if (text.substr(slash) != "/month")
      throw node.error(fmt::format("expected an amount a month such as 300 USD/month, got \"{}\"", text));
    text.resize(slash);
  }
  try {
    value.per_month = Money::parse(text);
  } catch (const Error& error) {
    throw node.error(error.message(), "write 300 USD/month");
  }
  if (value.per_month < Money()) throw node.error("expected 0 or more");
}

const Fields<CostInput>& cost_fields() {
  static const Fields<CostInput> fields =
      Fields<CostInput>()
          .field("requests_per_day", &CostInput::requests_per_day, "requests a day, such as 10000 or 10k")
          .group("rented", &CostInput::rented, rented_fields(), "what is paid now")
          .group("owned", &CostInput::owned, owned_fields(), "what an own specialist costs")
          .group("one_time", &CostInput::one_time, one_time_fields(), "paid once, before the first saving")
          .group("running", &CostInput::running, running_fields(), "paid every month")
          .field("horizon", &CostInput::horizon,
                 "the time within which the one-time costs have to come back (default 365d)",
                 [](const ConfigNode& node, const std::chrono::nanoseconds& got) {
                   if (got.count() <= 0) throw node.error("expected more than no time");
                 });
  return fields;
}

CostInput read_cost_input(const ConfigNode& node) {
  CostInput input = cost_fields().read(node);
  require(node, {"requests_per_day", "rented", "owned"});
  if (input.requests_per_day.value > kMostRequests) {
    throw node["requests_per_day"].error(fmt::format("expected at most {}", kMostRequests));
  }
  require(node["rented"], {"prompt_tokens", "output_tokens", "input_per_million", "output_per_million"});
  if (input.rented.cached_share.value > 0) require(node["rented"], {"cached_input_per_million"});
  if (!input.owned.per_million && !input.owned.per_hour) {
    throw node["owned"].error("expected per_million, or per_hour with tokens_per_second and utilisation",
                              "a specialist on your own machine is per_hour: what the machine costs in an hour");
  }
  check_hosting_or_none(node["owned"], input.owned);
  return input;
}

}  // namespace understudy
