#include "economics/traffic_cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "base/timestamp.h"
#include "base/units.h"
#include "economics/ledger.h"

namespace understudy {

namespace {

constexpr int64_t kDaysPerYear = 365;
constexpr double kDayMs = 86'400'000;

// The same work rented in three ways.
struct RentedForms {
  Money as_it_is, cached, optimised;
  RentedForms& operator+=(const RentedForms& other) {
    as_it_is += other.as_it_is;
    cached += other.cached;
    optimised += other.optimised;
    return *this;
  }
};

int64_t tokens_of(const Usage& usage) {
  return usage.prompt_tokens() + usage.completion_tokens();
}

bool answered(const ExchangeAttempt& attempt) {
  return attempt.error.empty() && tokens_of(attempt.usage) > 0;
}

int64_t scaled(int64_t count, double factor) {
  return std::llround(static_cast<double>(count) * factor);
}

double ratio(int64_t part, int64_t whole, double otherwise) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : otherwise;
}

// What the usage costs with the cache used so, or as it is where that is cheaper.
Money with_cache(const Usage& usage, CacheUse cache, const TokenPrices& band, Money as_it_is) {
  Usage better = usage;
  const int64_t prompt = usage.prompt_tokens();
  better.cached_input = std::min(prompt, std::max(usage.cached_input, cache.reads));
  better.cache_write = band.cache_write ? std::min(prompt - better.cached_input, cache.writes) : 0;
  better.cache_write_1h = 0;
  better.input = prompt - better.cached_input - better.cache_write;
  return std::min(as_it_is, cost_of(better, band).value_or(as_it_is));
}

RentedForms forms_of(const Usage& usage, CacheUse cache, const TokenPrices& band, double batch, Money as_it_is) {
  const Money cached = with_cache(usage, cache, band, as_it_is);
  return {as_it_is, cached, cached.scaled(batch)};
}

// What a batch call pays of the price; a stream waits for nobody.
double batch_share(const PriceRow& row, const Exchange& exchange) {
  return exchange.stream ? 1 : row.batch.value_or(1);
}

bool is_shadow(const ExchangeAttempt& attempt) {
  return attempt.purpose == ExchangeAttempt::Purpose::kShadow;
}

std::string percent(std::optional<double> share) {
  return share ? fmt::format("{:.3g}%", *share * 100) : "none";
}

}  // namespace

struct TrafficCost::Task {
  // Exchanges that a specialist answered, of one price: what the teacher would have been paid with.
  struct Replaced {
    int64_t requests = 0;
    int64_t prompt_tokens = 0;
    int64_t answer_tokens = 0;
    CacheUse cache;
  };
  using PriceKey = std::pair<const TokenPrices*, double>;  // band, and batch's share

  int64_t requests = 0;  // answered
  int64_t by_specialist = 0;
  int64_t escalated = 0;
  int64_t tokens = 0;  // of the answers
  int64_t tokens_by_specialist = 0;
  int64_t prompt_tokens = 0;
  int64_t static_tokens = 0;
  int64_t cacheable_tokens = 0;
  int64_t own_tokens = 0;  // of every attempt of a specialist
  RentedForms teacher;     // of what a teacher was asked
  Money own;               // of what specialists were asked, by the price book
  Money shadows;           // of teachers that only looked on
  int64_t unknown_priced = 0;
  int64_t unknown_counterfactual = 0;
  std::map<PriceKey, Replaced> replaced;
  Usage teacher_usage;  // of the teacher's answers
  int64_t teacher_answers = 0;
  int64_t pairs = 0;
  Usage pair_teacher, pair_specialist;

  Usage expected(const Replaced& group) const;
};

// The teacher's usage for a group of exchanges that a specialist answered; the header has the rule.
Usage TrafficCost::Task::expected(const Replaced& group) const {
  int64_t prompt = group.prompt_tokens;
  int64_t answer = group.answer_tokens;
  if (pairs > 0) {
    prompt = scaled(prompt, ratio(pair_teacher.prompt_tokens(), pair_specialist.prompt_tokens(), 1));
    answer = scaled(answer, ratio(pair_teacher.completion_tokens(), pair_specialist.completion_tokens(), 1));
  } else if (teacher_answers > 0) {
    prompt = scaled(group.requests, ratio(teacher_usage.prompt_tokens(), teacher_answers, 0));
    answer = scaled(group.requests, ratio(teacher_usage.completion_tokens(), teacher_answers, 0));
  }
  const auto of_prompt = [&](int64_t part) { return scaled(prompt, ratio(part, teacher_usage.prompt_tokens(), 0)); };
  Usage usage;
  usage.cached_input = of_prompt(teacher_usage.cached_input);
  usage.cache_write = of_prompt(teacher_usage.cache_write);
  usage.cache_write_1h = of_prompt(teacher_usage.cache_write_1h);
  usage.input = std::max<int64_t>(0, prompt - usage.prompt_tokens());
  usage.reasoning = scaled(answer, ratio(teacher_usage.reasoning, teacher_usage.completion_tokens(), 0));
  usage.output = answer - usage.reasoning;
  return usage;
}

TrafficCost::TrafficCost(const PriceBook& book, TrafficQuestion question)
    : book_(book), question_(std::move(question)) {}
TrafficCost::~TrafficCost() = default;

void TrafficCost::add(const LedgerEntry& entry) {
  entries_ += entry.amount;
}

void TrafficCost::add_pair(const Exchange& exchange, Task& task) {
  if (exchange.protocol == ProtocolName::kOpenAiEmbeddings) return;  // no answer of the kind that a specialist gives
  const ExchangeAttempt* teacher = nullptr;
  const ExchangeAttempt* specialist = nullptr;
  for (const ExchangeAttempt& attempt : exchange.attempts) {
    if (!answered(attempt)) continue;
    (question_.parties.side_of(exchange, attempt) == Side::kTeacher ? teacher : specialist) = &attempt;
  }
  if (teacher != nullptr) {
    understudy::add(task.teacher_usage, teacher->usage);
    ++task.teacher_answers;
  }
  if (teacher == nullptr || specialist == nullptr) return;
  ++task.pairs;
  understudy::add(task.pair_teacher, teacher->usage);
  understudy::add(task.pair_specialist, specialist->usage);
}

CacheUse TrafficCost::note_prompt(const Exchange& exchange, const PromptShape& shape, Task& task) {
  CacheUse cache;
  if (const ExchangeAttempt* answering = answering_attempt(exchange)) {
    const int64_t prompt = answering->usage.prompt_tokens();
    const int64_t static_tokens = shape.static_tokens(prompt);
    const auto seen = last_seen_ms_.find(exchange.fingerprint);
    const bool is_warm = seen != last_seen_ms_.end() && exchange.at_ms - seen->second <= kCacheLifeMs;
    if (static_tokens >= kCacheableTokens) (is_warm ? cache.reads : cache.writes) = static_tokens;
    task.prompt_tokens += prompt;
    task.static_tokens += static_tokens;
    task.cacheable_tokens += cache.reads;
  }
  if (!exchange.fingerprint.empty()) last_seen_ms_[exchange.fingerprint] = exchange.at_ms;
  return cache;
}

void TrafficCost::add_paid(const Exchange& exchange, const ExchangeAttempt& attempt, CacheUse cache, Task& task) {
  const Side side = question_.parties.side_of(exchange, attempt);
  if (side == Side::kSpecialist) task.own_tokens += tokens_of(attempt.usage);
  if (!attempt.cost) {
    ++task.unknown_priced;
  } else if (side == Side::kSpecialist) {
    task.own += *attempt.cost;
  } else if (is_shadow(attempt)) {
    task.shadows += *attempt.cost;
  } else {
    const PriceRow* row = book_.row(question_.parties.vendor_of(attempt.provider), attempt.model, attempt.at_ms);
    const bool can_be_better = &attempt == answering_attempt(exchange) && row != nullptr;
    task.teacher += can_be_better ? forms_of(attempt.usage, cache, row->band_for(attempt.usage.prompt_tokens()),
                                             batch_share(*row, exchange), *attempt.cost)
                                  : RentedForms{*attempt.cost, *attempt.cost, *attempt.cost};
  }
}

void TrafficCost::add_replaced(const Exchange& exchange, const Usage& usage, CacheUse cache, Task& task) {
  const auto teacher = question_.teachers.find(exchange.task);
  const PriceRow* row = teacher == question_.teachers.end()
                            ? nullptr
                            : book_.row(teacher->second.vendor, teacher->second.model, exchange.at_ms);
  if (row == nullptr || row->currency != "USD") {
    ++task.unknown_counterfactual;
    return;
  }
  Task::Replaced& group = task.replaced[{&row->band_for(usage.prompt_tokens()), batch_share(*row, exchange)}];
  ++group.requests;
  group.prompt_tokens += usage.prompt_tokens();
  group.answer_tokens += usage.completion_tokens();
  group.cache.reads += cache.reads;
  group.cache.writes += cache.writes;
}

void TrafficCost::add(const Exchange& exchange, const PromptShape& shape) {
  if (first_ms_ == 0) first_ms_ = exchange.at_ms;
  last_ms_ = std::max(last_ms_, exchange.at_ms);
  Task& task = tasks_[exchange.task];
  const CacheUse cache = note_prompt(exchange, shape, task);
  for (const ExchangeAttempt& attempt : exchange.attempts) add_paid(exchange, attempt, cache, task);
  add_pair(exchange, task);
  const ExchangeAttempt* answering = answering_attempt(exchange);
  if (answering == nullptr) return;
  ++task.requests;
  task.tokens += tokens_of(answering->usage);
  if (question_.parties.side_of(exchange, *answering) == Side::kSpecialist) {
    ++task.by_specialist;
    task.tokens_by_specialist += tokens_of(answering->usage);
    add_replaced(exchange, answering->usage, cache, task);
  } else if (exchange.route.decision == "escalated") {
    ++task.escalated;
  }
}

namespace {

// Money a day of one way of hosting; nothing where none is given.
std::optional<Money> hosting_per_day(const OwnedCost& hosting, double tokens_per_day,
                                     std::optional<int64_t>& machines) {
  if (hosting.per_million) return hosting.per_million->scaled(tokens_per_day / 1e6);
  if (!hosting.per_hour || tokens_per_day == 0) return std::nullopt;
  const double capacity = *hosting.tokens_per_second * 86'400 * hosting.utilisation->value;
  machines = std::max<int64_t>(1, std::llround(std::ceil(tokens_per_day / capacity)));
  return *hosting.per_hour * (24 * *machines);
}

std::string span_text(double days) {
  return format_duration(std::chrono::nanoseconds(std::llround(days * kDayMs * 1e6)));
}

std::string answer_sentence(const TrafficCostResult& result) {
  const std::string sums = fmt::format("renting as it is costs {} a year, renting with caching and batch {}, owning {}",
                                       result.rented_per_year.display(), result.optimised_per_year.display(),
                                       result.owned_per_year.display());
  if (result.requests == 0) return "there is no traffic to do the sum on.";
  if (result.specialist.requests.value_or(0) == 0) return fmt::format("no specialist answers yet: {}.", sums);
  if (result.own_wins) {
    return fmt::format("owning wins: {}; {} of one-time costs come back in {:.1f} days.", sums,
                       result.one_time.display(), *result.payback_days);
  }
  if (result.payback_days) {
    return fmt::format(
        "renting wins within the horizon: {}; {} of one-time costs take {:.1f} days to come back, longer "
        "than {:.0f} days.",
        sums, result.one_time.display(), *result.payback_days, result.horizon_days);
  }
  return fmt::format("renting wins: {}.", sums);
}

std::vector<std::string> reasons_for(const TrafficCostResult& result, const OwnedCost& hosting) {
  std::vector<std::string> reasons = {answer_sentence(result)};
  if (result.requests == 0) return reasons;
  reasons.push_back(
      fmt::format("Specialists answered {} of the requests, {} of the tokens and {} of what all of it "
                  "would have cost rented; {} requests were escalated and paid at the teacher's price.",
                  percent(result.specialist.requests), percent(result.specialist.tokens),
                  percent(result.specialist.spend), format_whole(result.escalated)));
  if (result.days < 1) {
    reasons.push_back(fmt::format("The traffic spans {}: a day and a year are that stretched, as if it always ran so.",
                                  span_text(result.days)));
  }
  if (result.counterfactual_requests > 0 && result.pairs == 0) {
    reasons.push_back(
        "No exchange was answered by both: what the teacher would have written is its mean, or the "
        "specialist's own length. A shadow or a sentinel share measures it.");
  }
  if (result.cached_per_year > result.owned_per_year && result.optimised_per_year < result.owned_per_year) {
    reasons.push_back("Renting is cheaper only as batch, whose answers may take a day.");
  }
  if (result.specialist.requests.value_or(0) > 0 && !hosting.per_million && !hosting.per_hour) {
    reasons.push_back(
        "What the own machine costs is not in the sum: give owned.per_hour with tokens_per_second and "
        "utilisation, or owned.per_million.");
  }
  if (result.unknown_priced > 0) {
    reasons.push_back(
        fmt::format("{} attempts have no known price and are in no figure; the price book lacks their rows.",
                    format_whole(result.unknown_priced)));
  }
  if (result.unknown_counterfactual > 0) {
    reasons.push_back(
        fmt::format("For {} of the specialists' exchanges the teacher or its price is unknown: they are "
                    "missing in what renting costs.",
                    format_whole(result.unknown_counterfactual)));
  }
  return reasons;
}

void stretch(TrafficCostResult& result, Money owned_per_day) {
  const auto per_day = [&](Money total) { return total.scaled(1 / result.days); };
  result.rented_per_day = per_day(result.rented);
  result.cached_per_day = per_day(result.cached);
  result.optimised_per_day = per_day(result.optimised);
  result.owned_per_day = owned_per_day;
  result.owned = owned_per_day.scaled(result.days);
  result.rented_per_year = result.rented_per_day * kDaysPerYear;
  result.cached_per_year = result.cached_per_day * kDaysPerYear;
  result.optimised_per_year = result.optimised_per_day * kDaysPerYear;
  result.owned_per_year = result.owned_per_day * kDaysPerYear + result.running_per_year;
  result.savings_per_year = result.optimised_per_year - result.owned_per_year;
}

void decide(TrafficCostResult& result) {
  const auto saved = static_cast<double>(result.savings_per_year.nano());
  if (result.optimised_per_year > Money())
    result.savings_share = saved / static_cast<double>(result.optimised_per_year.nano());
  if (saved > 0) result.payback_days = static_cast<double>(result.one_time.nano()) * kDaysPerYear / saved;
  result.own_wins =
      result.specialist.requests.value_or(0) > 0 && result.payback_days && *result.payback_days <= result.horizon_days;
}

}  // namespace

// The sums of the tasks, as result() adds them up.
struct TrafficCost::Sums {
  RentedForms rented, replaced;
  Money rented_of_all, replaced_of_all;
  Money own, shadows;
  int64_t tokens = 0, tokens_by_specialist = 0, by_specialist = 0, own_tokens = 0;
  int64_t prompt_tokens = 0, static_tokens = 0, cacheable_tokens = 0;

  void add_in_scope(const Task& task, const RentedForms& replaced_here) {
    rented += task.teacher;
    rented += replaced_here;
    replaced += replaced_here;
    own += task.own;
    shadows += task.shadows;
    own_tokens += task.own_tokens;
    prompt_tokens += task.prompt_tokens;
    static_tokens += task.static_tokens;
    cacheable_tokens += task.cacheable_tokens;
  }
};

namespace {

// What the teacher would have been paid for what the task's specialist answered. Groups whose tokens have no price in
// the teacher's row are counted as unknown.
template <class Task>
RentedForms replaced_by(const Task& task, int64_t& known, int64_t& unknown) {
  RentedForms forms;
  for (const auto& [price, group] : task.replaced) {
    const auto& [band, batch] = price;
    const Usage usage = task.expected(group);
    const std::optional<Money> cost = cost_of(usage, *band);
    (cost ? known : unknown) += group.requests;
    if (!cost) continue;
    const double factor = ratio(usage.prompt_tokens(), group.prompt_tokens, 1);
    forms +=
        forms_of(usage, {scaled(group.cache.reads, factor), scaled(group.cache.writes, factor)}, *band, batch, *cost);
  }
  return forms;
}

}  // namespace

TrafficCost::Sums TrafficCost::sums(TrafficCostResult& result) const {
  const bool has_specialist =
      std::any_of(tasks_.begin(), tasks_.end(), [](const auto& entry) { return entry.second.by_specialist > 0; });
  Sums sums;
  for (const auto& [name, task] : tasks_) {
    const RentedForms replaced = replaced_by(task, result.counterfactual_requests, result.unknown_counterfactual);
    result.unknown_counterfactual += task.unknown_counterfactual;
    result.requests += task.requests;
    result.escalated += task.escalated;
    sums.tokens += task.tokens;
    sums.by_specialist += task.by_specialist;
    sums.tokens_by_specialist += task.tokens_by_specialist;
    sums.rented_of_all += task.teacher.as_it_is + replaced.as_it_is;
    sums.replaced_of_all += replaced.as_it_is;
    if (has_specialist && task.by_specialist == 0) continue;
    result.tasks.push_back(name);
    result.pairs += task.pairs;
    result.unknown_priced += task.unknown_priced;
    sums.add_in_scope(task, replaced);
  }
  return sums;
}

TrafficCostResult TrafficCost::result() const {
  TrafficCostResult result{.first_ms = first_ms_, .last_ms = last_ms_};
  const Sums sum = sums(result);
  if (result.requests > 0) {
    result.specialist.requests = ratio(sum.by_specialist, result.requests, 0);
    result.specialist.tokens = ratio(sum.tokens_by_specialist, sum.tokens, 0);
  }
  if (sum.rented_of_all > Money())
    result.specialist.spend = ratio(sum.replaced_of_all.nano(), sum.rented_of_all.nano(), 0);
  result.counterfactual = sum.replaced.as_it_is;
  result.rented = sum.rented.as_it_is;
  result.cached = sum.rented.cached;
  result.optimised = sum.rented.optimised;
  result.static_share = ratio(sum.static_tokens, sum.prompt_tokens, 0);
  result.cacheable_share = ratio(sum.cacheable_tokens, sum.prompt_tokens, 0);
  result.one_time = question_.one_time.total() + entries_;
  result.running_per_year = question_.running.per_year();
  result.horizon_days = std::chrono::duration<double, std::ratio<86400>>(question_.horizon).count();

  // One exchange alone spans nothing: it is taken for a second's traffic.
  result.days = std::max(static_cast<double>(last_ms_ - first_ms_), 1000.0) / kDayMs;
  const Money teacher_paid = sum.rented.as_it_is - sum.replaced.as_it_is + sum.shadows;
  const std::optional<Money> hosting =
      hosting_per_day(question_.hosting, static_cast<double>(sum.own_tokens) / result.days, result.machines);
  stretch(result,
          hosting ? teacher_paid.scaled(1 / result.days) + *hosting : (teacher_paid + sum.own).scaled(1 / result.days));
  decide(result);
  result.reasons = reasons_for(result, question_.hosting);
  return result;
}

Json to_json(const TrafficCostResult& result) {
  const auto figure = [](const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); };
  const auto instant = [&](int64_t ms) { return ms == 0 ? Json(nullptr) : Json(format_utc(ms)); };
  const auto money = [](Money total, Money day, Money year) {
    return Json{{"total", total.decimal()}, {"per_day", day.decimal()}, {"per_year", year.decimal()}};
  };
  return Json{
      {"from", instant(result.first_ms)},
      {"to", instant(result.last_ms)},
      {"days", result.days},
      {"requests", result.requests},
      {"specialist_share",
       {{"requests", figure(result.specialist.requests)},
        {"tokens", figure(result.specialist.tokens)},
        {"spend", figure(result.specialist.spend)}}},
      {"escalated", result.escalated},
      {"tasks", result.tasks},
      {"rented", money(result.rented, result.rented_per_day, result.rented_per_year)},
      {"rented_cached", money(result.cached, result.cached_per_day, result.cached_per_year)},
      {"rented_optimised", money(result.optimised, result.optimised_per_day, result.optimised_per_year)},
      {"owned", money(result.owned, result.owned_per_day, result.owned_per_year)},
      {"counterfactual", result.counterfactual.decimal()},
      {"counterfactual_requests", result.counterfactual_requests},
      {"pairs", result.pairs},
      {"unknown_priced", result.unknown_priced},
      {"unknown_counterfactual", result.unknown_counterfactual},
      {"static_prompt_share", result.static_share},
      {"cacheable_share", result.cacheable_share},
      {"machines", result.machines ? Json(*result.machines) : Json(nullptr)},
      {"running_per_year", result.running_per_year.decimal()},
      {"one_time", result.one_time.decimal()},
      {"savings_per_year", result.savings_per_year.decimal()},
      {"savings_share", figure(result.savings_share)},
      {"payback_days", figure(result.payback_days)},
      {"horizon_days", result.horizon_days},
      {"advice",
       {{"move", result.own_wins}, {"winner", result.own_wins ? "own" : "rent"}, {"reasons", result.reasons}}},
  };
}

}  // namespace understudy
