// understudy logits: one pass over given tokens, the logits of every position into a safetensors file.
#include <algorithm>
#include <cstring>

#include "cli/commands.h"
#include "cli/model_flags.h"
#include "engine/formats/safetensors.h"
#include "engine/model/decoder.h"

namespace understudy::cli {

namespace {

struct Flags {
  ModelFlags model;
  std::string tokens;
  std::string out;
};

// In pieces, so that the decoder's own memory does not grow with the text; a row does not depend on the cut.
constexpr size_t kTokensAtOnce = 256;

Tensor logits_of(const LoadedModel& loaded, std::span<const TokenId> tokens) {
  const ModelConfig& config = loaded.model->config();
  Decoder decoder(loaded.model);
  KvCache cache(config, static_cast<int64_t>(tokens.size()));
  CacheSequence sequence;
  CHECK(cache.reserve(sequence, cache.max_tokens()), "an empty cache has room for what it was made for");
  Tensor logits = Tensor::uninitialized(DType::kF32, Shape{static_cast<int64_t>(tokens.size()), config.vocab_size});
  float* to = logits.f32();
  for (size_t at = 0; at < tokens.size(); at += kTokensAtOnce) {
    const BatchEntry entry{.sequence = &sequence,
                           .tokens = tokens.subspan(at, std::min(kTokensAtOnce, tokens.size() - at)),
                           .adapter = loaded.adapter.get(),
                           .all_logits = true};
    const ConstTensorView rows = decoder.forward({&entry, 1}, cache);
    std::memcpy(to, rows.data, rows.bytes());
    to += rows.shape.elements();
  }
  return logits;
}

int write_logits(const Flags& flags) {
  const LoadedModel loaded = load_model(flags.model);
  const ModelConfig& config = loaded.model->config();
  const std::vector<TokenId> tokens = parse_token_ids(flags.tokens, config.vocab_size);
  if (static_cast<int64_t>(tokens.size()) > config.max_positions) {
    throw Error(ErrorCode::kInvalidInput, "--tokens: " + std::to_string(tokens.size()) + " are more than the model's " +
                                              std::to_string(config.max_positions) + " positions");
  }
  const Tensor logits = logits_of(loaded, tokens);
  write_safetensors(flags.out, {{"logits", logits.const_view()}});
  return 0;
}

}  // namespace

Command logits_command() {
  return {"logits", "Write the logits of every position of given tokens",
          "  understudy logits ./my-model --tokens \"1 15043 3186\" --out logits.safetensors\n"
          "  understudy logits base.gguf --adapter ./out --tokens \"1 2 3\" --out f.safetensors --compute bf16",
          [](CLI::App& app) {
            auto flags = std::make_shared<Flags>();
            app.add_option("model", flags->model.model, "Hugging Face folder or GGUF file")->required();
            app.add_option("--adapter", flags->model.adapter, "PEFT folder or GGUF adapter");
            app.add_option("--tokens", flags->tokens, "token ids, as \"1 2 3\"")->required();
            app.add_option("--out", flags->out, "file to write: float32 [tokens, vocab] named logits, as safetensors")
                ->required();
            app.add_option("--compute", flags->model.compute, "type of the matrix products: f32 or bf16")
                ->capture_default_str();
            return [flags] { return write_logits(*flags); };
          }};
}

}  // namespace understudy::cli
