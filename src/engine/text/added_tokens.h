// Tokens that are recognised in the text before any word is cut: special ones (<|eot_id|>) and others that were added
// to a vocabulary. Immutable, shareable between threads.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/aligned_text.h"
#include "engine/text/tokenizer.h"

namespace understudy {

struct AddedToken {
  TokenId id = 0;
  std::string content;
  bool single_word = false;  // only where no letter, digit or '_' stands beside it
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // takes the white space after it along
  bool normalized = false;   // looked for in the normalised text, in its own normalised form
  bool special = false;      // a control token
};

// Finds added tokens in a text: at each place the longest that may stand there (Aho and Corasick's leftmost-longest).
class AddedTokenFinder {
 public:
  AddedTokenFinder() = default;
  // patterns[i]: how tokens[i] is written in the text that is searched.
  AddedTokenFinder(std::vector<AddedToken> tokens, std::span<const std::string> patterns);

  // Which tokens may be read, and where.
  struct Rules {
    bool special = true;  // special tokens are read ...
    std::span<const TextSpan> plain =
        {};  // ... but not where one of their bytes (in the original) lies in these spans (sorted)
  };
  // Calls `text` and `token` in order of the piece; together they cover it. Parts given to `text` are not empty.
  void split(const Piece& piece, const Rules& rules, const std::function<void(const Piece&)>& text,
             const std::function<void(const Piece&, TokenId)>& token) const;

  bool empty() const { return tokens_.empty(); }

 private:
  struct Node {
    std::map<unsigned char, int> next;
    int token = -1;
  };
  int longest_at(const Piece& piece, size_t begin, const Rules& rules, size_t& end) const;
  bool may_stand(const AddedToken& token, const Piece& piece, TextSpan at, const Rules& rules) const;

  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_;
  std::array<bool, 256> begins_{};  // by first byte
};

}  // namespace understudy
