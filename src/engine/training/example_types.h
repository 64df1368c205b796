// How a row becomes examples, one class per dataset type of Axolotl: chat_template, alpaca and its kin, completion,
// input_output, pre-tokenised. Token ids are exactly those that serving computes for the same text. Immutable, used by
// several threads at once.
#pragma once

#include <memory>
#include <string>

#include "base/json_fwd.h"
#include "engine/text/chat_template.h"
#include "engine/text/tokenizer.h"
#include "engine/training/example_set.h"
#include "engine/training/train_config.h"

namespace understudy {

// What all types need of the run.
struct ExampleContext {
  std::shared_ptr<const Tokenizer> tokenizer;
  std::optional<std::string> chat_template;  // its source; absent where neither config nor tokenizer has one
  std::string eos_text;                      // as special_tokens or the tokenizer have it; empty where there is none
  std::optional<TokenId> eos;
  std::vector<TokenId> turn_ends;  // every id that ends an answer
  bool train_on_inputs = false;
  int64_t sequence_len = 512;
  Json template_variables;
};

// What was noticed over many rows; sums.
struct ExampleCounts {
  int64_t trained_turns = 0;
  int64_t turns_with_stop = 0;       // their turn end is a stop token (a target or not)
  int64_t turns_ending_in_stop = 0;  // and the last target is that stop token
  ExampleCounts& operator+=(const ExampleCounts& other);
};

class ExampleType {
 public:
  virtual ~ExampleType() = default;
  // Appends the row's examples (completion: as many as it takes). `where` begins errors: "train.jsonl:14".
  virtual void add(const Json& row, std::string_view where, ExampleOrigin origin, ExampleSet& set,
                   ExampleCounts& counts) const = 0;
  // The template check: exactly one BOS, and serving's prompt for the row is the beginning of what is trained. Throws
  // where not.
  virtual void verify(const Json& row, std::string_view where) const;
};

// The type of the entry; where it names none, each row's columns decide. Throws kInvalidInput for an unknown type.
std::unique_ptr<ExampleType> make_example_type(const DatasetConfig& entry, const ExampleContext& context);

// The source of the template that the config, or an entry, names; where it names none the tokenizer's; nothing where
// that has none.
std::optional<std::string> choose_template(const std::string& name, const std::string& jinja, std::string_view where,
                                           const Tokenizer& tokenizer);

// Makers, one per file.
std::unique_ptr<ExampleType> make_chat_type(const DatasetConfig& entry, const ExampleContext& context);
std::unique_ptr<ExampleType> make_instruction_type(const DatasetConfig& entry,
                                                   const ExampleContext& context);  // nullptr: unknown
std::unique_ptr<ExampleType> make_completion_type(const DatasetConfig& entry, const ExampleContext& context);
std::unique_ptr<ExampleType> make_segments_type(const DatasetConfig& entry, const ExampleContext& context);
std::unique_ptr<ExampleType> make_tokenised_type(const ExampleContext& context);

// A member of a row; throws with `where` and the field's name. The text one takes null as absent.
std::string text_field(const Json& row, const std::string& field, std::string_view where);
std::string optional_text_field(const Json& row, const std::string& field, std::string_view where);

}  // namespace understudy
