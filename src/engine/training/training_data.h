// Everything a run trains and evaluates on: the config's datasets read, tokenised by several threads, filtered,
// shuffled and split. Immutable after load(). Deterministic in config and files, whatever the number of threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/text/tokenizer.h"
#include "engine/training/example_set.h"
#include "engine/training/train_config.h"

namespace understudy {

struct LengthQuantiles {
  int64_t p50 = 0;
  int64_t p95 = 0;
  int64_t p99_5 = 0;
};

struct TrainingData {
  ExampleSet examples;
  std::vector<int32_t> train;  // numbers of examples, in the order before the epochs' own shuffling
  std::vector<int32_t> validation;
  std::vector<std::string> files;  // what ExampleOrigin::file counts in
  std::optional<std::string>
      chat_template;               // the source of the config's or the tokenizer's; absent where there is none
  std::vector<TokenId> turn_ends;  // every id that ends an answer
  std::optional<TokenId> eos;

  int64_t rows = 0;  // read, of `datasets`
  int64_t dropped_long = 0;
  int64_t dropped_short = 0;
  int64_t dropped_equal = 0;
  std::string sha256;             // of the bytes of `datasets`' files: one file's own hash, else over all of them
  LengthQuantiles prompt_tokens;  // of the training examples: what is no target, and what is
  LengthQuantiles answer_tokens;
  std::vector<std::string> notices;

  std::string where(int64_t example) const;  // "train.jsonl:14"
};

struct DataOptions {
  bool allow_no_stop = false;  // train although trained turns do not end in a stop token
};

// Throws kInvalidInput: a row that does not fit its type (file, line, field), no example left, examples without any
// target (the first ten, with lengths and why), trained turns without a stop token, a template that serving would
// render otherwise.
TrainingData load_training_data(const TrainConfig& config, const std::shared_ptr<const Tokenizer>& tokenizer,
                                const DataOptions& options);

}  // namespace understudy
