// The pre-tokenizers of a tokenizer.json: how text is cut into words, across which no merge goes. Immutable, shareable
// between threads.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json_fwd.h"
#include "engine/text/aligned_text.h"
#include "engine/text/regex.h"

namespace understudy {

// The splits that model families use, as their makers publish them.
extern const char* const kGpt2Split;
extern const char* const kLlama3Split;
extern const char* const kQwen2Split;
extern const char* const kTekkenSplit;  // Mistral Nemo

enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

struct SplitStep {
  Regex pattern;
  SplitBehavior behavior = SplitBehavior::kIsolated;
  bool invert = false;  // the matches are the words, what lies between them the separators
};
// Cuts around matches of `pattern` (none: no cut) and writes a space in front of a piece that has none.
struct ByteLevelStep {
  bool add_prefix_space = false;
  std::optional<Regex> pattern;
};
enum class PrependScheme { kNever, kFirst, kAlways };
// SentencePiece's: spaces become `replacement`, which begins a word.
struct MetaspaceStep {
  std::string replacement;
  PrependScheme prepend = PrependScheme::kAlways;
  bool split = true;
};
MetaspaceStep read_metaspace(const Json& value, std::string_view where);  // a Metaspace pre-tokenizer or decoder
using PreTokenizerStep = std::variant<SplitStep, ByteLevelStep, MetaspaceStep>;

class PreTokenizer {
 public:
  PreTokenizer() = default;
  explicit PreTokenizer(std::vector<PreTokenizerStep> steps) : steps_(std::move(steps)) {}
  // The value of tokenizer.json's key "pre_tokenizer" (null: none). Throws kInvalidInput for an unknown type.
  static PreTokenizer read(const Json& value, std::string_view where);

  // Calls `word` with every word of the piece, in order. Words are valid during the call.
  void split(const Piece& piece, const std::function<void(const Piece&)>& word) const { run(0, piece, word); }

  // Whether words go to the vocabulary in the byte alphabet (byte_level.h).
  bool is_byte_level() const;
  // The regular expression that cuts words where that is all that this pre-tokenizer does; else nothing.
  std::optional<std::string> only_split() const;
  // The Metaspace step, if it is the only one.
  const MetaspaceStep* only_metaspace() const;
  bool empty() const { return steps_.empty(); }

 private:
  void run(size_t step, const Piece& piece, const std::function<void(const Piece&)>& word) const;
  std::vector<PreTokenizerStep> steps_;
};

}  // namespace understudy
