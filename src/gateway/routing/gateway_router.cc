#include "gateway/routing/gateway_router.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gateway/routing/held_answer.h"

namespace understudy {

namespace {

using Clock = std::chrono::steady_clock;
using Kind = ProviderFailure::Kind;
using Purpose = ExchangeAttempt::Purpose;

constexpr int kMostShadows = 64;  // at once; more are left out, so that a slow specialist does not eat the memory

ProviderFailure refusal(int status, Error error) {
  ProviderFailure failure{Kind::kRefused, std::move(error), std::nullopt};
  failure.status = status;
  return failure;
}

Error not_this_keys_model(std::string_view model) {
  return Error(ErrorCode::kForbidden, fmt::format("model: this key may not use \"{}\"", model),
               "GET /v1/models lists what it may use")
      .about("model", "model_not_allowed");
}

ProviderFailure budget_failure(const BudgetRefusal& refused) {
  const bool is_rate = refused.kind == BudgetRefusal::Kind::kRate;
  Error error(ErrorCode::kOverloaded, refused.message);
  ProviderFailure failure{
      Kind::kRefused, std::move(error).about("", is_rate ? "rate_limit_exceeded" : "insufficient_quota"), std::nullopt};
  failure.status = 429;
  if (refused.retry_after) failure.retry_after = std::chrono::ceil<std::chrono::seconds>(*refused.retry_after);
  return failure;
}

bool may_use(const RoutingSnapshot& snapshot, const Caller& caller, std::string_view model) {
  const auto key = snapshot.keys.find(caller.key);
  if (key == snapshot.keys.end() || key->second.models.empty()) return true;
  const std::vector<std::string>& models = key->second.models;
  return std::find(models.begin(), models.end(), model) != models.end();
}

// Why this caller may not ask for this model; nothing where it may.
std::optional<ProviderFailure> refused_model(const RoutingSnapshot& snapshot, const Caller& caller,
                                             const std::string& model) {
  if (snapshot.models.find(model) == snapshot.models.end()) return refusal(404, model_not_found(model));
  if (!may_use(snapshot, caller, model)) return refusal(403, not_this_keys_model(model));
  return std::nullopt;
}

bool has_embeddings(const Chain& chain) {
  return std::any_of(chain.targets.begin(), chain.targets.end(),
                     [](const ChainTarget& target) { return target.provider->has_embeddings(); });
}

// The dearest of a chain's targets; a target on hardware of one's own costs nothing unless it has a price.
WorstCase worst_case_of(const RoutingSnapshot& snapshot, const Chain& chain, const CallSize& size, int64_t at_ms) {
  std::optional<WorstCase> worst;
  for (const ChainTarget& target : chain.targets) {
    const PriceRow* row = snapshot.prices ? snapshot.prices->row(target.vendor, target.model, at_ms) : nullptr;
    WorstCase one = worst_case(row, size);
    if (row == nullptr && target.is_owned) one.cost = Money();
    worst = worst ? dearer(*worst, one) : one;
  }
  return worst.value_or(WorstCase{});
}

int64_t tokens_of(const Exchange& record) {
  int64_t tokens = 0;
  for (const ExchangeAttempt& attempt : record.attempts) {
    tokens += attempt.usage.prompt_tokens() + attempt.usage.completion_tokens();
  }
  return tokens;
}

// Tokens of the prompt, as far as gate A needs to know: a token has a byte at least.
int64_t prompt_tokens_of(const RoutedTask& task, const WireRequest& request, const UsageEstimator& estimator) {
  const std::string& system = request.head().system;
  const bool is_pruned = !task.pruned_prompt.empty();
  const auto bytes = static_cast<int64_t>(request.body().size() - (is_pruned ? system.size() : 0));
  if (!task.specialist || task.specialist->targets.empty() || bytes <= task.card.longest_prompt.value_or(bytes))
    return 0;
  for (const ChainTarget& target : task.specialist->targets) {
    const TokenService* words = target.provider->tokens();
    if (words == nullptr) continue;
    std::string text = is_pruned ? "" : system + "\n";
    try {
      text += input_text(request.value());
    } catch (const Error&) {
      text += request.head().last_user;
    }
    return static_cast<int64_t>(words->tokenize(text, false, false).size());
  }
  const ChainTarget& first = task.specialist->targets.front();
  return estimator.estimate(first.name, first.model, {bytes, 0, 0}).input;
}

// The exchange's own figures as those of one attempt: of an answer that was held and is given out after all.
void show_answer_of(Exchange& record, const ExchangeAttempt& attempt, Clock::time_point began) {
  record.provider = attempt.provider;
  record.provider_model = attempt.model;
  record.terms = attempt.terms;
  record.usage = attempt.usage;
  record.error.clear();
  record.partial = false;
  record.total_ms = std::chrono::duration<double, std::milli>(Clock::now() - began).count();
  record.first_token_ms = record.total_ms;  // nothing left before
}

ProviderFailure no_budget_left() {
  ProviderFailure failure{Kind::kRefused, Error(ErrorCode::kOverloaded, "the budget does not hold another attempt"),
                          std::nullopt};
  failure.status = 429;
  return failure;
}

// The one request that a half-open breaker lets through is an answer's: that a target counts does not show that it
// answers.
bool may_count(const TargetHealth& health) {
  const auto now = std::chrono::steady_clock::now();
  return health.breaker(now) == Breaker::State::kClosed && health.paused_for(now).count() <= 0;
}

}  // namespace

// One request: what its coroutine and its stream need. Owned by the coroutine, then by the stream.
class GatewayRouter::Request {
 public:
  Request(GatewayRouter& router, const WireRequest& request, const Caller& caller, Exchange& record, const Call& call)
      : router_(router),
        snapshot_(router.snapshot()),
        request_(request),
        caller_(caller),
        record_(record),
        call_(call) {}
  ~Request() { settle(); }

  Awaitable<Attempt> answer();
  // Books what the attempts cost; once they are all there.
  void settle();

 private:
  std::optional<ProviderFailure> may_be_served();
  std::optional<ProviderFailure> reserve();
  Decision decide_for(const RoutedTask& task);
  Awaitable<Attempt> run(std::shared_ptr<const Chain> chain, Purpose purpose, const WireRequest& request);
  Awaitable<Attempt> ask_teacher(const RoutedTask& task, const Decision& decision);
  Awaitable<Attempt> ask_specialist(const RoutedTask& task);
  Awaitable<Attempt> ask_gated_specialist(const RoutedTask& task);
  Awaitable<Attempt> escalate(const RoutedTask& task, std::string why);
  bool judge(const RoutedTask& task, HeldAnswer& held, size_t row);
  bool knows_capability(const RoutedTask& task);
  TaskFacts facts_of(const RoutedTask& task) const;
  const WireRequest& request_for_specialist(const RoutedTask& task);
  void start_shadow(const RoutedTask& task);
  static Awaitable<void> shadow(GatewayRouter& router, std::shared_ptr<const RoutingSnapshot> snapshot,
                                std::string task_name, std::shared_ptr<const WireRequest> request, std::string id,
                                std::optional<double> at_least);

  GatewayRouter& router_;
  const std::shared_ptr<const RoutingSnapshot> snapshot_;
  const WireRequest& request_;
  const Caller& caller_;
  Exchange& record_;
  const Call call_;
  const Clock::time_point began_ = Clock::now();
  const Chain* chain_ = nullptr;  // of the model that was asked for
  std::optional<Route> route_;
  Reservation reservation_;
  WorstCase most_;
  // What the specialist is asked where it is not the client's own request; they outlive its stream.
  std::unique_ptr<WireRequest> pruned_;   // without its static prompt
  std::unique_ptr<WireRequest> probing_;  // with log-probabilities
};

namespace {

// Keeps what a request needs until its stream is done, and settles it after the stream's own last word.
template <class Kept>
class KeepingStream : public AnswerStream {
 public:
  KeepingStream(std::unique_ptr<AnswerStream> stream, std::unique_ptr<Kept> kept)
      : kept_(std::move(kept)), stream_(std::move(stream)) {}
  ~KeepingStream() override {
    stream_.reset();
    kept_->settle();
  }
  Awaitable<std::optional<AnswerPiece>> next() override {
    std::optional<AnswerPiece> piece = co_await stream_->next();
    if (!piece || failure_in(*piece) != nullptr) kept_->settle();
    co_return piece;
  }
  std::optional<ProtocolName> protocol() const override { return stream_->protocol(); }
  int key() const override { return stream_->key(); }
  int status() const override { return stream_->status(); }
  std::vector<std::string> dropped() const override { return stream_->dropped(); }
  TraceHeaders trace_headers() const override { return stream_->trace_headers(); }

 private:
  std::unique_ptr<Kept> kept_;
  std::unique_ptr<AnswerStream> stream_;
};

}  // namespace

Awaitable<Attempt> GatewayRouter::Request::answer() {
  record_.route.task = record_.task;
  if (std::optional<ProviderFailure> refused = may_be_served()) co_return Attempt(std::move(*refused));
  const auto found = snapshot_->tasks.find(record_.task);
  const bool is_embedding = asks_for_embeddings(request_);
  if (found == snapshot_->tasks.end() || is_embedding) {
    record_.route.task.clear();
    record_.route.decision = "chain";
    if (is_embedding) record_.route.reason = "embeddings";  // neither teacher nor specialist is a model of vectors
    std::shared_ptr<const Chain> chain = snapshot_->models.find(request_.head().model)->second;
    Attempt attempt = co_await run(std::move(chain), Purpose::kAnswer, request_);
    co_return attempt;
  }
  const RoutedTask& task = found->second;
  const Decision decision = decide_for(task);
  record_.route.reason = decision.reason;
  if (decision.shadow) start_shadow(task);
  if (decision.who == Decision::Who::kTeacher) {
    Attempt attempt = co_await ask_teacher(task, decision);
    co_return attempt;
  }
  record_.route.decision = "specialist";
  if (task.gate) {
    Attempt attempt = co_await ask_gated_specialist(task);
    co_return attempt;
  }
  Attempt attempt = co_await ask_specialist(task);
  co_return attempt;
}

std::optional<ProviderFailure> GatewayRouter::Request::may_be_served() {
  const std::string& model = request_.head().model;
  if (std::optional<ProviderFailure> refused = refused_model(*snapshot_, caller_, model)) return refused;
  chain_ = snapshot_->models.find(model)->second.get();
  if (asks_for_embeddings(request_) && !has_embeddings(*chain_)) return refusal(400, no_embeddings(model));
  return reserve();
}

std::optional<ProviderFailure> GatewayRouter::Request::reserve() {
  if (caller_.key.empty()) return std::nullopt;
  const RequestHead& head = request_.head();
  const CallSize size{static_cast<int64_t>(request_.body().size()), head.max_tokens, head.n};
  const int64_t at_ms = router_.tools_.now_ms();
  const auto task = asks_for_embeddings(request_) ? snapshot_->tasks.end() : snapshot_->tasks.find(record_.task);
  most_ = worst_case_of(*snapshot_, task == snapshot_->tasks.end() ? *chain_ : *task->second.teacher, size, at_ms);
  if (task != snapshot_->tasks.end() && task->second.specialist) {
    most_ = dearer(most_, worst_case_of(*snapshot_, *task->second.specialist, size, at_ms));
  }
  Budgets::Outcome outcome = router_.tools_.budgets.reserve(caller_.key, most_);
  if (const auto* refused = std::get_if<BudgetRefusal>(&outcome)) {
    if (router_.tools_.budget_warned && !refused->warnings.empty()) router_.tools_.budget_warned(refused->warnings);
    return budget_failure(*refused);
  }
  reservation_ = std::move(std::get<Reservation>(outcome));
  return std::nullopt;
}

void GatewayRouter::Request::settle() {
  Reservation reservation = std::exchange(reservation_, Reservation());
  const std::vector<BudgetWarning> warnings = reservation.settle(record_.cost, tokens_of(record_));
  if (router_.tools_.budget_warned && !warnings.empty()) router_.tools_.budget_warned(warnings);
}

Decision GatewayRouter::Request::decide_for(const RoutedTask& task) {
  route_ = router_.tools_.routes.route(task.name);
  if (!route_) {
    route_.emplace();
    route_->task = task.name;
  }
  record_.route.version = route_->version;
  return decide(*route_, facts_of(task), {request_.head(), prompt_tokens_of(task, request_, router_.estimator_)});
}

bool GatewayRouter::Request::knows_capability(const RoutedTask& task) {
  return task.specialist &&
         lacks_capability(facts_of(task), {request_.head(), prompt_tokens_of(task, request_, router_.estimator_)})
             .empty();
}

TaskFacts GatewayRouter::Request::facts_of(const RoutedTask& task) const {
  return {task.specialist != nullptr, task.images, task.card, task.pruned_prompt};
}

const WireRequest& GatewayRouter::Request::request_for_specialist(const RoutedTask& task) {
  if (!task.pruned_prompt.empty() && !pruned_) pruned_ = without_static_prompt(request_);
  return pruned_ ? *pruned_ : request_;
}

Awaitable<Attempt> GatewayRouter::Request::run(std::shared_ptr<const Chain> chain, Purpose purpose,
                                               const WireRequest& request) {
  ChainCall what;
  what.chain = std::move(chain);
  what.purpose = purpose;
  what.began = began_;
  what.may_ask_again = [this] { return reservation_.extend(most_); };
  // The first attempt of the request is what was reserved; every other chain begins with one more.
  if (!record_.attempts.empty() && !reservation_.extend(most_)) {
    co_return Attempt(no_budget_left());
  }
  Attempt attempt = co_await router_.runner_.start(std::move(what), request, record_, call_);
  co_return attempt;
}

// With every rented provider dead, tasks that have a specialist keep answering.
Awaitable<Attempt> GatewayRouter::Request::ask_teacher(const RoutedTask& task, const Decision& decision) {
  record_.route.decision = "teacher";
  Attempt attempt = co_await run(task.teacher, Purpose::kAnswer, request_);
  if (attempt.started()) co_return attempt;
  const Kind kind = attempt.failure().kind;
  if (kind == Kind::kRefused || kind == Kind::kCancelled || !knows_capability(task)) co_return attempt;
  Attempt resort = co_await run(task.specialist, Purpose::kEscalation, request_for_specialist(task));
  if (!resort.started()) {
    record_.error = error_text(attempt.failure());
    co_return attempt;
  }
  record_.route.decision = "specialist";
  record_.route.reason = fmt::format("last resort: the teacher is {} ({})", to_string(kind), decision.reason);
  co_return resort;
}

Awaitable<Attempt> GatewayRouter::Request::ask_specialist(const RoutedTask& task) {
  Attempt attempt = co_await run(task.specialist, Purpose::kAnswer, request_for_specialist(task));
  if (attempt.started() || attempt.failure().kind == Kind::kCancelled) co_return attempt;
  std::string why = fmt::format("specialist: {}", to_string(attempt.failure().kind));
  Attempt escalated = co_await escalate(task, std::move(why));
  co_return escalated;
}

Awaitable<Attempt> GatewayRouter::Request::ask_gated_specialist(const RoutedTask& task) {
  const bool needs_score = route_->min_value_token_probability.has_value();
  if (task.gate->needs_logprobs() && needs_score) probing_ = with_logprobs(request_for_specialist(task));
  const WireRequest& request = probing_ ? *probing_ : request_for_specialist(task);
  Attempt attempt = co_await run(task.specialist, Purpose::kAnswer, request);
  if (!attempt.started()) {
    if (attempt.failure().kind == Kind::kCancelled) co_return attempt;
    std::string why = fmt::format("specialist: {}", to_string(attempt.failure().kind));
    Attempt escalated = co_await escalate(task, std::move(why));
    co_return escalated;
  }
  HeldAnswer held = co_await hold_answer(attempt.take_stream());
  // The winner's row: the last one that says "answer" (losers of a race are called hedges).
  size_t row = record_.attempts.size() - 1;
  while (row > 0 && record_.attempts[row].purpose == Purpose::kHedge) --row;
  if (judge(task, held, row)) {
    show_answer_of(record_, record_.attempts[row], began_);
    co_return Attempt(release(std::move(held)));
  }
  std::string why = "specialist: broke off";
  if (!record_.attempts[row].gate.empty()) why = record_.attempts[row].gate.front();
  Attempt escalated = co_await escalate(task, std::move(why));
  const bool may_serve = held.is_whole() && !escalated.started() && escalated.failure().kind != Kind::kCancelled;
  if (!may_serve) co_return escalated;
  record_.route.decision = "specialist";
  record_.route.reason =
      fmt::format("last resort: the teacher is {} ({})", to_string(escalated.failure().kind), record_.route.reason);
  show_answer_of(record_, record_.attempts[row], began_);
  co_return Attempt(release(std::move(held)));
}

// True where it may go. What is held back is kept on its attempt.
bool GatewayRouter::Request::judge(const RoutedTask& task, HeldAnswer& held, size_t row) {
  ExchangeAttempt& attempt = record_.attempts[row];
  if (held.is_whole()) {
    attempt.gate =
        held_back_because(*task.gate, held.answer, input_text(request_.value()), route_->min_value_token_probability);
  }
  if (probing_) strip_logprobs(held);
  const bool passes = held.is_whole() && attempt.gate.empty();
  if (!passes) attempt.answer = answer_body(request_, held.answer);
  return passes;
}

Awaitable<Attempt> GatewayRouter::Request::escalate(const RoutedTask& task, std::string why) {
  record_.route.decision = "escalated";
  record_.route.reason = std::move(why);
  Attempt attempt = co_await run(task.teacher, Purpose::kEscalation, request_);
  co_return attempt;
}

void GatewayRouter::Request::start_shadow(const RoutedTask& task) {
  if (!router_.tools_.amend || router_.shadows_.load() >= kMostShadows || !reservation_.extend(most_)) return;
  auto copy = std::make_shared<const WireRequest>(request_for_specialist(task));
  const std::optional<double> at_least = route_->min_value_token_probability;
  router_.tasks_.start(shadow(router_, snapshot_, task.name, std::move(copy), record_.id, at_least));
}

// Everything it uses is its own: the request that it shadows may be gone.
Awaitable<void> GatewayRouter::Request::shadow(GatewayRouter& router, std::shared_ptr<const RoutingSnapshot> snapshot,
                                               std::string task_name, std::shared_ptr<const WireRequest> request,
                                               std::string id, std::optional<double> at_least) {
  ++router.shadows_;
  co_await resume_on(router.tools_.background);
  const RoutedTask& task = snapshot->tasks.find(task_name)->second;
  std::unique_ptr<WireRequest> probing;
  if (task.gate && task.gate->needs_logprobs() && at_least) probing = with_logprobs(*request);
  Exchange record;
  ChainCall what;
  what.chain = task.specialist;
  what.purpose = Purpose::kShadow;
  const Call call{&router.tools_.background, router.tasks_.stop_token()};
  const WireRequest& asked = probing ? *probing : *request;
  Attempt attempt = co_await router.runner_.start(std::move(what), asked, record, call);
  if (attempt.started()) {
    HeldAnswer held = co_await hold_answer(attempt.take_stream());
    ExchangeAttempt& row = record.attempts.back();
    if (task.gate && held.is_whole()) {
      row.gate = held_back_because(*task.gate, held.answer, input_text(request->value()), at_least);
    }
    row.answer = answer_body(*request, held.answer);
  }
  if (!record.attempts.empty()) router.tools_.amend(id, std::move(record.attempts));
  --router.shadows_;
}

GatewayRouter::GatewayRouter(GatewayRouterTools tools, std::shared_ptr<const RoutingSnapshot> snapshot)
    : tools_(std::move(tools)),
      random_(tools_.seed, 1),
      snapshot_(std::move(snapshot)),
      runner_({tools_.deadlines, tools_.background, tasks_, estimator_, tools_.now_ms, tools_.seed}) {}

GatewayRouter::~GatewayRouter() {
  tasks_.stop_and_wait();
}

void GatewayRouter::use(std::shared_ptr<const RoutingSnapshot> snapshot) {
  MutexLock lock(mutex_);
  snapshot_.swap(snapshot);
}

std::shared_ptr<const RoutingSnapshot> GatewayRouter::snapshot() const {
  MutexLock lock(mutex_);
  return snapshot_;
}

CapturePolicy GatewayRouter::prepare(const WireRequest& request, const Caller& caller, Exchange& record) {
  const std::shared_ptr<const RoutingSnapshot> now = snapshot();
  const RequestHead& head = request.head();
  record.fingerprint = head.fingerprint;
  record.task = recognise_task(now->matches, fingerprints_, head, head.model, caller.task);
  const auto task = now->tasks.find(record.task);
  const CaptureRule& rule = task == now->tasks.end() ? now->capture : task->second.capture;
  const double drawn = static_cast<double>(random_.at(drawn_.fetch_add(1)) >> 11) * 0x1.0p-53;
  return {drawn < rule.sample, rule.redact};
}

Awaitable<Attempt> GatewayRouter::start(const WireRequest& request, const Caller& caller, Exchange& record,
                                        const Call& call) {
  auto run = std::make_unique<Request>(*this, request, caller, record, call);
  Attempt attempt = co_await run->answer();
  if (!attempt.started()) {
    record.error = error_text(attempt.failure());
    co_return attempt;
  }
  std::unique_ptr<AnswerStream> kept = std::make_unique<KeepingStream<Request>>(attempt.take_stream(), std::move(run));
  co_return Attempt(std::move(kept));
}

Awaitable<std::optional<TokenCount>> GatewayRouter::count_tokens(const WireRequest& request, const Caller& caller,
                                                                 const Call& call) {
  const std::shared_ptr<const RoutingSnapshot> now = snapshot();
  const std::string& model = request.head().model;
  if (std::optional<ProviderFailure> refused = refused_model(*now, caller, model)) {
    co_return TokenCount(std::move(*refused));
  }
  const std::shared_ptr<const Chain> chain = now->models.find(model)->second;
  std::optional<TokenCount> count;
  for (const ChainTarget& target : chain->targets) {
    if (!may_count(*target.health)) continue;
    count = co_await target.provider->count_tokens(request, target.model, call);
    const ProviderFailure* failure = count ? std::get_if<ProviderFailure>(&*count) : nullptr;
    if (failure == nullptr || failure->kind == Kind::kRefused || failure->kind == Kind::kCancelled) break;
  }
  co_return count;
}

std::vector<ProviderModel> GatewayRouter::models(const Caller& caller) const {
  const std::shared_ptr<const RoutingSnapshot> now = snapshot();
  std::vector<ProviderModel> models;
  for (const auto& [name, chain] : now->models) {
    if (may_use(*now, caller, name)) models.push_back({name, now->created});
  }
  return models;
}

ProviderLoad GatewayRouter::load() const {
  const std::shared_ptr<const RoutingSnapshot> now = snapshot();
  std::vector<const Provider*> counted;
  ProviderLoad sum;
  for (const auto& [name, chain] : now->models) {
    for (const ChainTarget& target : chain->targets) {
      if (std::find(counted.begin(), counted.end(), target.provider.get()) != counted.end()) continue;
      counted.push_back(target.provider.get());
      const ProviderLoad load = target.provider->load();
      sum.waiting += load.waiting;
      sum.active += load.active;
    }
  }
  return sum;
}

const TokenService* GatewayRouter::tokens(std::string_view model) const {
  const std::shared_ptr<const RoutingSnapshot> now = snapshot();
  const TokenService* only = nullptr;
  for (const auto& [name, chain] : now->models) {
    for (const ChainTarget& target : chain->targets) {
      const TokenService* words = target.provider->tokens();
      if (words == nullptr || (!model.empty() && name != model)) continue;
      if (only != nullptr && only != words) return nullptr;  // without a name it must be the only one
      only = words;
    }
  }
  return only;
}

}  // namespace understudy
