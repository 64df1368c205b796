// The built-in engine as a Provider: one model, with one adapter or none, under one name. Messages go through the
// model's own chat template, exactly as in training and evaluation; a prompt of /v1/completions is taken as it stands.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/inference/engine.h"
#include "engine/text/chat_template.h"
#include "engine/text/tokenizer.h"
#include "gateway/providers/provider.h"

namespace understudy {

struct LocalModel {
  std::string name;                        // what applications ask for
  int64_t created = 0;                     // of the model's file; seconds since 1970, UTC
  std::shared_ptr<const Adapter> adapter;  // or none
  // Nothing for a model that only continues text: chat requests are then refused.
  std::optional<ChatTemplate> chat_template;
};

class LocalEngine : public Provider, private TokenService {  // thread-safe
 public:
  // `engine` outlives this object.
  LocalEngine(Engine& engine, std::shared_ptr<const Tokenizer> tokenizer, LocalModel model);

  Awaitable<Attempt> start(const WireRequest& request, const std::string& model, const Call& call) override;
  std::vector<ProviderModel> models() const override;
  ProviderLoad load() const override;
  const TokenService* tokens() const override { return this; }

 private:
  std::vector<int32_t> tokenize(const std::string& text, bool add_special, bool parse_special) const override;
  std::string detokenize(const std::vector<int32_t>& tokens) const override;

  std::unique_ptr<AnswerStream> begin(const ChatRequest& request, const Call& call) const;
  std::vector<TokenId> prompt_of(const ChatRequest& request) const;
  std::vector<TokenId> chat_prompt_of(const ChatRequest& request) const;
  GenerationRequest generation_of(const ChatRequest& request, std::vector<TokenId> prompt) const;
  void check_length(const ChatRequest& request, size_t prompt_tokens) const;

  // Constant after construction.
  Engine& engine_;
  const std::shared_ptr<const Tokenizer> tokenizer_;
  const LocalModel model_;
};

}  // namespace understudy
