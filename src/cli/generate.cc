// understudy generate: one answer to given tokens or a text, through the serving engine, so that its tokens are those
// that `serve` gives. No chat template.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/interrupt.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/model_flags.h"
#include "engine/inference/engine.h"

namespace understudy::cli {

namespace {

constexpr int64_t kDefaultMaxTokens = 128;

struct Flags {
  ModelFlags model;
  std::optional<std::string> tokens;
  std::optional<std::string> prompt;
  std::optional<int64_t> max_tokens;
  SamplingParameters sampling = {.temperature = 0};
  std::vector<std::string> stop;
  bool ignore_eos = false;
  bool json = false;
};

std::vector<TokenId> prompt_of(const Flags& flags, const Tokenizer& tokenizer, int64_t vocab_size) {
  if (flags.tokens.has_value() == flags.prompt.has_value()) {
    throw Error(ErrorCode::kUsage, "expected either --tokens or --prompt", "--tokens \"1 2 3\" or --prompt \"Total:\"");
  }
  if (flags.tokens) return parse_token_ids(*flags.tokens, vocab_size);
  return tokenizer.encode(*flags.prompt, {.add_special = true});
}

// What nobody asked for shall not be refused: the default gives way to the context, a given number does not.
int64_t max_tokens_of(const Flags& flags, const Engine& engine, size_t prompt) {
  const int64_t room = engine.context() - static_cast<int64_t>(prompt);
  return flags.max_tokens.value_or(std::clamp<int64_t>(room, 1, kDefaultMaxTokens));
}

void print_json(const Generated& generated) {
  std::vector<TokenId> ids;
  for (const GeneratedToken& token : generated.tokens) ids.push_back(token.id);
  const GenerationResult& result = generated.result;
  const Json json = {{"text", generated.text},
                     {"ids", ids},
                     {"finish_reason", result.reason == StopReason::kLength ? "length" : "stop"},
                     {"prompt_tokens", result.prompt_tokens},
                     {"generated_tokens", result.generated_tokens}};
  fmt::print("{}\n", dump_json(json));
}

void print_piece(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

int run_generate(const Flags& flags) {
  const std::stop_token interrupt = interrupt_token();  // before any thread starts
  const LoadedModel loaded = load_model(flags.model);
  const auto tokenizer = Tokenizer::load(flags.model.model);
  GenerationRequest request{.prompt = prompt_of(flags, *tokenizer, loaded.model->config().vocab_size),
                            .sampling = flags.sampling,
                            .stop = flags.stop,
                            .adapter = loaded.adapter};
  // One sequence with the model's whole context; memory for it is taken as it grows.
  Engine engine(loaded.model, tokenizer, {.context = loaded.model->config().max_positions, .max_parallel = 1});
  request.max_tokens = max_tokens_of(flags, engine, request.prompt.size());
  if (!flags.ignore_eos) request.stop_tokens = tokenizer->stop_tokens();
  if (!flags.json) request.on_token = [](const GeneratedToken& token) { print_piece(token.text); };
  const Generated generated = generate(engine, std::move(request), interrupt);
  if (generated.result.error) throw Error(*generated.result.error);
  if (generated.result.reason == StopReason::kCancelled) throw Error(ErrorCode::kCancelled, "stopped");
  if (flags.json) {
    print_json(generated);
  } else {
    print_piece(generated.result.rest + "\n");
  }
  return 0;
}

void add_flags(CLI::App& app, Flags& flags) {
  app.add_option("model", flags.model.model, "Hugging Face folder or GGUF file")->required();
  app.add_option("--adapter", flags.model.adapter, "PEFT folder or GGUF adapter");
  app.add_option("--tokens", flags.tokens, "the prompt as token ids, \"1 2 3\"; nothing is added to it");
  app.add_option("--prompt", flags.prompt, "the prompt as text; a BOS goes before it where the tokenizer adds one");
  app.add_option("--max_tokens", flags.max_tokens, "most tokens of the answer")
      ->default_str(std::to_string(kDefaultMaxTokens));
  app.add_option("--temperature", flags.sampling.temperature, "0 takes the most probable token each time")
      ->capture_default_str();
  app.add_option("--top_p", flags.sampling.top_p, "share of the most probable tokens to draw from")
      ->capture_default_str();
  app.add_option("--top_k", flags.sampling.top_k, "number of the most probable tokens to draw from; 0: all")
      ->capture_default_str();
  app.add_option("--min_p", flags.sampling.min_p, "least probability, relative to the highest")->capture_default_str();
  app.add_option("--seed", flags.sampling.seed, "the same seed gives the same answer");
  app.add_option("--stop", flags.stop, "a text to stop before; may be given several times")->allow_extra_args(false);
  app.add_flag("--ignore_eos", flags.ignore_eos, "go on after the tokens that end an answer");
  app.add_option("--compute", flags.model.compute, "type of the matrix products: f32 or bf16")->capture_default_str();
  app.add_flag(
      "--json", flags.json,
      "one JSON value: text, ids, finish_reason, prompt_tokens, generated_tokens. text and ids hold only what is "
      "new, without the token that ended the answer; generated_tokens counts it");
}

}  // namespace

Command generate_command() {
  return {"generate", "Continue tokens or a text with a model",
          "  understudy generate ./my-model --prompt \"Total:\" --max-tokens 20\n"
          "  understudy generate model.gguf --adapter ./out --tokens \"1 2 3\" --ignore-eos --json\n"
          "  understudy generate model.gguf --prompt \"Once\" --temperature 0.8 --seed 7 --stop \". \"",
          [](CLI::App& app) {
            auto flags = std::make_shared<Flags>();
            add_flags(app, *flags);
            return [flags] { return run_generate(*flags); };
          }};
}

}  // namespace understudy::cli
