#include "economics/budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/mutex.h"
#include "base/units.h"

namespace understudy {

namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kDayMs = 24 * kHourMs;
constexpr std::array kWarnAt = {50, 80, 100};
// From here on a refusal counts as the last threshold: what is left fits no request. Below it the request was too
// large.
constexpr int kNearlyUsedUp = 80;
constexpr int64_t kMostTokens = 1'000'000'000;  // of one answer: what a client may state without a number overflowing
constexpr int kMostAnswers = 1000;
constexpr std::array kPeriods = {BudgetPeriod::kHour, BudgetPeriod::kDay, BudgetPeriod::kMonth};
// When money is only held for calls under way: they end within seconds.
constexpr std::chrono::milliseconds kUnderWay{1000};

std::string_view word_of(BudgetPeriod period) {
  return period == BudgetPeriod::kHour ? "hour" : period == BudgetPeriod::kDay ? "day" : "month";
}

int64_t floor_to(int64_t value, int64_t step) {
  return value - ((value % step) + step) % step;
}

std::chrono::year_month month_of(int64_t at_ms) {
  const std::chrono::sys_days day{std::chrono::days(floor_to(at_ms, kDayMs) / kDayMs)};
  const std::chrono::year_month_day date(day);
  return date.year() / date.month();
}

int64_t begin_of(std::chrono::year_month month) {
  return std::chrono::sys_days(month / 1).time_since_epoch().count() * kDayMs;
}

// What one key spent in one kind of period; all three are kept, so that a reload may change which one counts.
struct Tally {
  int64_t begin_ms = 0;
  Money spent;
  Money reserved;
  std::array<bool, kWarnAt.size()> told{};
};

// The dearest of the prices given; nothing where there is none.
std::optional<TokenPrice> dearest(std::initializer_list<std::optional<TokenPrice>> prices) {
  std::optional<TokenPrice> most;
  for (const std::optional<TokenPrice>& price : prices) {
    if (price && (!most || *price > *most)) most = price;
  }
  return most;
}

std::optional<Money> worst_cost(const TokenPrices& band, int64_t prompt_tokens, int64_t output_tokens) {
  const std::optional<TokenPrice> in = dearest({band.input, band.cached_input, band.cache_write, band.cache_write_1h});
  const std::optional<TokenPrice> out = dearest({band.output, band.reasoning});
  if (!in) return std::nullopt;
  // A row without a price of output is one of embeddings, whose answers have no tokens.
  return in->of(prompt_tokens) + (out ? out->of(output_tokens) : Money());
}

}  // namespace

void read_value(const ConfigNode& node, Budget& value) {
  const std::string text = node.as_text();
  const size_t slash = text.find('/');
  const auto period = std::find_if(kPeriods.begin(), kPeriods.end(), [&](BudgetPeriod known) {
    return slash != std::string::npos && text.substr(slash + 1) == word_of(known);
  });
  if (period == kPeriods.end())
    throw node.error(fmt::format("expected a budget such as 50 USD/day, /hour or /month, got \"{}\"", text));
  try {
    value = {Money::parse(text.substr(0, slash)), *period};
  } catch (const Error& error) {
    throw node.error(error.message(), "write 50 USD/day");
  }
  if (value.amount < Money()) throw node.error(fmt::format("expected 0 or more, got {}", value.amount.decimal()));
}

std::string to_string(const Budget& budget) {
  return fmt::format("{} {} {}", budget.amount.display(), budget.period == BudgetPeriod::kHour ? "an" : "a",
                     word_of(budget.period));
}

int64_t period_begin_ms(BudgetPeriod period, int64_t at_ms) {
  if (period == BudgetPeriod::kMonth) return begin_of(month_of(at_ms));
  return floor_to(at_ms, period == BudgetPeriod::kHour ? kHourMs : kDayMs);
}

int64_t period_end_ms(BudgetPeriod period, int64_t at_ms) {
  if (period == BudgetPeriod::kMonth) return begin_of(month_of(at_ms) + std::chrono::months(1));
  return period_begin_ms(period, at_ms) + (period == BudgetPeriod::kHour ? kHourMs : kDayMs);
}

WorstCase worst_case(const PriceRow* row, const CallSize& size) {
  const int64_t output_tokens = std::clamp<int64_t>(size.max_tokens.value_or(kUnstatedOutput), 0, kMostTokens) *
                                std::clamp(size.n, 1, kMostAnswers);
  WorstCase most{.cost = {}, .tokens = size.prompt_tokens + output_tokens, .is_stated = size.max_tokens.has_value()};
  if (row == nullptr || row->currency != "USD") return most;
  int64_t band_begins = 0;
  for (const TokenPrices& band : row->bands) {
    if (size.prompt_tokens < band_begins) break;
    const std::optional<Money> cost = worst_cost(band, size.prompt_tokens, output_tokens);
    if (!cost) return {.cost = {}, .tokens = most.tokens, .is_stated = most.is_stated};
    most.cost = most.cost ? std::max(*most.cost, *cost) : *cost;
    band_begins = band.up_to.value_or(0) + 1;
  }
  return most;
}

WorstCase dearer(const WorstCase& one, const WorstCase& other) {
  WorstCase most{
      .cost = {}, .tokens = std::max(one.tokens, other.tokens), .is_stated = one.is_stated && other.is_stated};
  if (one.cost && other.cost) most.cost = std::max(*one.cost, *other.cost);
  return most;
}

struct Budgets::State {
  struct Key {
    KeyLimits limits;
    std::array<Tally, kPeriods.size()> tallies;
    std::optional<RateWindow> requests;
    std::optional<RateWindow> tokens;
    int64_t under_way = 0;
    Money dearest_seen;  // of one request, since the start
    int64_t most_tokens_seen = 0;

    void set(const KeyLimits& fresh) {
      limits = fresh;
      const auto follow = [](std::optional<RateWindow>& window, const std::optional<RateLimit>& limit) {
        if (!limit) return window.reset();
        if (window) return window->set_limit(*limit);
        window.emplace(*limit);
      };
      follow(requests, fresh.requests);
      follow(tokens, fresh.tokens);
    }

    void begin_periods(int64_t at_ms) {
      for (size_t i = 0; i < kPeriods.size(); ++i) {
        const int64_t begin = period_begin_ms(kPeriods[i], at_ms);
        if (begin > tallies[i].begin_ms) tallies[i] = {.begin_ms = begin};
      }
    }

    // The tallies whose present period holds that instant.
    template <class Change>
    void for_each_tally_of(int64_t at_ms, Change change) {
      for (size_t i = 0; i < kPeriods.size(); ++i) {
        if (period_begin_ms(kPeriods[i], at_ms) == tallies[i].begin_ms) change(tallies[i]);
      }
    }

    Tally& tally() { return tallies[static_cast<size_t>(limits.budget->period)]; }

    bool has_reached(int percent) {
      return static_cast<__int128>(tally().spent.nano()) * 100 >=
             static_cast<__int128>(limits.budget->amount.nano()) * percent;
    }

    // The thresholds that were reached and not told yet.
    std::vector<BudgetWarning> warnings(const std::string& name, bool is_refused = false) {
      std::vector<BudgetWarning> fresh;
      if (!limits.budget) return fresh;
      for (size_t i = 0; i < kWarnAt.size(); ++i) {
        const bool is_used_up = kWarnAt[i] == 100 && is_refused && has_reached(kNearlyUsedUp);
        if (tally().told[i] || !(has_reached(kWarnAt[i]) || is_used_up)) continue;
        tally().told[i] = true;
        fresh.push_back({name, kWarnAt[i], tally().spent, *limits.budget});
      }
      return fresh;
    }
  };

  mutable Mutex mutex;
  Clock clock;
  std::map<std::string, Key> keys GUARDED_BY(mutex);

  // What a request of that worst case has to hold back, and why it may not where it may not.
  struct Holding {
    Money money;
    int64_t tokens = 0;
    std::optional<BudgetRefusal> refusal;
  };
  void hold_money(const std::string& name, Key& key, const WorstCase& most, int64_t at_ms, Holding& holding)
      REQUIRES(mutex);
  void hold_tokens(const std::string& name, Key& key, const WorstCase& most, int64_t at_ms, Holding& holding)
      REQUIRES(mutex);
  Holding hold(const std::string& name, Key& key, const WorstCase& most, int64_t at_ms) REQUIRES(mutex);
  std::vector<BudgetWarning> finish(Reservation& reservation, std::optional<Money> cost, std::optional<int64_t> tokens)
      EXCLUDES(mutex);
  void cancel(Reservation& reservation) EXCLUDES(mutex);
  bool extend(Reservation& reservation, const WorstCase& more) EXCLUDES(mutex);
};

namespace {

std::string instant(int64_t ms) {
  return format_utc(ms).substr(0, 16) + "Z";
}

BudgetRefusal unknown_price(const std::string& name) {
  return {
      .kind = BudgetRefusal::Kind::kUnknownPrice,
      .message = fmt::format(
          "the key {} has a budget, and what this model costs is not in the price book: it cannot be counted", name)};
}

BudgetRefusal used_up(const std::string& name, const Budget& budget, Money spent, int64_t at_ms) {
  return {
      .kind = BudgetRefusal::Kind::kUsedUp,
      .message = fmt::format("the key {} has used {} of its budget of {}, and this request may cost more than is "
                             "left; the next period begins at {}",
                             name, spent.display(), to_string(budget), instant(period_end_ms(budget.period, at_ms)))};
}

BudgetRefusal held_by_others(const std::string& name) {
  return {.kind = BudgetRefusal::Kind::kRate,
          .message = fmt::format("what is left of the key {}'s limits is held back for its requests under way", name),
          .retry_after = kUnderWay};
}

BudgetRefusal too_fast(const std::string& name, std::string_view what, const RateLimit& limit,
                       std::chrono::milliseconds wait) {
  return {.kind = BudgetRefusal::Kind::kRate,
          .message = fmt::format("the key {} may use {} {} in {} s", name, limit.count, what, limit.per.count() / 1000),
          .retry_after = wait};
}

}  // namespace

// A request whose client stated no limit is reserved a guess. Where the guess does not fit, but nothing else is under
// way and what is left is as much as any request of this key has cost, it gets all that is left: a small budget would
// else never be used.
void Budgets::State::hold_money(const std::string& name, Key& key, const WorstCase& most, int64_t at_ms,
                                Holding& holding) {
  if (!key.limits.budget) return;
  if (!most.cost) {
    holding.refusal = unknown_price(name);
    return;
  }
  const Tally& tally = key.tally();
  const Money amount = key.limits.budget->amount;
  holding.money = *most.cost;
  if (tally.spent + tally.reserved + *most.cost <= amount) return;
  const Money left = amount - tally.spent;
  const bool fits_alone = *most.cost <= left || (!most.is_stated && left > Money() && left >= key.dearest_seen);
  if (!fits_alone) {
    holding.refusal = used_up(name, *key.limits.budget, tally.spent, at_ms);
    holding.refusal->warnings = key.warnings(name, true);
  } else if (key.under_way > 0) {
    holding.refusal = held_by_others(name);
  } else {
    holding.money = left;
  }
}

void Budgets::State::hold_tokens(const std::string& name, Key& key, const WorstCase& most, int64_t at_ms,
                                 Holding& holding) {
  holding.tokens = most.tokens;
  if (!key.tokens || holding.refusal) return;
  const auto wait = key.tokens->wait_for(most.tokens, at_ms);
  if (!wait) return;
  const int64_t room = key.tokens->room(at_ms);
  if (!most.is_stated && key.under_way == 0 && room > 0 && room >= key.most_tokens_seen) {
    holding.tokens = room;
    return;
  }
  holding.refusal = too_fast(name, "tokens", key.tokens->limit(), *wait);
}

Budgets::State::Holding Budgets::State::hold(const std::string& name, Key& key, const WorstCase& most, int64_t at_ms) {
  Holding holding;
  hold_money(name, key, most, at_ms, holding);
  hold_tokens(name, key, most, at_ms, holding);
  return holding;
}

std::vector<BudgetWarning> Budgets::State::finish(Reservation& reservation, std::optional<Money> cost,
                                                  std::optional<int64_t> tokens) {
  const MutexLock lock(mutex);
  Key& key = keys.at(reservation.key_);
  key.begin_periods(clock());
  const Money paid = cost.value_or(reservation.held_);
  key.for_each_tally_of(reservation.at_ms_, [&](Tally& tally) {
    tally.reserved = tally.reserved - reservation.held_;
    tally.spent += paid;
  });
  if (key.tokens)
    key.tokens->correct(reservation.token_slice_, tokens.value_or(reservation.held_tokens_) - reservation.held_tokens_);
  key.dearest_seen = std::max(key.dearest_seen, cost.value_or(Money()));
  key.most_tokens_seen = std::max(key.most_tokens_seen, tokens.value_or(0));
  --key.under_way;
  return key.warnings(reservation.key_);
}

void Budgets::State::cancel(Reservation& reservation) {
  const MutexLock lock(mutex);
  Key& key = keys.at(reservation.key_);
  key.for_each_tally_of(reservation.at_ms_, [&](Tally& tally) { tally.reserved = tally.reserved - reservation.held_; });
  if (key.requests) key.requests->correct(reservation.request_slice_, -1);
  if (key.tokens) key.tokens->correct(reservation.token_slice_, -reservation.held_tokens_);
  --key.under_way;
}

bool Budgets::State::extend(Reservation& reservation, const WorstCase& more) {
  const MutexLock lock(mutex);
  Key& key = keys.at(reservation.key_);
  const int64_t now = clock();
  key.begin_periods(now);
  const Holding holding = hold(reservation.key_, key, more, now);
  if (holding.refusal) return false;
  key.for_each_tally_of(reservation.at_ms_, [&](Tally& tally) { tally.reserved += holding.money; });
  if (key.tokens) key.tokens->correct(reservation.token_slice_, holding.tokens);
  reservation.held_ += holding.money;
  reservation.held_tokens_ += holding.tokens;
  return true;
}

Budgets::Budgets(const Limits& limits, Clock clock) : state_(std::make_unique<State>()) {
  state_->clock = std::move(clock);
  set_limits(limits);
}

Budgets::~Budgets() = default;

void Budgets::set_limits(const Limits& limits) {
  const MutexLock lock(state_->mutex);
  // A key that is gone stays, without limits: reservations of its requests under way are settled there.
  for (auto& [name, key] : state_->keys) {
    if (!limits.contains(name)) key.set({});
  }
  for (const auto& [name, fresh] : limits) state_->keys[name].set(fresh);
}

int64_t Budgets::restore_from_ms() const {
  const MutexLock lock(state_->mutex);
  const int64_t now = state_->clock();
  int64_t from = now;
  for (const auto& [name, key] : state_->keys) {
    if (key.limits.budget) from = std::min(from, period_begin_ms(key.limits.budget->period, now));
  }
  return from;
}

void Budgets::restore(const Exchange& exchange) {
  const MutexLock lock(state_->mutex);
  const auto found = state_->keys.find(exchange.key);
  if (found == state_->keys.end()) return;
  State::Key& key = found->second;
  key.begin_periods(state_->clock());
  Money known;
  for (const ExchangeAttempt& attempt : exchange.attempts) known += attempt.cost.value_or(Money());
  key.for_each_tally_of(exchange.at_ms, [&](Tally& tally) { tally.spent += known; });
  key.warnings(found->first);  // what was told before the stop is not told again
}

Budgets::Outcome Budgets::reserve(const std::string& name, const WorstCase& most) {
  const MutexLock lock(state_->mutex);
  const auto found = state_->keys.find(name);
  if (found == state_->keys.end()) return Reservation();
  State::Key& key = found->second;
  const int64_t now = state_->clock();
  key.begin_periods(now);
  if (key.requests) {
    if (const auto wait = key.requests->wait_for(1, now))
      return too_fast(name, "requests", key.requests->limit(), *wait);
  }
  State::Holding holding = state_->hold(name, key, most, now);
  if (holding.refusal) return std::move(*holding.refusal);

  Reservation reservation;
  reservation.budgets_ = this;
  reservation.key_ = name;
  reservation.at_ms_ = now;
  reservation.held_ = holding.money;
  reservation.held_tokens_ = holding.tokens;
  key.for_each_tally_of(now, [&](Tally& tally) { tally.reserved += holding.money; });
  if (key.requests) reservation.request_slice_ = key.requests->take(1, now);
  if (key.tokens) reservation.token_slice_ = key.tokens->take(holding.tokens, now);
  ++key.under_way;
  return reservation;
}

std::optional<Budgets::Standing> Budgets::standing(const std::string& name) const {
  const MutexLock lock(state_->mutex);
  const auto found = state_->keys.find(name);
  if (found == state_->keys.end() || !found->second.limits.budget) return std::nullopt;
  found->second.begin_periods(state_->clock());
  const Tally& tally = found->second.tally();
  return Standing{tally.spent, tally.reserved};
}

Reservation::Reservation(Reservation&& other) noexcept {
  *this = std::move(other);
}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this == &other) return *this;
  book_whole();
  budgets_ = std::exchange(other.budgets_, nullptr);
  key_ = std::move(other.key_);
  at_ms_ = other.at_ms_;
  held_ = other.held_;
  held_tokens_ = other.held_tokens_;
  request_slice_ = other.request_slice_;
  token_slice_ = other.token_slice_;
  return *this;
}

Reservation::~Reservation() {
  book_whole();
}

void Reservation::book_whole() {
  if (Budgets* budgets = std::exchange(budgets_, nullptr)) budgets->state_->finish(*this, std::nullopt, std::nullopt);
}

bool Reservation::extend(const WorstCase& more) {
  return budgets_ == nullptr || budgets_->state_->extend(*this, more);
}

std::vector<BudgetWarning> Reservation::settle(std::optional<Money> cost, int64_t tokens) {
  if (Budgets* budgets = std::exchange(budgets_, nullptr)) return budgets->state_->finish(*this, cost, tokens);
  return {};
}

void Reservation::cancel() {
  if (Budgets* budgets = std::exchange(budgets_, nullptr)) budgets->state_->cancel(*this);
}

}  // namespace understudy
