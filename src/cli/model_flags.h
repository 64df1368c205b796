// What the commands that run a model have in common: the words of --compute and --tokens, and loading model and
// adapter.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/adapter.h"
#include "engine/model/model.h"
#include "engine/text/tokenizer.h"

namespace understudy::cli {

// "1 2 3" or "1,2,3". Throws kUsage naming the word that is no token id of a vocabulary of that size; never empty.
std::vector<TokenId> parse_token_ids(std::string_view text, int64_t vocab_size);

// "f32" or "bf16". Throws kUsage for anything else.
Compute parse_compute(std::string_view word);

struct ModelFlags {
  std::string model;
  std::string adapter;  // empty: none
  std::string compute = "f32";
};

struct LoadedModel {
  std::shared_ptr<const Model> model;
  std::shared_ptr<const Adapter> adapter;  // or none
};
LoadedModel load_model(const ModelFlags& flags);

}  // namespace understudy::cli
