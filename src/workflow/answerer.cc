#include "workflow/answerer.h"

#include <chrono>

#include "base/error.h"
#include "engine/inference/engine.h"
#include "engine/model/adapter.h"
#include "engine/model/model.h"
#include "engine/text/chat_template.h"
#include "engine/text/tokenizer.h"

namespace understudy::workflow {

namespace {

std::string finish_word(StopReason reason) {
  return reason == StopReason::kLength ? "length" : "stop";
}

// One request at a time through the serving engine, so that what is measured is what will be served.
class EngineAnswerer : public evaluation::Answerer {
 public:
  EngineAnswerer(const std::string& model_path, const std::string& adapter_path)
      : tokenizer_(Tokenizer::load(model_path)),
        template_(ChatTemplate::of(*tokenizer_)),
        model_(Model::load(model_path, {.compute = Compute::kF32})),
        adapter_(adapter_path.empty() ? nullptr : Adapter::load(adapter_path, model_->config())),
        engine_(model_, tokenizer_, {.max_parallel = 1}) {}

  evaluation::ModelAnswer answer(const evaluation::EvalRequest& request, std::stop_token stop) override {
    const auto begin = std::chrono::steady_clock::now();
    const RenderedChat chat = template_.render(to_template_json(request.messages), {.add_generation_prompt = true});
    GenerationRequest generation;
    generation.prompt = encode_chat(*tokenizer_, chat).ids;
    generation.max_tokens = request.max_tokens;
    generation.sampling.temperature = request.temperature;
    generation.stop_tokens = tokenizer_->stop_tokens();
    generation.adapter = adapter_;
    const auto n_prompt = static_cast<int64_t>(generation.prompt.size());
    // A prompt that leaves less room than max_tokens gets what is left; one that leaves none is a failed answer, not a
    // failed run.
    const int64_t room = engine_.context() - n_prompt;
    if (room < 1) {
      return {.finish = "length",
              .prompt_tokens = n_prompt,
              .failure = "the prompt of " + std::to_string(n_prompt) + " tokens leaves no room in the context of " +
                         std::to_string(engine_.context())};
    }
    generation.max_tokens = std::min(generation.max_tokens, room);
    const Generated generated = generate(engine_, std::move(generation), stop);
    if (generated.result.reason == StopReason::kCancelled)
      throw Error(ErrorCode::kCancelled, "the evaluation was stopped");
    if (generated.result.error) throw *generated.result.error;
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
    return {.text = generated.text,
            .finish = finish_word(generated.result.reason),
            .prompt_tokens = generated.result.prompt_tokens,
            .answer_tokens = generated.result.generated_tokens,
            .latency_ms = taken.count()};
  }

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
  ChatTemplate template_;
  std::shared_ptr<const Model> model_;
  std::shared_ptr<const Adapter> adapter_;
  Engine engine_;
};

}  // namespace

std::unique_ptr<evaluation::Answerer> make_answerer(const std::string& model, const std::string& adapter) {
  return std::make_unique<EngineAnswerer>(model, adapter);
}

}  // namespace understudy::workflow
