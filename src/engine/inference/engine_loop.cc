#include "engine/inference/engine_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "base/log.h"

namespace understudy {

namespace {

constexpr int64_t kMostDefaultContext = 8192;  // what a request may ask for where nobody said how much memory there is
constexpr int kMostTopLogprobs = 1024;  // far above OpenAI's 20; bounds what one request can make the engine sort

uint64_t random_seed() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) | device();
}

void require_positive(std::string_view name, int64_t value) {
  if (value > 0) return;
  throw Error(ErrorCode::kInvalidInput, fmt::format("{}: expected a whole number from 1, got {}", name, value));
}

EngineOptions complete(EngineOptions options, const ModelConfig& config) {
  require_positive("max_parallel", options.max_parallel);
  require_positive("prompt_chunk", options.prompt_chunk);
  require_positive("queue", static_cast<int64_t>(options.queue));
  if (options.cache_tokens < 0) require_positive("cache_tokens", options.cache_tokens);
  if (options.context < 0) require_positive("context", options.context);
  if (options.context == 0) {
    options.context = std::min(config.max_positions, kMostDefaultContext);
    if (options.cache_tokens > 0) options.context = std::min(options.context, options.cache_tokens);
  }
  if (options.context > config.max_positions) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("context: {} tokens are more than the model's {}", options.context, config.max_positions));
  }
  if (options.cache_tokens == 0) options.cache_tokens = options.max_parallel * options.context;
  if (options.cache_tokens < options.context) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("cache_tokens: {} do not hold one sequence of context {}",
                                                      options.cache_tokens, options.context));
  }
  return options;
}

SchedulerLimits limits_of(const EngineOptions& options, const KvCache& cache) {
  return {.pages = cache.max_tokens() / kPageTokens,
          .page_tokens = kPageTokens,
          .max_parallel = options.max_parallel,
          .prompt_chunk = options.prompt_chunk};
}

bool contains(const std::vector<TokenId>& ids, TokenId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

EngineLoop::EngineLoop(std::unique_ptr<TokenModel> model, std::shared_ptr<const Tokenizer> tokenizer,
                       const EngineOptions& options)
    : options_(complete(options, model->config())),
      tokenizer_(std::move(tokenizer)),
      seeds_(random_seed()),
      model_(std::move(model)),
      cache_(model_->config(), options_.cache_tokens),
      scheduler_(limits_of(options_, cache_)),
      arrivals_(options_.queue),
      thread_([this] { run(); }) {}

EngineLoop::~EngineLoop() {
  stopping_ = true;
  arrivals_.stop();
  thread_.join();
}

// Any thread: submit, cancel, statistics.

void EngineLoop::check_request(GenerationRequest& request) const {
  const int64_t vocab = model_->config().vocab_size;
  const int64_t prompt = static_cast<int64_t>(request.prompt.size());
  if (prompt == 0) throw Error(ErrorCode::kInvalidInput, "the prompt is empty: expected at least one token");
  for (const TokenId id : request.prompt) {
    if (id >= 0 && id < vocab) continue;
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("the prompt has token {}: the model's go from 0 to {}", id, vocab - 1));
  }
  if (request.max_tokens < -1) {
    throw Error(ErrorCode::kInvalidInput, fmt::format("max_tokens: expected 0 or more, got {}", request.max_tokens));
  }
  const int64_t least = request.max_tokens == -1 ? 1 : request.max_tokens;
  if (least > options_.context || prompt > options_.context - least) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("the prompt's {} tokens and max_tokens {} are more than the context of {} tokens", prompt,
                            least, options_.context),
                "shorten the prompt, or ask for fewer tokens");
  }
  if (request.max_tokens == -1) request.max_tokens = options_.context - prompt;
  if (request.top_logprobs < 0 || request.top_logprobs > kMostTopLogprobs) {
    throw Error(ErrorCode::kInvalidInput,
                fmt::format("top_logprobs: expected 0 to {}, got {}", kMostTopLogprobs, request.top_logprobs));
  }
  if (std::any_of(request.stop.begin(), request.stop.end(), [](const std::string& stop) { return stop.empty(); })) {
    throw Error(ErrorCode::kInvalidInput, "stop: a stop string is empty");
  }
  check(request.sampling, vocab);
}

void EngineLoop::take_slot() {
  if (waiting_.fetch_add(1) < static_cast<int64_t>(options_.queue)) return;
  waiting_.fetch_sub(1);
  throw Error(ErrorCode::kOverloaded, fmt::format("{} requests are waiting already", options_.queue),
              "try again in a moment");
}

GenerationId EngineLoop::submit(GenerationRequest request) {
  check_request(request);
  const GenerationId id = next_id_.fetch_add(1);
  const uint64_t seed = request.sampling.seed.value_or(seeds_.at(id));
  auto generation = std::make_unique<Generation>(id, std::move(request), seed, tokenizer_);
  take_slot();
  {
    MutexLock lock(mutex_);
    live_.insert(id);
  }
  // The slots are as many as the queue has room for, so only a stopped one refuses.
  if (!arrivals_.try_push(generation)) {
    throw Error(ErrorCode::kUnavailable, "the engine is stopping and takes no more requests");
  }
  return id;
}

void EngineLoop::cancel(GenerationId id) {
  MutexLock lock(mutex_);
  if (live_.contains(id)) cancelled_.push_back(id);
}

EngineStatistics EngineLoop::statistics() const {
  return {.waiting = waiting_,
          .active = active_,
          .prompt_tokens = prompt_tokens_,
          .generated_tokens = generated_tokens_,
          .cache_tokens_used = cache_tokens_used_};
}

// From here on: the engine's thread.

EngineLoop::Generation::Generation(GenerationId its_id, GenerationRequest its_request, uint64_t seed,
                                   std::shared_ptr<const Tokenizer> tokenizer)
    : id(its_id),
      request(std::move(its_request)),
      sampler(request.sampling, seed),
      decoder(std::move(tokenizer)),
      stops(request.stop),
      tokens(request.prompt) {}

void EngineLoop::run() {
  while (true) {
    // Before the arrivals: who is cancelled has arrived then, as its id came from submit().
    const std::vector<GenerationId> cancelled = take_cancelled();
    if (!take_arrivals()) break;
    drop_cancelled(cancelled);
    step();
  }
  while (std::optional<std::unique_ptr<Generation>> late = arrivals_.try_pop()) begin(std::move(*late));
  while (!generations_.empty()) finish(*generations_.begin()->second, StopReason::kCancelled);
}

// Waits where there is nothing else to do; false: the engine stops.
bool EngineLoop::take_arrivals() {
  if (generations_.empty()) {
    std::optional<std::unique_ptr<Generation>> first = arrivals_.pop();
    if (first) begin(std::move(*first));
  }
  while (!stopping_) {
    std::optional<std::unique_ptr<Generation>> next = arrivals_.try_pop();
    if (!next) break;
    begin(std::move(*next));
  }
  return !stopping_;
}

void EngineLoop::begin(std::unique_ptr<Generation> generation) {
  Generation& taken = *generation;
  generations_.emplace(taken.id, std::move(generation));
  if (taken.request.max_tokens == 0) return finish(taken, StopReason::kLength);
  scheduler_.add(taken.id, static_cast<int64_t>(taken.tokens.size()));
}

std::vector<GenerationId> EngineLoop::take_cancelled() {
  MutexLock lock(mutex_);
  return std::exchange(cancelled_, {});
}

void EngineLoop::drop_cancelled(const std::vector<GenerationId>& ids) {
  for (const GenerationId id : ids) {
    const auto found = generations_.find(id);
    if (found != generations_.end()) finish(*found->second, StopReason::kCancelled);
  }
}

void EngineLoop::step() {
  const Scheduler::Step step = scheduler_.next_step();
  for (const GenerationId id : step.set_back) cache_.release(generations_.at(id)->cached);
  note_started(step);
  const std::vector<Scheduler::Grant> grants = reserve_pages(step.grants);
  if (!grants.empty()) compute(grants);
  cache_tokens_used_ = cache_.max_tokens() - cache_.free_tokens();
}

void EngineLoop::note_started(const Scheduler::Step& step) {
  for (const GenerationId id : step.started) {
    Generation& generation = *generations_.at(id);
    if (std::exchange(generation.has_started, true)) continue;
    waiting_ -= 1;
    active_ += 1;
    prompt_tokens_ += static_cast<int64_t>(generation.request.prompt.size());
  }
}

// The scheduler counted the pages; memory for one may be missing all the same, and then that request fails.
std::vector<Scheduler::Grant> EngineLoop::reserve_pages(const std::vector<Scheduler::Grant>& grants) {
  std::vector<Scheduler::Grant> reserved;
  for (const Scheduler::Grant& grant : grants) {
    guarded(*generations_.at(grant.id), [&](Generation& generation) {
      CHECK(cache_.reserve(generation.cached, generation.cached.length + grant.tokens),
            "the scheduler counts pages right");
      reserved.push_back(grant);
    });
  }
  return reserved;
}

BatchEntry EngineLoop::entry_of(const Scheduler::Grant& grant) {
  Generation& generation = *generations_.at(grant.id);
  const std::span<const TokenId> tokens(generation.tokens);
  return {.sequence = &generation.cached,
          .tokens = tokens.subspan(static_cast<size_t>(generation.cached.length), static_cast<size_t>(grant.tokens)),
          .adapter = generation.request.adapter.get()};
}

void EngineLoop::compute(const std::vector<Scheduler::Grant>& grants) {
  std::vector<BatchEntry> batch;
  std::vector<int64_t> lengths;
  for (const Scheduler::Grant& grant : grants) {
    batch.push_back(entry_of(grant));
    lengths.push_back(batch.back().sequence->length);
  }
  ConstTensorView logits;
  try {
    logits = model_->forward(batch, cache_);
  } catch (const std::exception&) {
    for (size_t i = 0; i < batch.size(); ++i) cache_.truncate(*batch[i].sequence, lengths[i]);
    return compute_one_by_one(grants);
  }
  const size_t vocab = static_cast<size_t>(model_->config().vocab_size);
  for (size_t i = 0; i < grants.size(); ++i) after_compute(grants[i], {logits.f32() + i * vocab, vocab});
}

void EngineLoop::compute_one_by_one(const std::vector<Scheduler::Grant>& grants) {
  for (const Scheduler::Grant& grant : grants) {
    guarded(*generations_.at(grant.id), [&](Generation& generation) {
      CHECK(cache_.reserve(generation.cached, generation.cached.length + grant.tokens),
            "truncating gave these pages back");
      const BatchEntry entry = entry_of(grant);
      const ConstTensorView logits = model_->forward({&entry, 1}, cache_);
      after_compute(grant, {logits.f32(), static_cast<size_t>(model_->config().vocab_size)});
    });
  }
}

void EngineLoop::after_compute(const Scheduler::Grant& grant, std::span<const float> logits) {
  Generation& generation = *generations_.at(grant.id);
  scheduler_.computed(grant.id, grant.tokens);
  const bool whole = generation.cached.length == static_cast<int64_t>(generation.tokens.size());
  if (whole) guarded(generation, [&](Generation& g) { next_token(g, logits); });
}

void EngineLoop::next_token(Generation& generation, std::span<const float> logits) {
  const TokenId id = generation.sampler.choose(logits, static_cast<int64_t>(generation.tokens.size()));
  generation.generated += 1;
  generated_tokens_ += 1;
  if (contains(generation.request.stop_tokens, id)) return finish(generation, StopReason::kStopToken);
  hand_out(generation, id, logits);
  if (generation.stops.found()) return finish(generation, StopReason::kStopString);
  if (generation.generated == generation.request.max_tokens) return finish(generation, StopReason::kLength);
  generation.sampler.accept(id);
  generation.tokens.push_back(id);
  scheduler_.append(generation.id);
}

void EngineLoop::hand_out(Generation& generation, TokenId id, std::span<const float> logits) {
  GeneratedToken token{.id = id};
  // Models pad their vocabulary to round numbers: ids beyond the tokenizer's have no text.
  const bool has_text = static_cast<size_t>(id) < tokenizer_->vocab_size();
  if (has_text) token.text = generation.stops.push(generation.decoder.push(id));
  if (generation.request.logprobs) {
    const LogProbabilities probabilities(logits);
    token.logprob = probabilities.of(id);
    token.top = probabilities.top(generation.request.top_logprobs);
  }
  if (generation.request.on_token) generation.request.on_token(token);
}

// What is held back becomes certain at the end, unless it completes a stop string, which is then the reason.
std::string EngineLoop::flush_text(Generation& generation, StopReason& reason) const {
  if (reason == StopReason::kFailed || reason == StopReason::kStopString) return {};
  std::string rest = generation.stops.push(generation.decoder.finish());
  if (generation.stops.found() && reason != StopReason::kCancelled) reason = StopReason::kStopString;
  return rest + generation.stops.finish();
}

// Pages and place are given back before anybody is told, so that who was told finds them free.
void EngineLoop::finish(Generation& generation, StopReason reason, std::optional<Error> error) {
  const std::unique_ptr<Generation> ended = std::move(generations_.extract(generation.id).mapped());
  scheduler_.remove(ended->id);
  cache_.release(ended->cached);
  cache_tokens_used_ = cache_.max_tokens() - cache_.free_tokens();
  (ended->has_started ? active_ : waiting_) -= 1;
  {
    MutexLock lock(mutex_);
    live_.erase(ended->id);
  }
  GenerationResult result{.prompt_tokens = static_cast<int64_t>(ended->request.prompt.size()),
                          .generated_tokens = ended->generated,
                          .error = std::move(error)};
  try {
    result.rest = flush_text(*ended, reason);
  } catch (const std::exception& fault) {
    reason = StopReason::kFailed;
    result.error = Error(ErrorCode::kInternal, fault.what());
  }
  result.reason = reason;
  try {
    if (ended->request.on_finish) ended->request.on_finish(result);
  } catch (const std::exception& fault) {
    log_warning(fmt::format("generation {}: its end could not be told: {}", ended->id, fault.what()));
  }
}

// Runs one request's work; what it throws fails that request alone. `generation` may be gone afterwards.
template <class Work>
void EngineLoop::guarded(Generation& generation, const Work& work) {
  const GenerationId id = generation.id;
  std::optional<Error> failure;
  try {
    work(generation);
  } catch (const Error& error) {
    failure = error;
  } catch (const std::bad_alloc&) {
    failure =
        Error(ErrorCode::kOutOfMemory, "out of memory", "serve with a smaller context or fewer sequences at once");
  } catch (const std::exception& fault) {
    failure = Error(ErrorCode::kInternal, fault.what());
  }
  const auto found = generations_.find(id);
  if (failure && found != generations_.end()) finish(*found->second, StopReason::kFailed, std::move(failure));
}

}  // namespace understudy
