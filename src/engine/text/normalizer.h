// The normalisers of a tokenizer.json: what happens to text before it is cut into words. Immutable, shareable between
// threads.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json_fwd.h"
#include "engine/text/aligned_text.h"
#include "engine/text/regex.h"

namespace understudy {

enum class UnicodeForm { kNfc, kNfd, kNfkc, kNfkd };

struct PrependText {
  std::string text;  // before any text that is not empty
};
struct ReplaceText {
  Regex pattern;
  std::string content;
};
using NormalizerStep = std::variant<UnicodeForm, PrependText, ReplaceText>;

class Normalizer {
 public:
  Normalizer() = default;
  explicit Normalizer(std::vector<NormalizerStep> steps) : steps_(std::move(steps)) {}
  // The value of tokenizer.json's key "normalizer" (null: none). `where` names the file. Throws kInvalidInput for an
  // unknown type.
  static Normalizer read(const Json& value, std::string_view where);

  // Whether anything changed; then `out` holds the new text.
  bool apply(const Piece& piece, AlignedText& out) const;
  std::string apply(std::string_view text) const;

  bool empty() const { return steps_.empty(); }
  bool has(UnicodeForm form) const;
  // The text put in front of every piece ("▁" of SentencePiece's), or an empty one.
  std::string prepended() const;
  // Whether any step is something else than a UnicodeForm.
  bool rewrites() const;

 private:
  std::vector<NormalizerStep> steps_;
};

}  // namespace understudy
