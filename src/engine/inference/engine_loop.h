// The engine's thread and what runs on it: take what arrived, drop what was cancelled, ask the Scheduler for the next
// batch, run the model, sample, hand out tokens. Engine is the face of it; tests build it over a scripted TokenModel.
//
// A fault in one request's handling (sampling, text, its callbacks) fails that request. A fault of a whole batch is
// narrowed down: each of its entries is computed again by itself, and those that fail again are failed.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/bounded_queue.h"
#include "base/random.h"
#include "engine/inference/engine.h"
#include "engine/inference/sampler.h"
#include "engine/inference/scheduler.h"
#include "engine/inference/stop_strings.h"
#include "engine/inference/token_model.h"

namespace understudy {

class EngineLoop {  // submit, cancel and statistics are thread-safe
 public:
  // Throws kInvalidInput for options that contradict each other or the model.
  EngineLoop(std::unique_ptr<TokenModel> model, std::shared_ptr<const Tokenizer> tokenizer,
             const EngineOptions& options);
  EngineLoop(const EngineLoop&) = delete;
  EngineLoop& operator=(const EngineLoop&) = delete;
  ~EngineLoop();  // cancels what runs, then joins the thread

  GenerationId submit(GenerationRequest request);  // as Engine::submit
  void cancel(GenerationId id);
  EngineStatistics statistics() const;
  int64_t context() const { return options_.context; }

 private:
  // One request on its way. Built by submit(), then the engine's thread's.
  struct Generation {
    Generation(GenerationId its_id, GenerationRequest its_request, uint64_t seed,
               std::shared_ptr<const Tokenizer> tokenizer);
    const GenerationId id;
    const GenerationRequest request;
    Sampler sampler;
    TokenDecoder decoder;
    StopStrings stops;
    std::vector<TokenId> tokens;  // the prompt and what was generated
    CacheSequence cached;
    int64_t generated = 0;
    bool has_started = false;
  };

  void check_request(GenerationRequest& request) const;
  void take_slot();

  void run();
  bool take_arrivals();
  void begin(std::unique_ptr<Generation> generation);
  void drop_cancelled(const std::vector<GenerationId>& ids);
  std::vector<GenerationId> take_cancelled();
  void step();
  void note_started(const Scheduler::Step& step);
  std::vector<Scheduler::Grant> reserve_pages(const std::vector<Scheduler::Grant>& grants);
  BatchEntry entry_of(const Scheduler::Grant& grant);
  void compute(const std::vector<Scheduler::Grant>& grants);
  void compute_one_by_one(const std::vector<Scheduler::Grant>& grants);
  void after_compute(const Scheduler::Grant& grant, std::span<const float> logits);
  void next_token(Generation& generation, std::span<const float> logits);
  void hand_out(Generation& generation, TokenId id, std::span<const float> logits);
  std::string flush_text(Generation& generation, StopReason& reason) const;
  void finish(Generation& generation, StopReason reason, std::optional<Error> error = std::nullopt);
  template <class Work>
  void guarded(Generation& generation, const Work& work);

  // Constant after construction.
  EngineOptions options_;
  const std::shared_ptr<const Tokenizer> tokenizer_;
  const Random seeds_;  // for requests without one: at(id)

  // Used by the engine's thread only.
  const std::unique_ptr<TokenModel> model_;
  KvCache cache_;
  Scheduler scheduler_;
  std::unordered_map<GenerationId, std::unique_ptr<Generation>> generations_;

  // Shared.
  BoundedQueue<std::unique_ptr<Generation>> arrivals_;
  std::atomic<bool> stopping_ = false;
  std::atomic<GenerationId> next_id_ = 1;
  std::atomic<int64_t> waiting_ = 0;  // submitted, not started: each holds a slot of options.queue
  std::atomic<int64_t> active_ = 0;
  std::atomic<int64_t> prompt_tokens_ = 0;
  std::atomic<int64_t> generated_tokens_ = 0;
  std::atomic<int64_t> cache_tokens_used_ = 0;
  Mutex mutex_;
  std::unordered_set<GenerationId> live_ GUARDED_BY(mutex_);
  std::vector<GenerationId> cancelled_ GUARDED_BY(mutex_);

  std::thread thread_;  // last: starts when everything above stands
};

}  // namespace understudy
