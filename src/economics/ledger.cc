#include "economics/ledger.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "base/timestamp.h"

namespace understudy {

namespace {

bool has_tokens(const Usage& usage) {
  return usage.prompt_tokens() + usage.completion_tokens() > 0;
}

bool answered(const ExchangeAttempt& attempt) {
  return attempt.error.empty() && attempt.status >= 200 && attempt.status < 300;
}

void add_attempt(Spend& spend, const ExchangeAttempt& attempt) {
  ++spend.attempts;
  add(spend.tokens, attempt.usage);
  if (attempt.cost) {
    spend.cost += *attempt.cost;
    return;
  }
  ++spend.unknown;
  add(spend.unknown_tokens, attempt.usage);
}

void add_request(Spend& spend, const Exchange& exchange) {
  ++spend.requests;
  if (exchange.estimated) ++spend.estimated;
  if (exchange.partial) ++spend.partial;
  if (exchange.status < 200 || exchange.status >= 300) ++spend.failed;
}

void add_exchange(Spend& spend, const Exchange& exchange) {
  add_request(spend, exchange);
  for (const ExchangeAttempt& attempt : exchange.attempts) add_attempt(spend, attempt);
}

std::string day_of(int64_t at_ms) {
  return format_utc(at_ms).substr(0, 10);
}

Json to_json(const Usage& usage) {
  return Json{{"input", usage.input},
              {"cached_input", usage.cached_input},
              {"cache_write", usage.cache_write},
              {"cache_write_1h", usage.cache_write_1h},
              {"output", usage.output},
              {"reasoning", usage.reasoning}};
}

Json to_json(const Ledger::Sums& sums) {
  Json json = Json::object();
  for (const auto& [name, spend] : sums) json[name] = understudy::to_json(spend);
  return json;
}

Json figure(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

void reprice(ExchangeAttempt& attempt, const PriceBook& book, const std::string& vendor) {
  if (!has_tokens(attempt.usage)) {
    attempt.cost = Money();
    attempt.price_version.clear();
    return;
  }
  const std::optional<Price> price = book.price(vendor, attempt.model, attempt.at_ms, attempt.usage);
  if (!price && attempt.price_version == "owned") return;
  attempt.cost = price ? std::optional(price->cost) : std::nullopt;
  attempt.price_version = price ? price->version : "";
}

}  // namespace

void add(Usage& sum, const Usage& usage) {
  sum.input += usage.input;
  sum.cached_input += usage.cached_input;
  sum.cache_write += usage.cache_write;
  sum.cache_write_1h += usage.cache_write_1h;
  sum.output += usage.output;
  sum.reasoning += usage.reasoning;
  sum.estimated = sum.estimated || usage.estimated;
}

std::optional<double> quantile(std::vector<double> values, double share) {
  if (values.empty()) return std::nullopt;
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
  const size_t index = std::clamp<size_t>(rank, 1, values.size()) - 1;
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(index), values.end());
  return values[index];
}

void LatencySample::add(const ExchangeAttempt& attempt) {
  if (!answered(attempt)) return;
  if (attempt.first_token_ms) first_token_ms_.push_back(*attempt.first_token_ms);
  total_ms_.push_back(attempt.total_ms);
}

LatencyFigures LatencySample::figures() const {
  return {.n = std::ssize(total_ms_),
          .first_token_p50_ms = quantile(first_token_ms_, 0.5),
          .first_token_p95_ms = quantile(first_token_ms_, 0.95),
          .total_p50_ms = quantile(total_ms_, 0.5),
          .total_p95_ms = quantile(total_ms_, 0.95)};
}

void Ledger::add(const Exchange& exchange) {
  add_exchange(total_, exchange);
  add_exchange(by_task_[exchange.task], exchange);
  add_exchange(by_key_[exchange.key], exchange);
  add_exchange(by_day_[day_of(exchange.at_ms)], exchange);
  for (const auto& [name, value] : exchange.tags) add_exchange(by_tag_[name + "=" + value], exchange);
  std::set<std::string> models;
  for (const ExchangeAttempt& attempt : exchange.attempts) {
    const std::string model = attempt.provider + "/" + attempt.model;
    if (models.insert(model).second) add_request(by_model_[model], exchange);
    add_attempt(by_model_[model], attempt);
    const Side side = parties_.side_of(exchange, attempt);
    latency_[{exchange.task, side}].add(attempt);
    latency_of_all_[side].add(attempt);
  }
}

void Ledger::add(const LedgerEntry& entry) {
  total_.entries += entry.amount;
  by_task_[entry.task].entries += entry.amount;
  by_day_[day_of(entry.at_ms)].entries += entry.amount;
}

LatencyFigures Ledger::latency(Side side) const {
  const auto found = latency_of_all_.find(side);
  return found == latency_of_all_.end() ? LatencyFigures() : found->second.figures();
}

LatencyFigures Ledger::latency(const std::string& task, Side side) const {
  const auto found = latency_.find({task, side});
  return found == latency_.end() ? LatencyFigures() : found->second.figures();
}

Json to_json(const Spend& spend) {
  return Json{{"requests", spend.requests},      {"attempts", spend.attempts},
              {"tokens", to_json(spend.tokens)}, {"cost_usd", spend.cost.nine_decimals()},
              {"unknown_priced", spend.unknown}, {"unknown_priced_tokens", to_json(spend.unknown_tokens)},
              {"estimated", spend.estimated},    {"partial", spend.partial},
              {"failed", spend.failed},          {"entries_usd", spend.entries.nine_decimals()}};
}

Json to_json(const LatencyFigures& figures) {
  return Json{{"answers", figures.n},
              {"first_token_p50_ms", figure(figures.first_token_p50_ms)},
              {"first_token_p95_ms", figure(figures.first_token_p95_ms)},
              {"total_p50_ms", figure(figures.total_p50_ms)},
              {"total_p95_ms", figure(figures.total_p95_ms)}};
}

Json to_json(const Ledger& ledger) {
  return Json{{"total", to_json(ledger.total())},
              {"by_task", to_json(ledger.by_task())},
              {"by_model", to_json(ledger.by_model())},
              {"by_key", to_json(ledger.by_key())},
              {"by_tag", to_json(ledger.by_tag())},
              {"by_day", to_json(ledger.by_day())},
              {"latency",
               {{"teacher", to_json(ledger.latency(Side::kTeacher))},
                {"specialist", to_json(ledger.latency(Side::kSpecialist))}}}};
}

Exchange repriced(Exchange exchange, const PriceBook& book, const Parties& parties) {
  std::optional<Money> sum = Money();
  for (ExchangeAttempt& attempt : exchange.attempts) {
    reprice(attempt, book, parties.vendor_of(attempt.provider));
    sum = sum && attempt.cost ? std::optional(*sum + *attempt.cost) : std::nullopt;
  }
  exchange.cost = sum;
  return exchange;
}

}  // namespace understudy
