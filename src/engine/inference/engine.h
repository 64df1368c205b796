// The room's page. engine/inference serves one Model (and adapters on it) to many requests at once: it schedules
// prompts in chunks and decoding tokens into batches, samples, finds stop strings, and hands tokens out. It owns one
// thread, "engine", that runs everything that touches the model; submit() and cancel() are thread-safe. It knows no
// HTTP and no chat protocol.
//
//   scheduler.h      which tokens go into the next batch, who waits        sampler.h       logits to token
//   engine_loop.h    the thread itself                                     stop_strings.h  what may be shown already
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "engine/model/adapter.h"
#include "engine/model/model.h"
#include "engine/text/tokenizer.h"

namespace understudy {

class EngineLoop;

struct SamplingParameters {
  double temperature = 1;  // 0: greedy
  double top_p = 1;
  int top_k = 0;  // 0: all
  double min_p = 0;
  double presence_penalty = 0;
  double frequency_penalty = 0;
  std::optional<uint64_t> seed;  // the same seed, prompt and model give the same tokens, alone or in a batch
  std::vector<std::pair<TokenId, float>> logit_bias;
};

struct TokenProbability {
  TokenId id = 0;
  double logprob = 0;  // natural, of the model's distribution before temperature and filters
};

// A piece of an answer. `text` never holds half a character, nor anything that may become a stop string.
struct GeneratedToken {
  TokenId id = 0;
  std::string text;                   // what became certain with this token; may be empty
  double logprob = 0;                 // where GenerationRequest::logprobs asks for it, and so with `top`
  std::vector<TokenProbability> top;  // the top_logprobs most probable, most probable first
};

enum class StopReason { kStopToken, kStopString, kLength, kCancelled, kFailed };

struct GenerationResult {
  StopReason reason = StopReason::kStopToken;
  std::string rest;  // text that was held back and is now certain; the stop token itself is never handed out
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;     // of the prompt, not computed again
  int64_t generated_tokens = 0;  // stop token included
  std::optional<Error> error;    // with kFailed
};

struct GenerationRequest {
  std::vector<TokenId> prompt;
  int64_t max_tokens = -1;  // -1: as far as the context goes
  SamplingParameters sampling;
  std::vector<std::string> stop;     // strings, cut off before they show
  std::vector<TokenId> stop_tokens;  // usually Tokenizer::stop_tokens(); empty: none (--ignore-eos)
  bool logprobs = false;
  int top_logprobs = 0;
  std::shared_ptr<const Adapter> adapter;  // or none
  // Both are called on the engine's thread, on_token any number of times, then on_finish exactly once; they must not
  // block or throw.
  std::function<void(const GeneratedToken&)> on_token;
  std::function<void(const GenerationResult&)> on_finish;
};

struct EngineOptions {
  int64_t context = 0;         // most tokens of one sequence; 0: the model's own maximum, at most 8,192
  int64_t cache_tokens = 0;    // tokens of all sequences together; 0: max_parallel x context
  int max_parallel = 16;       // sequences in one batch
  int64_t prompt_chunk = 256;  // prompt tokens per step, so that a long prompt does not stop the others
  size_t queue = 256;          // requests waiting; more are refused with kOverloaded
};

struct EngineStatistics {
  int64_t waiting = 0;        // submitted, not started yet
  int64_t active = 0;         // started, not finished
  int64_t prompt_tokens = 0;  // since start
  int64_t generated_tokens = 0;
  int64_t cache_tokens_used = 0;
};

using GenerationId = uint64_t;

class Engine {  // thread-safe
 public:
  Engine(std::shared_ptr<const Model> model, std::shared_ptr<const Tokenizer> tokenizer, const EngineOptions& options);
  ~Engine();  // cancels what runs, then joins its thread

  // Throws kOverloaded when the queue is full, kInvalidInput where the prompt is empty, has a foreign id, or with
  // max_tokens does not fit the context (both lengths in the message).
  GenerationId submit(GenerationRequest request);
  // The sequence leaves the next batch and its memory is freed; on_finish comes with kCancelled. Unknown ids are
  // ignored.
  void cancel(GenerationId id);
  EngineStatistics statistics() const;
  const Model& model() const;
  const Tokenizer& tokenizer() const;
  int64_t context() const;

 private:
  const std::shared_ptr<const Model> model_;
  const std::shared_ptr<const Tokenizer> tokenizer_;
  std::unique_ptr<EngineLoop> loop_;
};

// submit() and wait, for commands and tests. The request's callbacks are called as well, if there are any. `stop`
// cancels.
struct Generated {
  std::vector<GeneratedToken> tokens;
  std::string text;
  GenerationResult result;
};
Generated generate(Engine& engine, GenerationRequest request, std::stop_token stop = {});

}  // namespace understudy
