#include "gateway/routing/chain_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/channel.h"
#include "base/units.h"
#include "gateway/routing/router.h"
#include "gateway/routing/target_call.h"

namespace understudy {

namespace {

using Clock = std::chrono::steady_clock;
using Purpose = ExchangeAttempt::Purpose;

constexpr std::chrono::milliseconds kFirstWait{100};
constexpr std::chrono::milliseconds kLongestWait{2'000};

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// Whether a failure says that the same target may be asked again for the same request.
bool may_recover(ProviderFailure::Kind kind) {
  return kind != ProviderFailure::Kind::kKey && kind != ProviderFailure::Kind::kNoSuchModel;
}

bool ends_the_request(ProviderFailure::Kind kind) {
  return kind == ProviderFailure::Kind::kRefused || kind == ProviderFailure::Kind::kCancelled;
}

// One target asked for one exchange: the call, and its row.
struct Asked {
  std::shared_ptr<TargetCall> call;
  size_t target = 0;  // in the chain
  size_t row = 0;     // in Exchange::attempts
};

// Told to the coroutine that waits for a race: the hedge's time has come, or one of the two has begun or failed.
struct RaceNews {
  static constexpr int kHedgeIsDue = -1;
  int who = kHedgeIsDue;
  std::optional<ProviderFailure> failure;  // nothing: it has begun to answer
};

// Says the news of one contender. It holds everything that it uses: as a loser it may outlive its request.
Awaitable<void> contend(std::shared_ptr<TargetCall> call, std::shared_ptr<const WireRequest> request,
                        std::shared_ptr<Channel<RaceNews>> news, int who, Executor& executor) {
  co_await resume_on(executor);
  std::optional<ProviderFailure> failure = co_await call->begin(*request);
  news->push(RaceNews{who, std::move(failure)});
}

// The answer of the target that began. It keeps the exchange's figures up to date, to its end or to its destruction.
class ChainStream : public AnswerStream {
 public:
  struct Begun {
    std::shared_ptr<const Chain> chain;
    Asked asked;
    std::shared_ptr<const WireRequest> request;  // of a race: it must live as long as the call
    Executor* executor = nullptr;                // where a race's winner has to come back to; else null
    Clock::time_point exchange_began;
  };
  ChainStream(Begun begun, const ChainTools& tools, Exchange& record)
      : begun_(std::move(begun)), tools_(tools), record_(record) {
    show_who();
  }
  ~ChainStream() override {
    if (!settled_) settle("cancelled: the client left before the answer's end");
  }

  Awaitable<std::optional<AnswerPiece>> next() override {
    std::optional<AnswerPiece> piece = co_await begun_.asked.call->next();
    if (begun_.executor != nullptr) co_await resume_on(*begun_.executor);
    if (!piece) {
      if (!settled_) settle("");
    } else if (const FailureEvent* failure = failure_in(*piece)) {
      begun_.asked.call->target().health->failed(Clock::now(), failure_of(*failure));
      settle(error_text(failure_of(*failure)));
    } else {
      note(*piece);
    }
    co_return piece;
  }
  std::optional<ProtocolName> protocol() const override { return begun_.asked.call->protocol(); }
  int key() const override { return record_.attempts[begun_.asked.row].key; }
  int status() const override { return record_.attempts[begun_.asked.row].status; }
  std::vector<std::string> dropped() const override { return begun_.asked.call->dropped(); }
  TraceHeaders trace_headers() const override { return begun_.asked.call->trace_headers(); }

 private:
  ProviderFailure failure_of(const FailureEvent& event) const {
    const auto kind =
        begun_.asked.call->timed_out() ? ProviderFailure::Kind::kTimedOut : ProviderFailure::Kind::kBroken;
    return {kind, Error(event.code, event.message), std::nullopt};
  }
  void show_who() {
    const ChainTarget& target = begun_.asked.call->target();
    record_.provider = target.name;
    record_.provider_model = target.model;
    record_.terms = target.terms;
    record_.error.clear();
    record_.first_token_ms.reset();
  }
  // While it runs only what a reader of the unfinished exchange needs: the usage, where it was told.
  void note(const AnswerPiece& piece) {
    if (!record_.first_token_ms && std::any_of(piece.events.begin(), piece.events.end(), is_content)) {
      record_.first_token_ms = milliseconds_since(begun_.exchange_began);
    }
    for (const ChatEvent& event : piece.events) {
      const auto* usage = std::get_if<UsageEvent>(&event);
      if (usage == nullptr) continue;
      record_.usage = usage->usage;
      record_.attempts[begun_.asked.row].usage = usage->usage;
    }
  }
  void settle(std::string error) {
    settled_ = true;
    const Accounts accounts{begun_.chain->price, tools_.estimator};
    ExchangeAttempt& attempt = record_.attempts[begun_.asked.row];
    const bool failed = !error.empty();
    begun_.asked.call->snapshot().fill(attempt, begun_.asked.call->target(), accounts, std::move(error), true);
    record_.usage = attempt.usage;
    record_.error = attempt.error;
    record_.partial = failed;
    record_.total_ms = milliseconds_since(begun_.exchange_began);
    sum_up(record_);
  }

  const Begun begun_;
  const ChainTools& tools_;
  Exchange& record_;
  bool settled_ = false;
};

// One request's way through its chain. Lives in the coroutine of ChainRunner::start.
class ChainRun {
 public:
  ChainRun(ChainCall what, const ChainTools& tools, Random random, const WireRequest& request, Exchange& record,
           const Call& call)
      : what_(std::move(what)),
        chain_(*what_.chain),
        tools_(tools),
        random_(random),
        request_(request),
        record_(record),
        call_(call),
        attempts_left_(chain_.retries.attempts),
        out_(chain_.targets.size(), 0) {
    leave_out_the_unable();
    set_order();
  }

  Awaitable<Attempt> answer();

 private:
  void leave_out_the_unable();
  void set_order();
  void put_first(size_t place);
  size_t weighted_place();
  std::optional<size_t> next_target();
  bool is_left(size_t target) const { return out_[target] == 0; }
  std::optional<std::chrono::nanoseconds> wait_for_round();
  Awaitable<std::optional<ProviderFailure>> ask(size_t target);
  Awaitable<std::optional<ProviderFailure>> race(size_t target);
  bool may_hedge() const;
  bool may_ask_again() const { return !what_.may_ask_again || what_.may_ask_again(); }
  bool contend_with(size_t target, const std::shared_ptr<Channel<RaceNews>>& news, std::vector<Asked>& racers);
  std::optional<ProviderFailure> note_racer(const RaceNews& news, std::vector<Asked>& racers, size_t& running);
  void leave_losers(const std::vector<Asked>& racers, size_t winner);

  Asked begin(size_t target, Executor& executor, Purpose purpose);
  void failed(const Asked& asked, const ProviderFailure& failure);
  void began(const Asked& asked);
  ProviderFailure last_word();

  const ChainCall what_;
  const Chain& chain_;
  const ChainTools& tools_;
  Random random_;
  const WireRequest& request_;
  Exchange& record_;
  const Call& call_;

  int attempts_left_;
  std::vector<size_t> order_;  // targets as they are to be asked
  size_t cursor_ = 0;          // in order_, of this round
  int round_ = 0;
  bool has_asked_ = false;
  std::vector<char> out_;  // by target: 1 where this request asks it no more
  std::optional<ProviderFailure> last_;
  std::shared_ptr<const WireRequest> shared_request_;  // made by the first race
  std::optional<ChainStream::Begun> begun_;
};

void ChainRun::leave_out_the_unable() {
  if (!asks_for_embeddings(request_)) return;
  for (size_t target = 0; target < out_.size(); ++target) {
    if (!chain_.targets[target].provider->has_embeddings()) out_[target] = 1;
  }
}

// Who is asked first: those that failed their last check stand behind those that did not.
void ChainRun::set_order() {
  order_.resize(chain_.targets.size());
  std::iota(order_.begin(), order_.end(), size_t{0});
  std::erase_if(order_, [this](size_t target) { return !is_left(target); });
  std::stable_partition(order_.begin(), order_.end(),
                        [this](size_t target) { return chain_.targets[target].health->seems_well(); });
  if (order_.empty()) return;
  if (chain_.pick == Chain::Pick::kWeighted) put_first(weighted_place());
  if (chain_.pick == Chain::Pick::kLeastLatency) {
    const Clock::time_point now = Clock::now();
    const auto least = std::min_element(order_.begin(), order_.end(), [&](size_t a, size_t b) {
      const TargetHealth& first = *chain_.targets[a].health;
      const TargetHealth& second = *chain_.targets[b].health;
      if (first.seems_well() != second.seems_well()) return first.seems_well();
      return first.latency(now) < second.latency(now);
    });
    put_first(static_cast<size_t>(least - order_.begin()));
  }
}

void ChainRun::put_first(size_t place) {
  const auto begin = order_.begin();
  std::rotate(begin, begin + static_cast<std::ptrdiff_t>(place), begin + static_cast<std::ptrdiff_t>(place) + 1);
}

// Among those that may be asked now: the weight of one that is out falls to the others.
size_t ChainRun::weighted_place() {
  const Clock::time_point now = Clock::now();
  const auto weight_at = [&](size_t place) {
    const ChainTarget& target = chain_.targets[order_[place]];
    const bool is_out = target.health->open_for(now).count() > 0 || target.health->paused_for(now).count() > 0;
    return is_out || !target.health->seems_well() ? 0.0 : target.weight;
  };
  double sum = 0;
  for (size_t place = 0; place < order_.size(); ++place) sum += weight_at(place);
  double drawn = random_.uniform() * sum;
  for (size_t place = 0; place < order_.size(); ++place) {
    drawn -= weight_at(place);
    if (drawn < 0) return place;
  }
  return 0;
}

Awaitable<Attempt> ChainRun::answer() {
  while (attempts_left_ > 0 && !call_.stop.stop_requested()) {
    const std::optional<size_t> target = next_target();
    if (!target) {
      const std::optional<std::chrono::nanoseconds> wait = wait_for_round();
      if (!wait) break;
      const bool passed = co_await sleep_for(tools_.deadlines, *wait, call_);
      if (!passed) break;
      continue;
    }
    if (has_asked_ && !may_ask_again()) {
      chain_.targets[*target].health->left();
      break;
    }
    if (has_asked_) co_await resume_on(tools_.background);  // rendering may take its time
    has_asked_ = true;
    if (may_hedge()) {
      last_ = co_await race(*target);
    } else {
      last_ = co_await ask(*target);
    }
    if (begun_) {
      auto stream = std::make_unique<ChainStream>(std::move(*begun_), tools_, record_);
      co_return Attempt(std::unique_ptr<AnswerStream>(std::move(stream)));
    }
    if (ends_the_request(last_->kind)) break;
  }
  co_return Attempt(last_word());
}

// The next one of this round that may be asked; taken from its breaker.
std::optional<size_t> ChainRun::next_target() {
  while (cursor_ < order_.size()) {
    const size_t target = order_[cursor_++];
    if (is_left(target) && chain_.targets[target].health->admit(Clock::now())) return target;
  }
  return std::nullopt;
}

// How long until another round makes sense; nothing where none does.
std::optional<std::chrono::nanoseconds> ChainRun::wait_for_round() {
  const Clock::time_point now = Clock::now();
  std::optional<std::chrono::nanoseconds> pause;  // until somebody may be asked who is not switched off
  for (size_t target = 0; target < out_.size(); ++target) {
    const TargetHealth& health = *chain_.targets[target].health;
    if (!is_left(target) || health.breaker(now) != Breaker::State::kClosed) continue;
    pause = std::min(pause.value_or(std::chrono::nanoseconds::max()), health.paused_for(now));
  }
  if (!pause) return std::nullopt;
  const auto bound = std::min<std::chrono::nanoseconds>(kFirstWait * (1 << std::min(round_, 10)), kLongestWait);
  const std::chrono::nanoseconds jitter(static_cast<int64_t>(random_.uniform() * static_cast<double>(bound.count())));
  const std::chrono::nanoseconds wait = *pause + jitter;
  if (now + wait > what_.began + chain_.retries.budget) return std::nullopt;
  cursor_ = 0;
  ++round_;
  return wait;
}

Awaitable<std::optional<ProviderFailure>> ChainRun::ask(size_t target) {
  const Asked asked = begin(target, *call_.executor, what_.purpose);
  std::optional<ProviderFailure> failure = co_await asked.call->begin(request_);
  if (failure) {
    failed(asked, *failure);
    co_return failure;
  }
  began(asked);
  begun_ = ChainStream::Begun{what_.chain, asked, nullptr, nullptr, what_.began};
  co_return std::nullopt;
}

bool ChainRun::may_hedge() const {
  return chain_.hedge_after && attempts_left_ >= 2 && what_.purpose == Purpose::kAnswer && cursor_ < order_.size();
}

// The first is asked, after hedge_after the next one too; whoever begins to answer first is taken. Both run on the
// background's threads, so that the loser needs nothing of this request.
Awaitable<std::optional<ProviderFailure>> ChainRun::race(size_t target) {
  if (!shared_request_) shared_request_ = std::make_shared<const WireRequest>(request_);
  const auto news = std::make_shared<Channel<RaceNews>>();
  std::vector<Asked> racers;
  if (!contend_with(target, news, racers)) co_return last_word();
  const Deadlines::Ticket hedge =
      tools_.deadlines.at(Clock::now() + std::chrono::duration_cast<Clock::duration>(*chain_.hedge_after),
                          [news]() -> std::optional<Clock::time_point> {
                            news->push(RaceNews{});
                            return std::nullopt;
                          });
  size_t running = 1;
  while (running > 0) {
    const std::optional<RaceNews> latest = co_await news->next(*call_.executor);
    if (latest->who == RaceNews::kHedgeIsDue) {
      const std::optional<size_t> second = may_ask_again() ? next_target() : std::nullopt;
      if (second && contend_with(*second, news, racers)) ++running;
      continue;
    }
    const auto who = static_cast<size_t>(latest->who);
    last_ = note_racer(*latest, racers, running);
    if (last_ && !ends_the_request(last_->kind)) continue;
    leave_losers(racers, who);
    if (!last_) begun_ = ChainStream::Begun{what_.chain, racers[who], shared_request_, call_.executor, what_.began};
    break;
  }
  co_return last_;
}

bool ChainRun::contend_with(size_t target, const std::shared_ptr<Channel<RaceNews>>& news, std::vector<Asked>& racers) {
  const Purpose purpose = racers.empty() ? what_.purpose : Purpose::kHedge;
  racers.push_back(begin(target, tools_.background, purpose));
  const int who = static_cast<int>(racers.size()) - 1;
  return tools_.tasks.start(contend(racers.back().call, shared_request_, news, who, tools_.background));
}

std::optional<ProviderFailure> ChainRun::note_racer(const RaceNews& news, std::vector<Asked>& racers, size_t& running) {
  const Asked& racer = racers[static_cast<size_t>(news.who)];
  --running;
  if (news.failure) {
    failed(racer, *news.failure);
  } else {
    began(racer);
  }
  return news.failure;
}

// Who was slower is stopped and accounted for as it stands now: its provider may have been at work.
void ChainRun::leave_losers(const std::vector<Asked>& racers, size_t winner) {
  for (size_t i = 0; i < racers.size(); ++i) {
    ExchangeAttempt& attempt = record_.attempts[racers[i].row];
    if (i == winner) {
      attempt.purpose = what_.purpose;
      continue;
    }
    attempt.purpose = Purpose::kHedge;
    if (!attempt.error.empty()) continue;  // it had failed
    racers[i].call->cancel();
    racers[i].call->target().health->left();
    const Accounts accounts{chain_.price, tools_.estimator};
    racers[i].call->snapshot().fill(attempt, racers[i].call->target(), accounts,
                                    "cancelled: another target was quicker", true);
  }
}

Asked ChainRun::begin(size_t target, Executor& executor, Purpose purpose) {
  --attempts_left_;
  const ChainTarget& chosen = chain_.targets[target];
  ExchangeAttempt attempt;
  attempt.purpose = purpose;
  attempt.provider = chosen.name;
  attempt.model = chosen.model;
  attempt.terms = chosen.terms;
  attempt.at_ms = tools_.now_ms();
  record_.attempts.push_back(std::move(attempt));
  const Call call{&executor, call_.stop};
  return {std::make_shared<TargetCall>(what_.chain, chosen, request_, call, tools_.deadlines), target,
          record_.attempts.size() - 1};
}

void ChainRun::failed(const Asked& asked, const ProviderFailure& failure) {
  const ChainTarget& target = asked.call->target();
  const bool client_left = failure.kind == ProviderFailure::Kind::kCancelled;
  if (client_left) {
    target.health->left();
  } else {
    target.health->failed(Clock::now(), failure);
  }
  if (!may_recover(failure.kind)) out_[asked.target] = 1;
  const Accounts accounts{chain_.price, tools_.estimator};
  const bool was_at_work = client_left || asked.call->timed_out();
  asked.call->snapshot().fill(record_.attempts[asked.row], target, accounts, error_text(failure), was_at_work);
}

void ChainRun::began(const Asked& asked) {
  asked.call->target().health->answered(Clock::now(), asked.call->snapshot().first_token());
}

// What the client is told: the last failure; of a chain that nobody may be asked of, why not.
ProviderFailure ChainRun::last_word() {
  if (call_.stop.stop_requested()) {
    last_ = ProviderFailure{ProviderFailure::Kind::kCancelled, Error(ErrorCode::kCancelled, "the client left"),
                            std::nullopt};
  }
  if (!last_) {
    const Clock::time_point now = Clock::now();
    std::chrono::nanoseconds soonest = kLongestRetryAfter;
    for (const size_t place : order_) {
      const ChainTarget& target = chain_.targets[place];
      soonest = std::min(soonest, std::max(target.health->open_for(now), target.health->paused_for(now)));
      if (std::optional<ProviderFailure> failure = target.health->last_failure()) last_ = std::move(failure);
    }
    if (!last_) {
      last_ = ProviderFailure{ProviderFailure::Kind::kUnavailable,
                              Error(ErrorCode::kUnavailable, "nobody may be asked now"), std::nullopt};
    }
    last_->error = Error(last_->error.code(), fmt::format("{}: no provider may be asked now; the last one failed: {}",
                                                          chain_.name, last_->error.message()));
    last_->retry_after = std::chrono::ceil<std::chrono::seconds>(soonest);
  }
  record_.error = error_text(*last_);
  record_.total_ms = milliseconds_since(what_.began);
  sum_up(record_);
  return *last_;
}

}  // namespace

Awaitable<Attempt> ChainRunner::start(ChainCall what, const WireRequest& request, Exchange& record, const Call& call) {
  // Every request draws from a stream of its own: none depends on another's order of calls.
  const Random random(random_.at(0), drawn_.fetch_add(1));
  ChainRun run(std::move(what), tools_, random, request, record, call);
  Attempt attempt = co_await run.answer();
  co_return attempt;
}

}  // namespace understudy
