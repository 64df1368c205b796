#include "engine/inference/engine.h"

#include "base/mutex.h"
#include "engine/inference/engine_loop.h"

namespace understudy {

Engine::Engine(std::shared_ptr<const Model> model, std::shared_ptr<const Tokenizer> tokenizer,
               const EngineOptions& options)
    : model_(std::move(model)),
      tokenizer_(std::move(tokenizer)),
      loop_(std::make_unique<EngineLoop>(std::make_unique<DecoderModel>(model_), tokenizer_, options)) {}

Engine::~Engine() = default;

GenerationId Engine::submit(GenerationRequest request) {
  return loop_->submit(std::move(request));
}
void Engine::cancel(GenerationId id) {
  loop_->cancel(id);
}
EngineStatistics Engine::statistics() const {
  return loop_->statistics();
}
const Model& Engine::model() const {
  return *model_;
}
const Tokenizer& Engine::tokenizer() const {
  return *tokenizer_;
}
int64_t Engine::context() const {
  return loop_->context();
}

namespace {

// What the engine's thread writes until it says done, and the caller reads after that.
struct Collected {
  Mutex mutex;
  CondVar is_done;
  bool done GUARDED_BY(mutex) = false;
  Generated generated;
};

}  // namespace

Generated generate(Engine& engine, GenerationRequest request, std::stop_token stop) {
  Collected collected;
  request.on_token = [&collected, also = std::move(request.on_token)](const GeneratedToken& token) {
    collected.generated.tokens.push_back(token);
    collected.generated.text += token.text;
    if (also) also(token);
  };
  request.on_finish = [&collected, also = std::move(request.on_finish)](const GenerationResult& result) {
    collected.generated.text += result.rest;
    collected.generated.result = result;
    if (also) also(result);
    MutexLock lock(collected.mutex);
    collected.done = true;
    collected.is_done.notify_all();
  };
  const GenerationId id = engine.submit(std::move(request));
  const std::stop_callback cancelling(stop, [&engine, id] { engine.cancel(id); });
  MutexLock lock(collected.mutex);
  while (!collected.done) collected.is_done.wait(collected.mutex);
  return std::move(collected.generated);
}

}  // namespace understudy
